"""Lists of contacts: made of a segment or of a file, frozen once made, withdrawn when nothing needs them."""
