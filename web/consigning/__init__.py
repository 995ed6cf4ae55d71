"""The page on which a taxpayer opens documents that were handed to him, by a one-time code."""
