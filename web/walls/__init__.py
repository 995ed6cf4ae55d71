"""The live board on walls: full screen, in turn, without anybody's data, opened by a link that can be revoked."""
