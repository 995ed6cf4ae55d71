"""What agents are given to say and write: the console's panel, the page of an article, and its editors' pages."""
