"""Lists of contacts: the page of all of them, the builder of segments, files that are sent."""
