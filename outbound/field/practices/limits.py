"""What a mandate may say. Pure."""

from datetime import date

from crm.core.errors import InvalidError
from outbound.field.practices.lifecycle import Limits

MOST_DAYS, MOST_VISITS = 365, 10


def check_limits(limits: Limits, *, day: date, cents: int = 1, most: int = 1) -> None:
    """Raises `InvalidError` by field. `cents`: the amount it is about, of `most` that are due; `day`: today."""
    wrong = []
    if limits.valid_from > limits.valid_to:
        wrong.append(InvalidError("La fine viene prima dell'inizio.", field="valid_to"))
    elif limits.valid_to < day:
        wrong.append(InvalidError("Questi giorni sono già passati.", field="valid_to"))
    elif (limits.valid_to - limits.valid_from).days > MOST_DAYS:
        wrong.append(InvalidError(f"Al massimo {MOST_DAYS} giorni.", field="valid_to"))
    if not 1 <= limits.most_visits <= MOST_VISITS:
        wrong.append(InvalidError(f"Da 1 a {MOST_VISITS} visite.", field="most_visits"))
    if not 0 < cents <= most:
        wrong.append(InvalidError("Più di zero, e non più di ciò che è dovuto.", field="cents"))
    if wrong:
        raise InvalidError("L'incarico non è completo: guarda i campi segnati.", parts=wrong)
