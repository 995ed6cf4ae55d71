"""Sounds that the carrier makes, kept here: brought in, encrypted, heard, deleted there and here in time."""
