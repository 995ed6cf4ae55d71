"""What the kiosk and the waiting room say, in the three languages of whoever comes."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

from babel.dates import format_datetime

from crm.core.clock import ROME, business_day
from crm.turns.errors import NotHere, NotHereError

LANGUAGES: Mapping[str, str] = MappingProxyType({"it": "Italiano", "en": "English", "de": "Deutsch"})

_WORDS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "welcome": ("Benvenuti", "Welcome", "Willkommen"),
        "language": ("Lingua", "Language", "Sprache"),
        "no_appointment": ("Non ho un appuntamento: prendo un numero", "I have no appointment: take a number",
                           "Ich habe keinen Termin: Nummer ziehen"),
        "appointment": ("Ho un appuntamento", "I have an appointment", "Ich habe einen Termin"),
        "code": ("Scrivi il codice, o avvicina il QR al lettore", "Type the code, or show the QR to the reader",
                 "Code eingeben oder den QR-Code an das Lesegerät halten"),
        "here": ("Sono arrivato", "I am here", "Ich bin da"),
        "bad_code": ("Questo codice non c'è tra gli appuntamenti di oggi. Ricontrollalo, o prendi un numero.",
                     "This code is not among today's appointments. Check it, or take a number.",
                     "Dieser Code gehört zu keinem Termin von heute. Bitte prüfen oder eine Nummer ziehen."),
        "another_day": ("Questo appuntamento non è di oggi, ma di {when}. Torna quel giorno, o prendi un numero.",
                        "This appointment is not today but on {when}. Come back then, or take a number.",
                        "Dieser Termin ist nicht heute, sondern am {when}. Bitte dann kommen oder eine Nummer ziehen."),
        "past_day": ("Questo appuntamento era di {when}. Prendi un numero, o chiedi al personale.",
                     "This appointment was on {when}. Take a number, or ask the staff.",
                     "Dieser Termin war am {when}. Bitte eine Nummer ziehen oder das Personal fragen."),
        "another_office": ("Questo appuntamento è in un altro ufficio: {place}.",
                           "This appointment is at another office: {place}.",
                           "Dieser Termin ist in einem anderen Amt: {place}."),
        "over": ("Questo appuntamento è stato disdetto, o è già concluso. Se ti serve, prendi un numero.",
                 "This appointment was cancelled, or is already over. If you need to, take a number.",
                 "Dieser Termin wurde abgesagt oder ist schon vorbei. Bei Bedarf bitte eine Nummer ziehen."),
        "away": ("Un attimo: il totem non riesce a collegarsi. Riprova tra poco, o chiedi al personale.",
                 "One moment: the kiosk cannot connect. Try again shortly, or ask the staff.",
                 "Einen Moment: Keine Verbindung. Bitte gleich noch einmal versuchen oder das Personal fragen."),
        "your_number": ("Il tuo numero", "Your number", "Ihre Nummer"),
        "ahead": ("Prima di te in sala", "Before you in the room", "Vor Ihnen im Wartesaal"),
        "at": ("Appuntamento delle", "Appointment at", "Termin um"),
        "wait": ("Guarda lo schermo: il numero sarà chiamato allo sportello.",
                 "Watch the screen: your number will be called to a desk.",
                 "Achten Sie auf den Bildschirm: Ihre Nummer wird an einen Schalter gerufen."),
        "print": ("Stampa", "Print", "Drucken"),
        "again": ("Fine", "Finish", "Fertig"),
        "none": ("Questo ufficio oggi non dà numeri: chiedi al personale.",
                 "This office gives no numbers today: ask the staff.",
                 "Dieses Amt gibt heute keine Nummern aus: Bitte fragen Sie das Personal."),
        "closed": ("L'ufficio è chiuso: adesso non dà numeri.", "The office is closed: it gives no numbers now.",
                   "Das Amt ist geschlossen: Zurzeit gibt es keine Nummern."),
        "opens": ("Riapre", "It opens", "Wieder geöffnet ab"),
        "full": ("numeri finiti per oggi", "no numbers left today", "heute keine Nummern mehr"),
        "not_today": ("oggi non si fa più", "not done any more today", "heute nicht mehr"),
        "now_serving": ("Chiamate", "Now calling", "Aufgerufen"),
        "number": ("Numero", "Number", "Nummer"),
        "desk": ("sportello", "desk", "Schalter"),
        "waiting": ("In attesa", "Waiting", "Wartende"),
        "nobody": ("Nessuno è chiamato.", "Nobody is being called.", "Niemand ist aufgerufen."),
        "sound": ("Accendi il suono", "Turn sound on", "Ton einschalten"),
        "not_live": ("Schermo non in diretta: chiedi al personale", "Screen not live: ask the staff",
                     "Bildschirm nicht aktuell: Bitte fragen Sie das Personal"),
        "revoked": ("Questo schermo è stato spento da chi coordina il servizio.",
                    "This screen was switched off by whoever runs the service.",
                    "Dieser Bildschirm wurde abgeschaltet."),
    }
)  # fmt: skip


def chosen(language: str) -> str:
    """A language spoken here."""
    return language if language in LANGUAGES else "it"


def words(language: str) -> dict[str, str]:
    """All that is said, in one language."""
    place = list(LANGUAGES).index(chosen(language))
    return {name: said[place] for name, said in _WORDS.items()}


def why_not(found: NotHereError, place: str, now: datetime, language: str) -> str:
    """Why whoever has an appointment is not expected here, now. `place`: where its office is."""
    starts_at, today = found.found.starts_at, business_day(now)
    past = found.why is NotHere.ANOTHER_DAY and business_day(starts_at) < today
    said = words(language)["past_day" if past else found.why.value]
    return said.format(when=when(starts_at, today, language), place=place)


def when(instant: datetime, today: date, language: str) -> str:
    """The hour of today, else day and hour, in Rome and in one language."""
    pattern = "HH:mm" if business_day(instant) == today else "EEEE d MMMM, HH:mm"
    return format_datetime(instant, pattern, tzinfo=ROME, locale=chosen(language))
