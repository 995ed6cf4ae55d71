"""The read API of an ente's own programs, by tokens: levels, reports and calls by the hour. `docs/reports.md`."""
