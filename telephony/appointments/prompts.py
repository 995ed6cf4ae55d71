"""What a caller hears who books an appointment by himself, in Italian, English and German."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crm.agendas.queries import said
from crm.enti.details import OfficeView
from telephony.appointments.dialogue import (
    BACK,
    BOOKS,
    LATER,
    MANAGES,
    NO,
    OTHER_DAY,
    YES,
    office_of,
    on_page,
    service_of,
)  # fmt: skip
from telephony.appointments.offers import EnteOffered, OfficeOffered, ServiceOffered
from telephony.appointments.state import Line, Stage, State
from telephony.ivr import prompts, spoken
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence

IT, EN, DE = Language.ITALIAN, Language.ENGLISH, Language.GERMAN
KEY_S, LONG_S = 10, 15  # seconds of silence after which he is asked again; who keys a code looks for the letters

_LINES: dict[Line, dict[Language, str]] = {
    Line.NOT_A_CHOICE: {
        IT: "Questa scelta non esiste.",
        EN: "There is no such choice.",
        DE: "Diese Auswahl gibt es nicht.",
    },
    Line.NOTHING_HEARD: {
        IT: "Non ho ricevuto la sua scelta.",
        EN: "I did not receive your choice.",
        DE: "Ich habe Ihre Auswahl nicht erhalten.",
    },
    Line.NO_NUMBER: {
        IT: "Per prenotare da qui bisogna chiamare con il numero visibile.",
        EN: "To book here you have to call without hiding your number.",
        DE: "Um hier zu buchen, müssen Sie mit sichtbarer Nummer anrufen.",
    },
    Line.NOT_OFFERED: {
        IT: "In questo momento da qui non si prenota.",
        EN: "At the moment nothing can be booked here.",
        DE: "Zurzeit kann hier nicht gebucht werden.",
    },
    Line.NOTHING_FREE: {
        IT: "Per ora non ci sono orari liberi.",
        EN: "There are no free times for now.",
        DE: "Zurzeit ist kein Termin frei.",
    },
    Line.NOTHING_HERE: {
        IT: "In questo ufficio per ora non ci sono orari liberi.",
        EN: "At this office there are no free times for now.",
        DE: "In diesem Büro ist zurzeit kein Termin frei.",
    },
    Line.NO_LATER: {
        IT: "Non ci sono altri orari.",
        EN: "There are no other times.",
        DE: "Weitere Termine gibt es nicht.",
    },
    Line.JUST_TAKEN: {
        IT: "Qualcuno ha appena preso questo orario. Ecco i più vicini.",
        EN: "Somebody has just taken this time. Here are the nearest ones.",
        DE: "Diesen Termin hat eben jemand genommen. Hier sind die nächsten.",
    },
    Line.TOO_MANY: {
        IT: "Ha già prenotato quanti appuntamenti si possono avere per questo servizio. Può disdirne uno.",
        EN: "You already have as many appointments as this service allows. You may cancel one.",
        DE: "Sie haben schon so viele Termine, wie hier möglich sind. Sie können einen absagen.",
    },
    Line.UNKNOWN: {
        IT: "Non troviamo un appuntamento con questi dati.",
        EN: "We find no appointment with these data.",
        DE: "Mit diesen Angaben finden wir keinen Termin.",
    },
    Line.CANCELLED: {
        IT: "L'appuntamento è disdetto.",
        EN: "The appointment is cancelled.",
        DE: "Der Termin ist abgesagt.",
    },
    Line.TOO_LATE: {
        IT: "Da qui non si può più disdire: parli con un operatore.",
        EN: "It can no longer be cancelled here: please speak to an operator.",
        DE: "Hier kann er nicht mehr abgesagt werden: Bitte sprechen Sie mit jemandem von uns.",
    },
}
_BEGIN = {
    IT: "Per prenotare un appuntamento, prema 1. Per sentire o disdire un appuntamento che ha già, prema 2. Per altro, "
    "prema asterisco.",
    EN: "To book an appointment, press 1. To hear or cancel one that you have, press 2. For anything else, press star.",
    DE: "Um einen Termin zu buchen, drücken Sie 1. Um Ihren Termin zu hören oder abzusagen, drücken Sie 2. Für anderes "
    "drücken Sie die Sterntaste.",
}
_WHICH = {
    Stage.ENTE: {IT: "Per quale Comune?", EN: "For which municipality?", DE: "Für welche Gemeinde?"},
    Stage.SERVICE: {IT: "Per che cosa?", EN: "What is it about?", DE: "Worum geht es?"},
    Stage.OFFICE: {IT: "In quale ufficio?", EN: "At which office?", DE: "In welchem Büro?"},
}
_PICK = {IT: "{label}: prema {digit}.", EN: "{label}: press {digit}.", DE: "{label}: drücken Sie {digit}."}
_REST = {IT: "Per gli altri, prema 9.", EN: "For the others, press 9.", DE: "Für die übrigen drücken Sie 9."}
_BACK = {
    IT: "Per tornare indietro, prema asterisco.",
    EN: "To go back, press star.",
    DE: "Zurück: Sterntaste.",
}
_BACK_BY_DIGITS = {
    IT: "Per tornare indietro, prema asterisco e poi cancelletto.",
    EN: "To go back, press star and then hash.",
    DE: "Zurück: Sterntaste und Rautetaste.",
}
_FREE = {
    IT: "{what}, {where}. I primi orari liberi.",
    EN: "{what}, {where}. The first free times.",
    DE: "{what}, {where}. Die ersten freien Termine.",
}
_MORE = {
    IT: "Per altri orari, prema 4. Per un altro giorno, prema 5.",
    EN: "For other times, press 4. For another day, press 5.",
    DE: "Für andere Uhrzeiten drücken Sie 4, für einen anderen Tag 5.",
}
_CONFIRM = {
    IT: "{when}, {where}. Per confermare, prema 1. Per scegliere un altro orario, prema 2.",
    EN: "{when}, {where}. To confirm, press 1. To choose another time, press 2.",
    DE: "{when}, {where}. Zum Bestätigen drücken Sie 1, für eine andere Zeit 2.",
}
_BY_SMS = {
    IT: "Se conferma, le scriviamo anche un SMS, al numero da cui chiama.",
    EN: "If you confirm, we will also send you an SMS, to the number you are calling from.",
    DE: "Wenn Sie bestätigen, schreiben wir Ihnen auch eine SMS an die Nummer, von der Sie anrufen.",
}
_BOOKED = {
    IT: "Appuntamento prenotato. {when}, {where}. Il suo codice: {code}. Ripeto: {code}.",
    EN: "Your appointment is booked. {when}, {where}. Your code: {code}. Once more: {code}.",
    DE: "Der Termin ist gebucht. {when}, {where}. Ihr Code: {code}. Noch einmal: {code}.",
}
_BRING = {IT: "Porti con sé: {things}.", EN: "Please bring: {things}.", DE: "Bitte bringen Sie mit: {things}."}
_AFTER = {
    IT: "Per riascoltare, prema 1. Per altro, prema asterisco. Se ha finito, può riagganciare.",
    EN: "To hear this again, press 1. For anything else, press star. If you have finished, you may hang up.",
    DE: "Um es noch einmal zu hören, drücken Sie 1. Für anderes die Sterntaste. Wenn Sie fertig sind, können Sie "
    "auflegen.",
}
_CODE = {
    IT: "Digiti gli otto caratteri del codice dell'appuntamento, e poi cancelletto. Per una lettera prema una volta "
    "sola il tasto su cui sta.",
    EN: "Key in the eight characters of your appointment's code, and then hash. For a letter, press the key on which "
    "it is just once.",
    DE: "Geben Sie die acht Zeichen Ihres Termincodes ein, und dann die Rautetaste. Für einen Buchstaben drücken Sie "
    "die Taste, auf der er steht, nur einmal.",
}
_NUMBER = {
    IT: "Ora digiti il numero di telefono che ha lasciato quando ha prenotato, e poi cancelletto.",
    EN: "Now key in the telephone number that you left when you booked, and then hash.",
    DE: "Geben Sie jetzt die Telefonnummer ein, die Sie bei der Buchung angegeben haben, und dann die Rautetaste.",
}
_FOUND = {
    IT: "Il suo appuntamento: {when}, {told}. Per disdirlo, prema 1. Per riascoltare, prema 2.",
    EN: "Your appointment: {when}, {told}. To cancel it, press 1. To hear it again, press 2.",
    DE: "Ihr Termin: {when}, {told}. Zum Absagen drücken Sie 1, um es noch einmal zu hören 2.",
}
_CANCEL = {
    IT: "Per disdire davvero l'appuntamento, prema 1. Per tenerlo, prema 2.",
    EN: "If you do want to cancel the appointment, press 1. To keep it, press 2.",
    DE: "Um den Termin wirklich abzusagen, drücken Sie 1. Um ihn zu behalten, drücken Sie 2.",
}
# Instead of a key that stands for no number.
_SAID: dict[Stage, dict[str, dict[Language, tuple[str, ...]]]] = {
    Stage.BEGIN: {
        BOOKS: {IT: ("prenotare", "prenotazione"), EN: ("book",), DE: ("buchen",)},
        MANAGES: {IT: ("sentire", "disdire"), EN: ("hear", "cancel"), DE: ("hören", "absagen")},
        BACK: {IT: ("altro",), EN: ("anything else",), DE: ("anderes",)},
    },
    Stage.TIMES: {
        LATER: {IT: ("altri orari",), EN: ("other times",), DE: ("andere Uhrzeiten",)},
        OTHER_DAY: {IT: ("altro giorno",), EN: ("another day",), DE: ("anderer Tag", "anderen Tag")},
    },
    Stage.CONFIRM: {
        YES: {IT: ("sì", "confermo"), EN: ("yes",), DE: ("ja",)},
        NO: {IT: ("no", "altro orario"), EN: ("no",), DE: ("nein",)},
    },
    Stage.CANCEL: {
        YES: {IT: ("sì", "disdire"), EN: ("yes", "cancel"), DE: ("ja", "absagen")},
        NO: {IT: ("no", "tenerlo"), EN: ("no", "keep"), DE: ("nein", "behalten")},
    },
}  # fmt: skip
_GO_BACK = {IT: ("indietro",), EN: ("back",), DE: ("zurück",)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is said, how many keys are awaited (none: until `#`), for how many seconds, and the words for each key."""

    text: str
    digits: int | None
    timeout_s: int
    words: Mapping[str, tuple[str, ...]]


def line(which: Line, language: Language = IT) -> str:
    """A sentence, spoken."""
    return _LINES[which][language]


def asks(
    state: State, offered: Sequence[EnteOffered], language: Language, now: datetime, *, by_sms: bool, operators: bool
) -> Asked:
    """What is asked where he stands. `by_sms`: his telephone takes one; `operators`: zero leads to one now."""
    by_digits = state.stage in {Stage.CODE, Stage.NUMBER}
    text, words = _asks(state, offered, language, now, by_sms=by_sms)
    zero = Sentence.OPERATOR_BY_DIGITS if by_digits else Sentence.OPERATOR_LAST
    spoken_last = f" {prompts.sentence(zero, language)}" if operators else ""
    return Asked(f"{text}{spoken_last}", None if by_digits else 1, LONG_S if by_digits else KEY_S, words)


def where(office: OfficeOffered | OfficeView | None) -> str:
    """An office, as it is said."""
    return f"{office.name}, {office.address}" if office else ""


def _asks(
    state: State, offered: Sequence[EnteOffered], language: Language, now: datetime, *, by_sms: bool
) -> tuple[str, dict[str, tuple[str, ...]]]:
    words = {key: said_[language] for key, said_ in _SAID.get(state.stage, {}).items()}
    back = {**words, BACK: _GO_BACK[language]}
    match state.stage:
        case Stage.BEGIN:
            return _BEGIN[language], words
        case Stage.ENTE | Stage.SERVICE | Stage.OFFICE:
            page, more = on_page(state, offered)
            labels = [_label(one, language) for one in page]
            rest = [_REST[language]] if more else []
            asked = [_WHICH[state.stage][language], *_picks(labels, language), *rest, _BACK[language]]
            return " ".join(asked), {**back, **_numbered(labels, language)}
        case Stage.TIMES:
            labels = [_when(one, now, language) for one in state.times]
            service, office = service_of(state, offered), office_of(state, offered)
            first = _FREE[language].format(
                what=service.called(language) if service else "", where=office.name if office else ""
            )
            heads = [] if state.trail else [first]
            return " ".join([*heads, *_picks(labels, language), _MORE[language], _BACK[language]]), {
                **back, **_numbered(labels, language)
            }  # fmt: skip
        case Stage.CONFIRM:
            at = _CONFIRM[language].format(
                when=_when(state.starts_at, now, language), where=where(office_of(state, offered))
            )
            return f"{at} {_BY_SMS[language]}" if by_sms else at, words
        case Stage.BOOKED:
            return _booked(state, offered, language, now), words
        case Stage.CODE:
            return f"{_CODE[language]} {_BACK_BY_DIGITS[language]}", {}
        case Stage.NUMBER:
            return f"{_NUMBER[language]} {_BACK_BY_DIGITS[language]}", {}
        case Stage.FOUND:
            told = _FOUND[language].format(when=_when(state.starts_at, now, language), told=state.told)
            return f"{told} {_BACK[language]}", back
        case Stage.CANCEL:
            return _CANCEL[language], words


def _booked(state: State, offered: Sequence[EnteOffered], language: Language, now: datetime) -> str:
    booked = _BOOKED[language].format(
        when=_when(state.starts_at, now, language), where=where(office_of(state, offered)),
        code=spoken.spelled(state.code, language),
    )  # fmt: skip
    service = service_of(state, offered)
    things = [one.strip() for one in said(service.bring, language).splitlines() if one.strip()] if service else []
    bring = [_BRING[language].format(things="; ".join(things))] if things else []
    return " ".join([booked, *bring, _AFTER[language]])


def _picks(labels: Sequence[str], language: Language) -> list[str]:
    return [_PICK[language].format(label=label, digit=n) for n, label in enumerate(labels, 1)]


def _numbered(labels: Sequence[str], language: Language) -> dict[str, tuple[str, ...]]:
    """Whatever has a number is chosen by it, or by its own words."""
    return {str(n): (str(n), spoken.number(n, language), label) for n, label in enumerate(labels, 1)}


def _label(one: EnteOffered | ServiceOffered | OfficeOffered, language: Language) -> str:
    match one:
        case EnteOffered():
            return one.name
        case ServiceOffered():
            return one.called(language)
        case OfficeOffered():
            return where(one)


def _when(iso: str, now: datetime, language: Language) -> str:
    """`Lunedì 23 novembre alle 9 e 30`."""
    told = prompts.spoken_instant(datetime.fromisoformat(iso), now, language)
    return told[0].upper() + told[1:]
