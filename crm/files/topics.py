"""What of a file may be told, or not, to whom one speaks with."""

AMOUNTS = "amounts"
ACTS = "acts"
PAYMENTS = "payments"
PLANS = "plans"
CONTACT_DATA = "contact_data"
DOCUMENTS = "documents"
EVERYTHING = frozenset({AMOUNTS, ACTS, PAYMENTS, PLANS, CONTACT_DATA, DOCUMENTS})
