"""Documents of the file: what the collection system lists, and the contents once they have been received."""
