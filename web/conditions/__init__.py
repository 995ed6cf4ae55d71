"""The page on which a contract's conditions are written: hours, numbers, reports, extra operators."""
