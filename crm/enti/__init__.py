"""The enti served, the contracts that cover them, their hours, holidays and closures."""
