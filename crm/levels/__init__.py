"""Service levels: the facts of each service, the counters made of them, and the formulas a contract is paid by."""
