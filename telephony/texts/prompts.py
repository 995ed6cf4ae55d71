"""What is answered by itself to somebody who writes, in his language. Pure; it tells of no debt."""

from datetime import datetime
from enum import StrEnum

from babel.dates import format_datetime

from crm.core.clock import in_rome


class Auto(StrEnum):
    """An answer that no agent writes."""

    RECEIVED = "received"
    NOBODY = "nobody"  # the line is open, and no agent is in service
    CLOSED = "closed"
    CLOSED_UNTIL = "closed_until"
    FULL = "full"
    MEDIA = "media"


_WORDS = {
    Auto.RECEIVED: {
        "it": "{ente}: abbiamo ricevuto il suo messaggio. Un operatore le risponde qui appena è libero.",
        "en": "{ente}: we have received your message. Somebody will answer you here as soon as possible.",
        "de": "{ente}: wir haben Ihre Nachricht erhalten. Wir antworten Ihnen hier, sobald jemand frei ist.",
    },
    Auto.NOBODY: {
        "it": "{ente}: abbiamo ricevuto il suo messaggio. Adesso nessun operatore è al lavoro: le risponderemo qui, "
        "ma ci vorrà tempo.",
        "en": "{ente}: we have received your message. Nobody is at work just now: we will answer here, but it will "
        "take time.",
        "de": "{ente}: wir haben Ihre Nachricht erhalten. Gerade ist niemand im Dienst: wir antworten hier, aber es "
        "dauert.",
    },
    Auto.CLOSED: {
        "it": "{ente}: abbiamo ricevuto il suo messaggio. Adesso il servizio è chiuso: le risponderemo qui quando "
        "riapre.",
        "en": "{ente}: we have received your message. We are closed now, and will answer here when we open again.",
        "de": "{ente}: wir haben Ihre Nachricht erhalten. Wir haben geschlossen und antworten hier, sobald wir öffnen.",
    },
    Auto.CLOSED_UNTIL: {
        "it": "{ente}: abbiamo ricevuto il suo messaggio. Adesso il servizio è chiuso: riapre {at}, e le risponderemo "
        "qui.",
        "en": "{ente}: we have received your message. We are closed now: we open again on {at}, and will answer here.",
        "de": "{ente}: wir haben Ihre Nachricht erhalten. Wir haben geschlossen, öffnen {at} und antworten dann hier.",
    },
    Auto.FULL: {
        "it": "{ente}: in questo momento ci scrivono in troppi e non possiamo prendere il suo messaggio. Ci riscriva "
        "più tardi.",
        "en": "{ente}: too many people are writing just now, and we cannot take your message. Please write again "
        "later.",
        "de": "{ente}: gerade schreiben zu viele, wir können Ihre Nachricht nicht annehmen. Bitte schreiben Sie "
        "später.",
    },
    Auto.MEDIA: {
        "it": "Foto e allegati qui non arrivano: ci scriva a parole che cosa le serve.",
        "en": "Pictures and attachments do not reach us here: please write in words what you need.",
        "de": "Bilder und Anhänge kommen hier nicht an: bitte schreiben Sie uns, was Sie brauchen.",
    },
}
_AT = {"it": "EEEE d MMMM 'alle' H:mm", "en": "EEEE d MMMM, H:mm", "de": "EEEE, d. MMMM, H:mm 'Uhr'"}


def words(auto: Auto, language: str, *, ente: str, opens_at: datetime | None = None) -> str:
    """The words of an automatic answer; whoever speaks none of the three languages reads Italian."""
    language = language if language in _AT else "it"
    if auto is Auto.CLOSED and opens_at is not None:
        auto = Auto.CLOSED_UNTIL
    at = format_datetime(in_rome(opens_at).replace(tzinfo=None), _AT[language], locale=language) if opens_at else ""
    return _WORDS[auto][language].format(ente=ente, at=at)
