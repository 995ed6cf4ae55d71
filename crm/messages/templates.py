"""The messages there are, in Italian, English and German. What each may hold is checked as this module is read."""

from datetime import timedelta
from enum import StrEnum

from crm.messages import appointments, cases, visits
from crm.messages.fields import Code, Day, Euro, Field, Instant, Link, Name, Text, Words
from crm.messages.mails import mail as _mail
from crm.messages.wording import MAX_BODY, Kind, Template, Wording, catalogue


class MessageTemplate(StrEnum):
    """By its key."""

    HOW_TO_PAY = "how_to_pay"
    ONE_TIME_CODE = "one_time_code"
    REPLY = "reply"
    CALL_BACK = "call_back"
    APPOINTMENT = "appointment"
    APPOINTMENT_REMINDER = "appointment_reminder"
    APPOINTMENT_BOOKED = "appointment_booked"
    APPOINTMENT_MOVED = "appointment_moved"
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    APPOINTMENT_DOUBLE = "appointment_double"
    WAITING_JOINED = "waiting_joined"
    WAITING_OFFER = "waiting_offer"
    PLEASE_CALL = "please_call"
    CONVERSATION = "conversation"
    CAMPAIGN = "campaign"
    ALERT = "alert"
    SERVICE_DOWN = "service_down"
    SERVICE_BACK = "service_back"
    REPORT_READY = "report_ready"
    FIELD_ALARM = "field_alarm"
    FIELD_ALARM_OPEN = "field_alarm_open"
    FIELD_UNFIT = "field_unfit"
    FIELD_REMOVAL_DUE = "field_removal_due"
    FIELD_SUBSTITUTE_DUE = "field_substitute_due"
    CASE_OPENED = "case_opened"
    CASE_RESTS = "case_rests"
    CASE_GOES_ON = "case_goes_on"
    CASE_EXTENDED = "case_extended"
    CASE_ANSWERED = "case_answered"
    CASE_REDIRECTED = "case_redirected"
    CASE_FOLLOW = "case_follow"
    CASE_NEWS = "case_news"
    CASE_PAPERS = "case_papers"
    CASE_DOCUMENTS = "case_documents"
    CASE_SUMMONED = "case_summoned"
    MAIL_RECEIVED = "mail_received"
    MAIL_IN_CASE = "mail_in_case"
    MAIL_ANSWER = "mail_answer"


LONGEST_OWN = 160  # of a link to somebody's appointment or wish: his token takes 53 signs of it
_ENTE: dict[str, Field] = {"ente": Name()}
_NUMBERED: dict[str, Field] = {**_ENTE, "number": Code()}
_OF_A_CASE = timedelta(days=3)


HOW_TO_PAY = Template(
    MessageTemplate.HOW_TO_PAY, Kind.ASKED,
    {**_ENTE, "link": Link(), "notice": Code(discloses=True), "amount": Euro()},
    {
        "it": Wording(
            sms="{ente}: le informazioni che ha chiesto al telefono sono qui: {link}",
            subject="{ente}: le informazioni che ha chiesto",
            body=_mail("it", "le informazioni che ha chiesto al telefono sono a questo indirizzo:", "{link}"),
            telling=_mail(
                "it", "come ha chiesto al telefono, ecco come pagare l'avviso {notice}, di {amount}:", "{link}",
                "L'importo può cambiare fino al pagamento: fa fede quello che vede quando paga.",
            ),
        ),
        "en": Wording(
            sms="{ente}: what you asked for on the telephone is here: {link}",
            subject="{ente}: what you asked for",
            body=_mail("en", "what you asked for on the telephone is at this address:", "{link}"),
            telling=_mail(
                "en", "as you asked on the telephone, this is how to pay notice {notice}, of {amount}:", "{link}",
                "The sum may change until it is paid: what you see when you pay is right.",
            ),
        ),
        "de": Wording(
            sms="{ente}: die am Telefon erbetenen Auskünfte finden Sie hier: {link}",
            subject="{ente}: die erbetenen Auskünfte",
            body=_mail("de", "die am Telefon erbetenen Auskünfte finden Sie hier:", "{link}"),
            telling=_mail(
                "de", "wie am Telefon erbeten, so bezahlen Sie den Bescheid {notice} über {amount}:", "{link}",
                "Der Betrag kann sich bis zur Zahlung ändern: es gilt, was Sie beim Bezahlen sehen.",
            ),
        ),
    },
    lives=timedelta(hours=24),
)  # fmt: skip

ONE_TIME_CODE = Template(
    MessageTemplate.ONE_TIME_CODE, Kind.ASKED, {**_ENTE, "code": Code(longest=10), "minutes": Code(longest=3)},
    {
        "it": Wording(
            sms="{ente}: il suo codice è {code}. Vale {minutes} minuti. Non lo dica a nessuno.",
            subject="{ente}: il suo codice",
            body=_mail("it", "il suo codice è {code}. Vale {minutes} minuti. Non lo dica a nessuno."),
        ),
        "en": Wording(
            sms="{ente}: your code is {code}. It is valid for {minutes} minutes. Tell it to nobody.",
            subject="{ente}: your code",
            body=_mail("en", "your code is {code}. It is valid for {minutes} minutes. Tell it to nobody."),
        ),
        "de": Wording(
            sms="{ente}: Ihr Code ist {code}. Er gilt {minutes} Minuten. Geben Sie ihn nicht weiter.",
            subject="{ente}: Ihr Code",
            body=_mail("de", "Ihr Code ist {code}. Er gilt {minutes} Minuten. Geben Sie ihn nicht weiter."),
        ),
    },
    lives=timedelta(minutes=10), secret=True,
)  # fmt: skip

REPLY = Template(
    MessageTemplate.REPLY, Kind.SERVICE,
    {**_ENTE, "protocol": Code(), "answer": Text(6_000, discloses=True, lines=True)},
    {
        "it": Wording(
            subject="{ente}: risposta alla sua richiesta {protocol}",
            telling=_mail("it", "in risposta alla sua richiesta {protocol}:", "{answer}"),
        ),
        "en": Wording(
            subject="{ente}: reply to your request {protocol}",
            telling=_mail("en", "in reply to your request {protocol}:", "{answer}"),
        ),
        "de": Wording(
            subject="{ente}: Antwort auf Ihre Anfrage {protocol}",
            telling=_mail("de", "zu Ihrer Anfrage {protocol}:", "{answer}"),
        ),
    },
    lives=timedelta(days=3),
)  # fmt: skip

CALL_BACK = Template(
    MessageTemplate.CALL_BACK, Kind.ASKED, {**_ENTE, "at": Instant(), "line": Text(24)},
    {
        "it": Wording(
            sms="{ente}: la richiamiamo {at} dal numero {line}.",
            subject="{ente}: la richiamiamo",
            body=_mail("it", "la richiamiamo {at} dal numero {line}."),
        ),
        "en": Wording(
            sms="{ente}: we call you back on {at} from {line}.",
            subject="{ente}: we call you back",
            body=_mail("en", "we call you back on {at} from {line}."),
        ),
        "de": Wording(
            sms="{ente}: wir rufen Sie am {at} von {line} zurück.",
            subject="{ente}: wir rufen Sie zurück",
            body=_mail("de", "wir rufen Sie am {at} von {line} zurück."),
        ),
    },
    lives=timedelta(hours=12),
)  # fmt: skip

_APPOINTMENT: dict[str, Field] = {**_ENTE, "at": Instant(), "place": Text(80)}

APPOINTMENT = Template(
    MessageTemplate.APPOINTMENT, Kind.ASKED, _APPOINTMENT,
    appointments.APPOINTMENT,
    lives=timedelta(hours=12),
)  # fmt: skip

# An office's name and street are no words of ours: "Viale Europa" tells of no euro.
_AT_OFFICE: dict[str, Field] = {**_APPOINTMENT, "place": Name(80)}

APPOINTMENT_REMINDER = Template(
    MessageTemplate.APPOINTMENT_REMINDER, Kind.SERVICE, _AT_OFFICE,
    appointments.APPOINTMENT_REMINDER,
    lives=timedelta(hours=12),
)  # fmt: skip

_OWN = Link(LONGEST_OWN)
_WITH_CODE: dict[str, Field] = {**_AT_OFFICE, "code": Code(longest=8), "link": _OWN}
_WITHOUT_PLACE: dict[str, Field] = {**_ENTE, "at": Instant(), "code": Code(longest=8), "link": _OWN}

APPOINTMENT_BOOKED = Template(
    MessageTemplate.APPOINTMENT_BOOKED, Kind.ASKED, _WITH_CODE,
    appointments.APPOINTMENT_BOOKED,
    lives=timedelta(days=2),
)  # fmt: skip

APPOINTMENT_MOVED = Template(
    MessageTemplate.APPOINTMENT_MOVED, Kind.ASKED, _WITH_CODE,
    appointments.APPOINTMENT_MOVED,
    lives=timedelta(days=2),
)  # fmt: skip

APPOINTMENT_CANCELLED = Template(
    MessageTemplate.APPOINTMENT_CANCELLED, Kind.ASKED, _WITHOUT_PLACE,
    appointments.APPOINTMENT_CANCELLED,
    lives=timedelta(days=2),
)  # fmt: skip

APPOINTMENT_DOUBLE = Template(
    MessageTemplate.APPOINTMENT_DOUBLE, Kind.SERVICE, {**_ENTE, "at": Instant(), "link": _OWN},
    appointments.APPOINTMENT_DOUBLE,
    lives=timedelta(days=2),
)  # fmt: skip

WAITING_JOINED = Template(
    MessageTemplate.WAITING_JOINED, Kind.ASKED, {**_ENTE, "link": _OWN},
    appointments.WAITING_JOINED,
    lives=timedelta(days=2),
)  # fmt: skip

WAITING_OFFER = Template(
    MessageTemplate.WAITING_OFFER, Kind.SERVICE,
    {**_AT_OFFICE, "until": Instant(), "link": _OWN},
    appointments.WAITING_OFFER,
    lives=timedelta(hours=12),
)  # fmt: skip

PLEASE_CALL = Template(
    MessageTemplate.PLEASE_CALL, Kind.SOLICITATION, {**_ENTE, "line": Text(24)},
    {
        "it": Wording(
            sms="{ente}: la preghiamo di chiamarci al numero {line}. Per non ricevere altri SMS risponda STOP.",
            subject="{ente}: la preghiamo di chiamarci",
            body=_mail("it", "la preghiamo di chiamarci al numero {line}."),
        ),
        "en": Wording(
            sms="{ente}: please call us on {line}. To get no more SMS, answer STOP.",
            subject="{ente}: please call us",
            body=_mail("en", "please call us on {line}."),
        ),
        "de": Wording(
            sms="{ente}: bitte rufen Sie uns unter {line} an. Keine weiteren SMS: antworten Sie STOP.",
            subject="{ente}: bitte rufen Sie uns an",
            body=_mail("de", "bitte rufen Sie uns unter {line} an."),
        ),
    },
    lives=timedelta(days=3),
)  # fmt: skip

CONVERSATION = Template(
    MessageTemplate.CONVERSATION, Kind.ASKED, {"text": Text(459, lines=True)},
    {language: Wording(sms="{text}") for language in ("it", "en", "de")},
    lives=timedelta(hours=6), secret=True, free=True,
)  # fmt: skip

# Of a campaign: whoever writes one says what it tells, and judges whom it may reach (`outbound.messages`).
CAMPAIGN = Template(
    MessageTemplate.CAMPAIGN, Kind.SERVICE, {**_ENTE, "text": Text(459, lines=True)},
    {language: Wording(sms="{text}", subject="{ente}", body="{text}") for language in ("it", "en", "de")},
    lives=timedelta(days=2), free=True, mass=True,
)  # fmt: skip

# To supervisors: what the live board's thresholds say. It names no citizen.
ALERT = Template(
    MessageTemplate.ALERT, Kind.ASKED, {**_ENTE, "what": Text(300), "link": Link()},
    {
        "it": Wording(
            subject="{ente}: una soglia del servizio è superata",
            body=_mail("it", "{what}", "Per vedere e prenderne nota: {link}"),
        ),
        "en": Wording(
            subject="{ente}: a threshold of the service was passed",
            body=_mail("en", "{what}", "To look and take notice: {link}"),
        ),
        "de": Wording(
            subject="{ente}: eine Schwelle des Dienstes ist überschritten",
            body=_mail("de", "{what}", "Ansehen und zur Kenntnis nehmen: {link}"),
        ),
    },
    lives=timedelta(hours=1),
)  # fmt: skip

# To users who asked for them on their page.
SERVICE_DOWN = Template(
    MessageTemplate.SERVICE_DOWN, Kind.ASKED, {**_ENTE, "began": Instant()},
    {
        "it": Wording(
            subject="{ente}: il centro di contatto non risponde",
            body=_mail("it", "il servizio del centro di contatto è interrotto da {began}. Le scriveremo quando torna."),
        ),
        "en": Wording(
            subject="{ente}: the contact centre does not answer",
            body=_mail("en", "the contact centre has been out of service since {began}. We write when it is back."),
        ),
        "de": Wording(
            subject="{ente}: das Kontaktzentrum antwortet nicht",
            body=_mail("de", "das Kontaktzentrum ist seit {began} gestört. Wir schreiben, wenn es wieder da ist."),
        ),
    },
    lives=timedelta(hours=12),
)  # fmt: skip

SERVICE_BACK = Template(
    MessageTemplate.SERVICE_BACK, Kind.ASKED, {**_ENTE, "began": Instant(), "ended": Instant()},
    {
        "it": Wording(
            subject="{ente}: il centro di contatto risponde di nuovo",
            body=_mail("it", "il servizio del centro di contatto è stato interrotto.\nDa: {began}\nA: {ended}"),
        ),
        "en": Wording(
            subject="{ente}: the contact centre answers again",
            body=_mail("en", "the contact centre was out of service.\nFrom: {began}\nTo: {ended}"),
        ),
        "de": Wording(
            subject="{ente}: das Kontaktzentrum antwortet wieder",
            body=_mail("de", "das Kontaktzentrum war gestört.\nVon: {began}\nBis: {ended}"),
        ),
    },
    lives=timedelta(days=3),
)  # fmt: skip

REPORT_READY = Template(  # to whoever watches the ente and asked for it
    MessageTemplate.REPORT_READY, Kind.ASKED, {**_ENTE, "first": Day(), "last": Day(), "link": Link()},
    {
        "it": Wording(
            subject="{ente}: la relazione sul servizio è pronta",
            body=_mail(
                "it", "la relazione sul servizio, da {first} a {last}, è pronta a questo indirizzo:", "{link}",
                "Se i file non sono troppo grandi, è anche allegata.",
            ),
        ),
        "en": Wording(
            subject="{ente}: the report on the service is ready",
            body=_mail(
                "en", "the report on the service, from {first} to {last}, is ready at this address:", "{link}",
                "Unless its files are too large, it is attached as well.",
            ),
        ),
        "de": Wording(
            subject="{ente}: der Bericht über den Dienst ist fertig",
            body=_mail(
                "de", "der Bericht über den Dienst, von {first} bis {last}, ist hier zu finden:", "{link}",
                "Sind die Dateien nicht zu groß, liegt er auch bei.",
            ),
        ),
    },
    lives=timedelta(days=3),
)  # fmt: skip

# To whoever manages the visits of an ente. What asks for help is told with who and how to call him, and no taxpayer.
_WHO: dict[str, Field] = {**_ENTE, "what": Text(20), "agent": Name(), "phone": Text(24), "link": Link()}

FIELD_ALARM = Template(
    MessageTemplate.FIELD_ALARM, Kind.ASKED, _WHO,
    visits.ALARM,
    lives=timedelta(hours=6),
)  # fmt: skip

FIELD_ALARM_OPEN = Template(
    MessageTemplate.FIELD_ALARM_OPEN, Kind.ASKED, _WHO,
    visits.ALARM_OPEN,
    lives=timedelta(hours=6),
)  # fmt: skip

FIELD_UNFIT = Template(
    MessageTemplate.FIELD_UNFIT, Kind.ASKED,
    {**_ENTE, "agent": Name(), "removal": Day(), "substitute": Day(), "link": Link()},
    visits.UNFIT,
    lives=timedelta(days=1),
)  # fmt: skip

_TERM: dict[str, Field] = {**_ENTE, "agent": Name(), "due": Day(), "link": Link()}

FIELD_REMOVAL_DUE = Template(
    MessageTemplate.FIELD_REMOVAL_DUE, Kind.ASKED, _TERM,
    visits.REMOVAL_DUE,
    lives=timedelta(days=1),
)  # fmt: skip

FIELD_SUBSTITUTE_DUE = Template(
    MessageTemplate.FIELD_SUBSTITUTE_DUE, Kind.ASKED, _TERM,
    visits.SUBSTITUTE_DUE,
    lives=timedelta(days=1),
)  # fmt: skip

CASE_OPENED = Template(MessageTemplate.CASE_OPENED, Kind.SERVICE, _NUMBERED, cases.OPENED, _OF_A_CASE)
CASE_RESTS = Template(
    MessageTemplate.CASE_RESTS, Kind.SERVICE, {**_NUMBERED, "reason": Words(cases.WHY_RESTS)}, cases.RESTS, _OF_A_CASE
)
CASE_GOES_ON = Template(
    MessageTemplate.CASE_GOES_ON, Kind.SERVICE, {**_NUMBERED, "day": Day()}, cases.GOES_ON, _OF_A_CASE
)
CASE_EXTENDED = Template(
    MessageTemplate.CASE_EXTENDED, Kind.SERVICE, {**_NUMBERED, "day": Day(), "reason": Words(cases.WHY_LONGER)},
    cases.EXTENDED, _OF_A_CASE,
)  # fmt: skip
CASE_ANSWERED = Template(MessageTemplate.CASE_ANSWERED, Kind.SERVICE, _NUMBERED, cases.ANSWERED, _OF_A_CASE)
CASE_REDIRECTED = Template(
    MessageTemplate.CASE_REDIRECTED, Kind.SERVICE, {**_NUMBERED, "office": Name(80)}, cases.REDIRECTED, _OF_A_CASE
)
_FOLLOWED: dict[str, Field] = {**_NUMBERED, "link": Link(LONGEST_OWN)}
CASE_FOLLOW = Template(
    MessageTemplate.CASE_FOLLOW, Kind.ASKED, {**_FOLLOWED, "code": Code(longest=8)}, cases.FOLLOW, _OF_A_CASE,
    secret=True,
)  # fmt: skip
CASE_NEWS = Template(MessageTemplate.CASE_NEWS, Kind.SERVICE, _FOLLOWED, cases.NEWS, _OF_A_CASE)
CASE_PAPERS = Template(MessageTemplate.CASE_PAPERS, Kind.SERVICE, _FOLLOWED, cases.PAPERS, _OF_A_CASE)
CASE_SUMMONED = Template(MessageTemplate.CASE_SUMMONED, Kind.SERVICE, _NUMBERED, cases.SUMMONED, _OF_A_CASE)
CASE_DOCUMENTS = Template(MessageTemplate.CASE_DOCUMENTS, Kind.SERVICE, _FOLLOWED, cases.DOCUMENTS, _OF_A_CASE)

# From a mailbox (`telephony.mail`), to whoever wrote to it. The subject is ours: his own may tell of a debt.
MAIL_RECEIVED = Template(
    MessageTemplate.MAIL_RECEIVED, Kind.ASKED, {**_ENTE, "code": Code(longest=10)},
    {
        "it": Wording(
            subject="{ente}: abbiamo ricevuto il suo messaggio [{code}]",
            body=_mail(
                "it", "abbiamo ricevuto il suo messaggio e le risponderemo al più presto. Il numero è {code}.",
                "Se vuole aggiungere qualcosa, risponda a questo messaggio: arriva a chi se ne occupa.",
            ),
        ),
        "en": Wording(
            subject="{ente}: we have received your message [{code}]",
            body=_mail(
                "en", "we have received your message and will answer as soon as we can. Its number is {code}.",
                "If you want to add something, answer this message: it reaches whoever looks after it.",
            ),
        ),
        "de": Wording(
            subject="{ente}: wir haben Ihre Nachricht erhalten [{code}]",
            body=_mail(
                "de", "wir haben Ihre Nachricht erhalten und antworten so bald wie möglich. Ihre Nummer ist {code}.",
                "Wenn Sie etwas ergänzen möchten, antworten Sie auf diese Nachricht: sie kommt richtig an.",
            ),
        ),
    },
    lives=timedelta(days=1), certified=True,
)  # fmt: skip

MAIL_IN_CASE = Template(
    MessageTemplate.MAIL_IN_CASE, Kind.ASKED, {**_ENTE, "code": Code(longest=10), "number": Code()},
    {
        "it": Wording(
            subject="{ente}: abbiamo ricevuto il suo messaggio [{code}]",
            body=_mail(
                "it", "abbiamo ricevuto il suo messaggio: è con la sua richiesta {number}.",
                "Lo legge chi se ne occupa. Se vuole aggiungere qualcosa, risponda a questo messaggio.",
            ),
        ),
        "en": Wording(
            subject="{ente}: we have received your message [{code}]",
            body=_mail(
                "en", "we have received your message: it is with your request {number}.",
                "Whoever looks after it reads it. If you want to add something, answer this message.",
            ),
        ),
        "de": Wording(
            subject="{ente}: wir haben Ihre Nachricht erhalten [{code}]",
            body=_mail(
                "de", "wir haben Ihre Nachricht erhalten: sie liegt bei Ihrer Anfrage {number}.",
                "Wer sich darum kümmert, liest sie. Möchten Sie etwas ergänzen, antworten Sie auf diese Nachricht.",
            ),
        ),
    },
    lives=timedelta(days=1), certified=True,
)  # fmt: skip

MAIL_ANSWER = Template(
    MessageTemplate.MAIL_ANSWER, Kind.ASKED,
    {**_ENTE, "code": Code(longest=10), "text": Text(MAX_BODY, lines=True)},
    {
        "it": Wording(subject="{ente}: risposta al suo messaggio [{code}]", body="{text}"),
        "en": Wording(subject="{ente}: reply to your message [{code}]", body="{text}"),
        "de": Wording(subject="{ente}: Antwort auf Ihre Nachricht [{code}]", body="{text}"),
    },
    lives=timedelta(days=3), free=True, certified=True,
)  # fmt: skip

TEMPLATES = catalogue(
    (
        HOW_TO_PAY, ONE_TIME_CODE, REPLY, CALL_BACK, APPOINTMENT, APPOINTMENT_REMINDER,
        APPOINTMENT_BOOKED, APPOINTMENT_MOVED, APPOINTMENT_CANCELLED, APPOINTMENT_DOUBLE, WAITING_JOINED,
        WAITING_OFFER, PLEASE_CALL, CONVERSATION, CAMPAIGN,
        ALERT, REPORT_READY,
        SERVICE_DOWN, SERVICE_BACK,
        FIELD_ALARM, FIELD_ALARM_OPEN, FIELD_UNFIT, FIELD_REMOVAL_DUE, FIELD_SUBSTITUTE_DUE,
        CASE_OPENED, CASE_RESTS, CASE_GOES_ON, CASE_EXTENDED, CASE_ANSWERED, CASE_REDIRECTED,
        CASE_FOLLOW, CASE_NEWS, CASE_PAPERS, CASE_DOCUMENTS, CASE_SUMMONED,
        MAIL_RECEIVED, MAIL_IN_CASE, MAIL_ANSWER,
    )
)  # fmt: skip
