"""What may be refused about voice flows."""

from collections.abc import Sequence

from crm.core.errors import InvalidError
from telephony.ivr.checks import Problem

# What a definition may have wrong before it is a flow at all, by pydantic's name for it.
FAULTS = {
    "missing": "manca",
    "extra_forbidden": "questo campo non esiste",
    "enum": "non è uno dei valori possibili",
    "union_tag_invalid": "questo tipo di passo non esiste",
    "union_tag_not_found": "manca il tipo di passo («kind»)",
    "string_type": "qui va un testo",
    "string_pattern_mismatch": "contiene caratteri che qui non vanno",
    "string_too_short": "è troppo corto",
    "string_too_long": "è troppo lungo",
    "int_type": "qui va un numero",
    "int_parsing": "qui va un numero",
    "bool_type": "qui va vero o falso (true, false)",
    "greater_than_equal": "è un numero troppo basso",
    "less_than_equal": "è un numero troppo alto",
    "too_short": "ci sono troppo pochi elementi",
    "too_long": "ci sono troppi elementi",
}
OTHER_FAULT = "non è scritto come spiega la documentazione"


class FlowProblemsError(InvalidError):
    """A flow cannot be published with these problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("Il percorso ha ancora degli errori: guarda l'elenco.")
        self.problems = tuple(problems)
