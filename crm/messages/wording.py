"""Templates: what is refused in one, and how its words are put together. Pure.

An SMS lies on a screen that others read, and so does an e-mail's subject: neither may tell that somebody owes
(Garante per la protezione dei dati personali, general measure of 30 November 2005). An e-mail's body may, at an
address verified as his (`Wording.telling`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from string import Formatter
from typing import Any

from crm.core.errors import InvalidError
from crm.messages.fields import Field, Name
from crm.messages.models import MessageChannel
from crm.messages.segments import in_gsm, is_gsm, segments

LANGUAGES = ("it", "en", "de")
MOST_SEGMENTS = 3
MAX_SUBJECT, MAX_BODY = 150, 8_000
# Stems that tell of a debt, a tax or a proceeding, by language; each at the beginning of a word.
_TELLING = {
    "it": "debit|moros|mora\\b|ingiunzion|riscossion|sollecit|arretrat|insolut|pignor|ipotec|scadut|scadenz|"
    "import[oi]\\b|euro\\b|pagament|pagare|paghi|pagat|tass[ae]\\b|tribut|tari\\b|imu\\b|cartell|mult[ae]\\b|sanzion|rat[ae]\\b|"
    "avvis[oi]\\b",
    "en": "debt|overdue|arrears|owed?\\b|owing|pay|paid|tax|fine[sd]?\\b|collection|enforcement|instal|unpaid|euro",
    "de": "schuld|mahn|zahl|bezahl|steuer|vollstreck|fällig|rückst|inkasso|betrag|gebühr|rate[n]?\\b|euro|pfänd",
}
_STEMS = {
    language: re.compile(rf"(?<!\w)(?:{stems})|€", re.IGNORECASE) for language, stems in _TELLING.items()
}  # fmt: skip


class Kind(StrEnum):
    """Why somebody gets a message."""

    ASKED = "asked"  # he asked for it just now
    SERVICE = "service"  # about something he has with the ente: an appointment, a request of his
    SOLICITATION = "solicitation"  # the centre wants something of him


class TemplateError(ValueError):
    """A template that must not be used; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A template in one language. `telling` is the body at an address verified as his."""

    sms: str = ""
    subject: str = ""
    body: str = ""
    telling: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """A message with fields. `lives`: after it, sending means nothing. `secret`: its body goes once it is sent.

    `free`: its words are those of a conversation, and whoever writes them says what they may tell. `mass`: it goes to
    many people at once, which is looked after as a whole: no job and no follow-up for each. `certified`: by PEC it says
    the same as by e-mail.
    """

    key: str
    kind: Kind
    fields: Mapping[str, Field]
    wordings: Mapping[str, Wording]
    lives: timedelta
    secret: bool = False
    free: bool = False
    mass: bool = False
    certified: bool = False

    @property
    def channels(self) -> tuple[MessageChannel, ...]:
        """By which it can be sent, as it has words for it."""
        one = self.wordings[LANGUAGES[0]]
        have = (
            (MessageChannel.SMS, one.sms), (MessageChannel.EMAIL, one.subject),
            (MessageChannel.PEC, one.subject and self.certified),
        )  # fmt: skip
        return tuple(channel for channel, words in have if words)

    @property
    def needs_verified(self) -> bool:
        """Whether its e-mail says nothing but what is told at a verified address."""
        one = self.wordings[LANGUAGES[0]]
        return bool(one.subject) and not one.body


@dataclass(frozen=True, slots=True)
class Written:
    """A message's words."""

    subject: str
    body: str


def catalogue(templates: Iterable[Template]) -> Mapping[str, Template]:
    """The templates by key. Raises `TemplateError` for the first that is not in order."""
    found = {}
    for one in templates:
        check(one)
        found[one.key] = one
    return found


def check(template: Template) -> None:
    """Raise `TemplateError` for a placeholder without field, a field that no text has, a language or text that is
    missing, an SMS that could take too many segments, and an SMS or a subject that could tell of a debt.
    """
    if missing := set(LANGUAGES) - set(template.wordings):
        raise _wrong(template, f"no words in {', '.join(sorted(missing))}")
    for language, words in template.wordings.items():
        if bool(words.subject) is not bool(words.body or words.telling) or not (words.sms or words.subject):
            raise _wrong(template, f"{language}: a text is missing")
        if bool(words.sms) is not bool(template.wordings[LANGUAGES[0]].sms):
            raise _wrong(template, f"{language}: not the channels of the other languages")
        used = set().union(*(_names(template, text) for text in (words.sms, words.subject, words.body, words.telling)))
        if unused := set(template.fields) - used:
            raise _wrong(template, f"{language}: no text has {', '.join(sorted(unused))}")
        for place, text in (("SMS", words.sms), ("subject", words.subject)):
            _check_neutral(template, language, place, text)
        if telling := [name for name in _names(template, words.body) if template.fields[name].discloses]:
            raise _wrong(template, f"{language}: the body for any address has {', '.join(telling)}")
        _check_length(template, language, words)


def write(
    template: Template, values: Mapping[str, Any], *, channel: MessageChannel, language: str, verified: bool
) -> Written:
    """The words of a message. At a verified address they are those that tell, as far as there are values for them.

    Raises `InvalidError`, with each field that is wrong, and where an SMS or a subject would tell of a debt; a name is
    no word of it, whatever it is. Accents and dashes that the GSM alphabet lacks ("2° piano", "dell’Unione") make no
    SMS longer than it may be: they are written as it can.
    """
    if unknown := set(values) - set(template.fields):
        raise InvalidError("Il messaggio ha un campo che non conosce.", field=min(unknown))
    words = template.wordings[language]
    unnamed = {name: "-" if isinstance(template.fields[name], Name) else value for name, value in values.items()}
    if channel is MessageChannel.SMS:
        body = _filled(template, words.sms, values, language)
        if not template.free:
            body = in_gsm(body)
            _require_neutral(_filled(template, words.sms, unnamed, language), language)
        if segments(body) > MOST_SEGMENTS:
            raise InvalidError(f"Il testo è troppo lungo: al massimo {MOST_SEGMENTS} SMS.")
        return Written("", body)
    subject = _filled(template, words.subject, values, language)
    _require_neutral(_filled(template, words.subject, unnamed, language), language)
    tells = verified and bool(words.telling) and _names(template, words.telling) <= set(values)
    if not tells and not words.body:
        raise InvalidError("Questo messaggio si manda solo a un indirizzo verificato, con tutti i suoi campi.")
    body = _filled(template, words.telling if tells else words.body, values, language)
    if len(subject) > MAX_SUBJECT or len(body) > MAX_BODY:
        raise InvalidError("Il testo è troppo lungo.")
    return Written(subject, body)


def tells_of_debt(text: str, language: str) -> bool:
    """Whether a word of the text tells of a debt, in this language or in Italian, in which people type."""
    return any(_STEMS[one].search(text) for one in {language, "it"})


def spoken(language: str | None) -> str:
    """The language for somebody who speaks this one: his own, else English for whoever speaks no Italian."""
    return language if language in LANGUAGES else LANGUAGES[0] if not language else "en"


def _filled(template: Template, text: str, values: Mapping[str, Any], language: str) -> str:
    written, wrong = {}, []
    for name in sorted(_names(template, text)):
        if name not in values:
            wrong.append(InvalidError("Manca questo campo.", field=name))
            continue
        try:
            written[name] = template.fields[name].written(values[name], language)
        except InvalidError as error:
            wrong.append(InvalidError(str(error), field=name))
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    return text.format_map(written)


def _names(template: Template, text: str) -> set[str]:
    found = set()
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if name is None:
                continue
            if name not in template.fields or form or conversion:
                raise _wrong(template, f"unknown placeholder {{{name}}}")
            found.add(name)
    except TemplateError:
        raise
    except ValueError as error:
        raise _wrong(template, str(error)) from None
    return found


def _check_neutral(template: Template, language: str, place: str, text: str) -> None:
    for name in _names(template, text):
        if template.fields[name].discloses:
            raise _wrong(template, f"{language}: the {place} has {name}, which tells of a debt")
    if tells_of_debt(text, language):
        raise _wrong(template, f"{language}: the {place} tells of a debt")


def _require_neutral(text: str, language: str) -> None:
    if tells_of_debt(text, language):
        raise InvalidError("Chi vede lo schermo capirebbe che c'è un debito: togli quelle parole.")


def _check_length(template: Template, language: str, words: Wording) -> None:
    def longest(text: str) -> str:
        return text.format_map({name: "x" * one.longest for name, one in template.fields.items()})

    if not is_gsm(longest(words.sms)):
        raise _wrong(template, f"{language}: the SMS has characters that cost more than double")
    if segments(longest(words.sms)) > MOST_SEGMENTS:
        raise _wrong(template, f"{language}: the SMS may take more than {MOST_SEGMENTS} segments")
    if len(longest(words.subject)) > MAX_SUBJECT or len(longest(words.body)) > MAX_BODY:
        raise _wrong(template, f"{language}: the e-mail may be too long")


def _wrong(template: Template, what: str) -> TemplateError:
    return TemplateError(f"template {template.key}: {what}")
