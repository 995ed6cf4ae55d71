"""The words of an ente at the door, and those that nobody may say there. Pure.

A third party hears one sentence in which nothing tells of a debt (Garante, 30 November 2005); the taxpayer hears the
reason and the consequences as the law has them, and no threat of what cannot or will not happen (requirement F2).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields

from crm.core.errors import InvalidError
from outbound.field.visits.forbidden import FORBIDDEN

LONGEST = 600
KEEP_DAYS = (1, 7)


@dataclass(frozen=True, slots=True)
class Words:
    """What is said: who he is; to a third party; why he came; what follows; on the notice left at a closed door.
    `keep_days`: for how many days without contact a telephone keeps what it knows.
    """

    introduction: str = (
        "Buongiorno, sono un incaricato del Comune. Questo è il mio tesserino: può verificarlo con il codice."
    )
    neutral: str = (
        "Cerco la persona indicata per una comunicazione personale. Può richiamarci lei al numero sull'avviso."
    )
    reason: str = (
        "Sono qui per gli importi che risultano ancora da versare al Comune. Le mostro gli atti, e come può "
        "regolarizzarli."
    )
    consequences: str = (
        "Se gli importi restano da versare, il Comune può proseguire con gli atti che la legge prevede, di cui "
        "riceverebbe prima comunicazione scritta. Può pagare con l'avviso pagoPA, chiedere la rateizzazione o farci "
        "sapere se qualcosa non è dovuto."
    )
    notice: str = (
        "Siamo passati e non l'abbiamo trovata. Ci chiami, o prenoti un appuntamento: bastano il numero e il codice."
    )
    keep_days: int = 3


SPOKEN = tuple(one.name for one in fields(Words) if one.name != "keep_days")
TO_ANYBODY = ("introduction", "neutral", "notice")
OF_A_DEBT = re.compile(
    r"debit|tribut|tass[ae]|impost|cartell|ingiunz|pagament|pagar|versar|arretrat|riscoss|importi?|euro|€|\b(imu|tari|tasi)\b",
    re.IGNORECASE,
)
_FORBIDDEN = tuple((re.compile(rf"\b(?:{words})", re.IGNORECASE), why) for words, why in FORBIDDEN.items())


def wrong(words: Words) -> Iterator[InvalidError]:
    """What cannot stand so, field by field."""
    for name in SPOKEN:
        text: str = getattr(words, name)
        if not text.strip():
            yield InvalidError("Scrivi che cosa si dice.", field=name)
        elif len(text) > LONGEST:
            yield InvalidError(f"È troppo lungo: al massimo {LONGEST} caratteri.", field=name)
        elif found := next(((m, why) for words_, why in _FORBIDDEN if (m := words_.search(text))), None):
            yield InvalidError(f"«{found[0].group()}»: {found[1]}", field=name)
        elif name in TO_ANYBODY and (told := OF_A_DEBT.search(text)):
            yield InvalidError(
                f"«{told.group()}»: chiunque può sentirlo o leggerlo, e di debiti non deve dire.", field=name
            )
    if not KEEP_DAYS[0] <= words.keep_days <= KEEP_DAYS[1]:
        yield InvalidError(f"Da {KEEP_DAYS[0]} a {KEEP_DAYS[1]} giorni.", field="keep_days")
