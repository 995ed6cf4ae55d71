"""Data protection (GDPR): a person exported or erased, the end of a contract, the register of breaches."""
