"""Data protection: copies and erasures, the end of a contract, the register of breaches."""
