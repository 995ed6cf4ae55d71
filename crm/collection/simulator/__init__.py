"""A gestionale that is none: a program that answers by docs/gestionale-api.yaml, for trying out and for tests."""
