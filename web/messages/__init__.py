"""Messages on the pages: sent from an open file; and what whoever gets one finds without signing in."""
