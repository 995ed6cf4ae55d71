"""What a letter says in the words of whoever writes it: a subject and a text with fields. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from crm.core.errors import InvalidError

LONGEST_SUBJECT, LONGEST_BODY = 120, 3000
_BRACES = re.compile(r"\{([^{}\n]*)\}|[{}]")


class Field(StrEnum):
    """What is known only of each letter; written between braces."""

    NAME = "nome"
    ENTE = "ente"
    TAXES = "tributi"  # TARI 2023 e IMU 2024
    AMOUNT = "importo"  # of all that is asked for
    NOTICES = "avvisi"  # how many
    UNTIL = "scadenza"  # the ente's day for paying by free will
    LINE = "telefono"


# By the phase of the campaign: a solicitation is written when the ente's day is over.
FIELDS: Mapping[str, tuple[Field, ...]] = {
    "voluntary": tuple(Field), "personal": tuple(one for one in Field if one is not Field.UNTIL)
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LetterText:
    """As it is written once for all."""

    subject: str = ""
    body: str = ""


def mistakes(text: str, fields: Iterable[Field]) -> list[InvalidError]:
    """What is wrong with the fields of a text, each with its line and what was probably meant."""
    known = [one.value for one in fields]
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        for match in _BRACES.finditer(line):
            name = match[1]
            if name is None:
                found.append(InvalidError(f"Riga {number}: la parentesi «{match[0]}» è sola, un campo ne vuole due."))
            elif name.strip() not in known:
                meant = get_close_matches(name, known, n=1) or known
                found.append(
                    InvalidError(f"Riga {number}: il campo «{name}» qui non c'è, si può usare {_listed(meant)}.")
                )
    return found


def check(text: LetterText, fields: Iterable[Field], *, at: str) -> list[InvalidError]:
    """What is wrong with a subject and a text, at the fields of the form `subject-{at}` and `body-{at}`."""
    fields, wrong = list(fields), []
    for name, words, longest in (("subject", text.subject, LONGEST_SUBJECT), ("body", text.body, LONGEST_BODY)):
        if len(words) > longest:
            wrong.append(InvalidError(f"Al massimo {longest} caratteri.", field=f"{name}-{at}"))
        for one in mistakes(words, fields)[:1]:
            one.field = f"{name}-{at}"
            wrong.append(one)
    return wrong


def filled(text: str, values: Mapping[Field, str]) -> str:
    """The text of one letter; `check` has found nothing wrong with it."""
    return _BRACES.sub(lambda match: values[Field(match[1].strip())], text)


def paragraphs(text: str) -> list[str]:
    """What is parted by empty lines; a single line's end is a space."""
    parts = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return [" ".join(part.split()) for part in parts if part.strip()]


def _listed(names: list[str]) -> str:
    return ", ".join(f"{{{one}}}" for one in names)
