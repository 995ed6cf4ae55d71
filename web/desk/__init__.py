"""The desk: whoever serves people at an office calls them, with their files open; and all offices at a glance."""
