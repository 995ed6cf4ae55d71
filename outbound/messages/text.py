"""What a campaign writes: words with named fields, what is refused in them, and how they are put together. Pure.

Nothing is said to a third party (Garante per la protezione dei dati personali, general measure of 30 November 2005). An
SMS lies on a screen that others read, and so does a subject: neither tells of a debt, whoever the number is thought to
belong to. What an e-mail may tell, `Words.telling`, is used only at an address that somebody verified as his.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from crm.core.errors import InvalidError
from crm.messages.segments import Length, in_gsm, measured
from crm.messages.wording import tells_of_debt
from outbound.compliance.rules import Written


class Field(StrEnum):
    """What may stand between braces, as it is typed."""

    NAME = "nome"
    ENTE = "ente"
    LINE = "telefono"  # the number to call
    BOOKING = "prenota"  # where appointments are booked
    REQUESTS = "segnala"  # where requests and complaints are sent
    SURVEY = "indagine"  # a survey's own link for whoever is asked
    CODE = "codice_indagine"  # which he keys on the telephone to answer a survey
    AMOUNT = "importo"
    NOTICES = "avvisi"  # how many
    NOTICE = "avviso"  # the number of the oldest one
    DUE = "scadenza"  # of the same


# They tell that somebody owes.
TELLING = frozenset({Field.AMOUNT, Field.NOTICES, Field.NOTICE, Field.DUE})
LONGEST_SMS, LONGEST_SUBJECT, LONGEST_BODY = 600, 150, 6_000
MOST_SUBJECT = 200  # with its fields filled in
MOST_SEGMENTS = 4  # of a text with short fields: who writes more, writes an e-mail
STOP_SMS = " Per non ricevere SMS: STOP"
STOP_EMAIL = "Per non ricevere altre e-mail da questo ente: {link}"
_FIELD = re.compile(r"\{([^{}\n]*)\}")
_STOP = re.compile(r"\bSTOP\b")
# What a field takes in a text that is looked at before anybody is known.
USUAL: Mapping[Field, str] = {
    Field.NAME: "Maria Rossi Bianchi", Field.ENTE: "Comune di Empoli", Field.LINE: "+39 0571 757100",
    Field.BOOKING: "https://empoli.example.it/prenota", Field.REQUESTS: "https://empoli.example.it/segnala",
    Field.SURVEY: f"https://empoli.example.it/indagine/{'x' * 48}", Field.CODE: "48213012345",
    Field.AMOUNT: "1.284,50 €", Field.NOTICES: "2",
    Field.NOTICE: "301000000000012373", Field.DUE: "30 novembre 2026",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """Of a channel in a phase. An SMS has its body alone; `telling` is an e-mail's body at an address that is his."""

    subject: str = ""
    body: str = ""
    telling: str = ""

    @property
    def written(self) -> bool:
        """Whether anybody wrote anything."""
        return bool(self.subject.strip() or self.body.strip() or self.telling.strip())


@dataclass(frozen=True, slots=True)
class Composed:
    """A message as it leaves; `tells`: it tells of the debt."""

    subject: str
    body: str
    tells: bool = False


def used(text: str) -> set[str]:
    """The names between braces."""
    return set(_FIELD.findall(text))


def faults(words: Words, channel: Written, *, about_debt: bool, place: str) -> Iterator[InvalidError]:
    """Everything that is wrong, by the field of the form (`place` and the part's name)."""
    parts = {"body": words.body}
    if channel is Written.EMAIL:
        parts = {"subject": words.subject, **parts, "telling": words.telling}
    for name, text in parts.items():
        longest = LONGEST_SMS if channel is Written.SMS else LONGEST_SUBJECT if name == "subject" else LONGEST_BODY
        yield from _faults_of(text, f"{place}-{name}", longest, tells=name == "telling", about_debt=about_debt)
    if channel is Written.SMS and words.body.strip():
        if Field.ENTE not in used(words.body):
            yield InvalidError("Chi scrive deve dire chi è: metti {ente} nel testo.", field=f"{place}-body")
        elif length(words).segments > MOST_SEGMENTS:
            yield InvalidError(f"È troppo lungo: al massimo {MOST_SEGMENTS} SMS.", field=f"{place}-body")


def lacks(words: Words, channel: Written, *, place: str) -> Iterator[InvalidError]:
    """What must still be written before the ente can be asked."""
    if channel is Written.EMAIL and not words.subject.strip():
        yield InvalidError("Scrivi l'oggetto dell'e-mail.", field=f"{place}-subject")
    if not words.body.strip():
        yield InvalidError("Scrivi il testo del messaggio.", field=f"{place}-body")


def composed(
    words: Words, channel: Written, values: Mapping[Field, str], *, verified: bool = False, stop: str = ""
) -> Composed:
    """The message to somebody. `stop`: where whoever gets an e-mail says that he wants no more.

    The values of an SMS are written in the GSM alphabet: one name with an accent that it lacks would double the cost.
    """
    if channel is Written.SMS:
        body = filled(words.body, {name: in_gsm(value) for name, value in values.items()})
        return Composed("", body if _STOP.search(words.body) else body + STOP_SMS)
    tells = bool(words.telling.strip()) and verified and used(words.telling) <= set(values)
    text = filled(words.telling if tells else words.body, values)
    foot = "\n".join(("-- ", values.get(Field.ENTE, ""), *([STOP_EMAIL.format(link=stop)] if stop else ())))
    return Composed(_subject(filled(words.subject, values)), f"{text.strip()}\n\n{foot}", tells)


def filled(text: str, values: Mapping[Field, str]) -> str:
    """With the values in place of the names. One that nobody knows is left out, and so is the space before it."""
    known = {name.value: value for name, value in values.items()}
    gone = re.sub(r" ?\{([^{}\n]*)\}", lambda one: one[0] if known.get(one[1]) else "", text)
    return _FIELD.sub(lambda one: known[one[1]], gone)


def _subject(text: str) -> str:
    """One line, as long as a message keeps: nobody's long name stops what is written to the others."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= MOST_SUBJECT else f"{line[: MOST_SUBJECT - 1]}…"


def length(words: Words) -> Length:
    """Of an SMS with fields of the usual length."""
    return measured(composed(words, Written.SMS, USUAL).body)


def costly(words: Words) -> list[str]:
    """The characters of an SMS for which the whole text no longer fits the GSM alphabet."""
    return sorted({one for one in words.body if not measured(one).gsm})


def _faults_of(text: str, field: str, longest: int, *, tells: bool, about_debt: bool) -> Iterator[InvalidError]:
    if len(text) > longest:
        yield InvalidError(f"È troppo lungo: al massimo {longest} caratteri.", field=field)
    for one in _FIELD.finditer(text):
        name, at = one[1], one.start() + 1
        if name not in set(Field):
            yield InvalidError(f"Il campo «{name}», al carattere {at}, non c'è.", field=field)
        elif name in TELLING and not tells:
            yield InvalidError(
                f"Il campo «{name}», al carattere {at}, direbbe del debito a chi legge lo schermo.", field=field
            )
    loose = re.search(r"[{}]", _FIELD.sub(lambda one: " " * len(one[0]), text))
    if loose:
        at = loose.start() + 1
        yield InvalidError(f"La parentesi graffa al carattere {at} è spaiata.", field=field)
    if about_debt and not tells and tells_of_debt(_FIELD.sub("-", text), "it"):
        yield InvalidError("Chi vede lo schermo capirebbe che c'è un debito: togli quelle parole.", field=field)
