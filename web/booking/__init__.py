"""The pages on which citizens book, without signing in, with JavaScript or without."""
