"""The keys of the pages: which there are, where each person has put them, and the page on which he does."""
