"""Lists of contacts: made of a segment or of a file, frozen once they are made, withdrawn when they are no more used."""
