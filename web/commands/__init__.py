"""The commands of `filodiretto`, by what they are for."""
