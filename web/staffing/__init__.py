"""Turni e previsioni: forecasts, the agents they take, shifts, extra operators."""
