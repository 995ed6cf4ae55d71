"""Reading collection state from the gestionale: the feed format and the importer."""
