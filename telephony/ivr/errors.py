"""What may be refused about voice flows."""

from collections.abc import Sequence

from crm.core.errors import InvalidError
from telephony.ivr.checks import Problem


class FlowProblemsError(InvalidError):
    """A flow cannot be published with these problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("Il percorso ha ancora degli errori: guarda l'elenco.")
        self.problems = tuple(problems)
