"""The pages of cases: board, list, calendar of what is due, one case with its steps; sharing them out."""
