"""The messages there are, in Italian, English and German. What each may hold is checked as this module is read."""

from datetime import timedelta
from enum import StrEnum

from crm.messages import cases
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
    MAIL_RECEIVED = "mail_received"
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
    {
        "it": Wording(
            sms="{ente}: appuntamento confermato {at}, {place}.",
            subject="{ente}: appuntamento confermato",
            body=_mail("it", "il suo appuntamento è confermato:", "{at}\n{place}"),
        ),
        "en": Wording(
            sms="{ente}: your appointment is confirmed for {at}, {place}.",
            subject="{ente}: your appointment is confirmed",
            body=_mail("en", "your appointment is confirmed:", "{at}\n{place}"),
        ),
        "de": Wording(
            sms="{ente}: Ihr Termin ist bestätigt: {at}, {place}.",
            subject="{ente}: Ihr Termin ist bestätigt",
            body=_mail("de", "Ihr Termin ist bestätigt:", "{at}\n{place}"),
        ),
    },
    lives=timedelta(hours=12),
)  # fmt: skip

# An office's name and street are no words of ours: "Viale Europa" tells of no euro.
_AT_OFFICE: dict[str, Field] = {**_APPOINTMENT, "place": Name(80)}

APPOINTMENT_REMINDER = Template(
    MessageTemplate.APPOINTMENT_REMINDER, Kind.SERVICE, _AT_OFFICE,
    {
        "it": Wording(
            sms="{ente}: le ricordiamo l'appuntamento {at}, {place}.",
            subject="{ente}: il suo appuntamento",
            body=_mail("it", "le ricordiamo il suo appuntamento:", "{at}\n{place}"),
        ),
        "en": Wording(
            sms="{ente}: remember your appointment on {at}, {place}.",
            subject="{ente}: your appointment",
            body=_mail("en", "remember your appointment:", "{at}\n{place}"),
        ),
        "de": Wording(
            sms="{ente}: wir erinnern an Ihren Termin: {at}, {place}.",
            subject="{ente}: Ihr Termin",
            body=_mail("de", "wir erinnern an Ihren Termin:", "{at}\n{place}"),
        ),
    },
    lives=timedelta(hours=12),
)  # fmt: skip

_OWN = Link(LONGEST_OWN)
_WITH_CODE: dict[str, Field] = {**_AT_OFFICE, "code": Code(longest=8), "link": _OWN}
_WITHOUT_PLACE: dict[str, Field] = {**_ENTE, "at": Instant(), "code": Code(longest=8), "link": _OWN}

APPOINTMENT_BOOKED = Template(
    MessageTemplate.APPOINTMENT_BOOKED, Kind.ASKED, _WITH_CODE,
    {
        "it": Wording(
            sms="{ente}: appuntamento {at}, {place}. Codice {code}. Per spostarlo o disdirlo: {link}",
            subject="{ente}: il suo appuntamento",
            body=_mail(
                "it", "il suo appuntamento è prenotato:", "{at}\n{place}\nCodice {code}",
                "Se non può venire, lo sposti o lo disdica: il posto serve a qualcun altro.",
                "{link}",
            ),
        ),
        "en": Wording(
            sms="{ente}: appointment {at}, {place}. Code {code}. To move or cancel it: {link}",
            subject="{ente}: your appointment",
            body=_mail(
                "en", "your appointment is booked:", "{at}\n{place}\nCode {code}",
                "If you cannot come, please move or cancel it: somebody else needs the place.",
                "{link}",
            ),
        ),
        "de": Wording(
            sms="{ente}: Termin {at}, {place}. Code {code}. Verschieben oder absagen: {link}",
            subject="{ente}: Ihr Termin",
            body=_mail(
                "de", "Ihr Termin ist gebucht:", "{at}\n{place}\nCode {code}",
                "Wenn Sie nicht kommen können, verschieben Sie ihn oder sagen Sie ab: jemand braucht den Platz.",
                "{link}",
            ),
        ),
    },
    lives=timedelta(days=2),
)  # fmt: skip

APPOINTMENT_MOVED = Template(
    MessageTemplate.APPOINTMENT_MOVED, Kind.ASKED, _WITH_CODE,
    {
        "it": Wording(
            sms="{ente}: l'appuntamento {code} è spostato: {at}, {place}. Per cambiarlo: {link}",
            subject="{ente}: il suo appuntamento è spostato",
            body=_mail(
                "it", "il suo appuntamento {code} è spostato:", "{at}\n{place}",
                "Se non può venire, lo cambi qui:",
                "{link}",
            ),
        ),
        "en": Wording(
            sms="{ente}: appointment {code} was moved: {at}, {place}. To change it: {link}",
            subject="{ente}: your appointment was moved",
            body=_mail(
                "en", "your appointment {code} was moved:", "{at}\n{place}",
                "If you cannot come, change it here:",
                "{link}",
            ),
        ),
        "de": Wording(
            sms="{ente}: Termin {code} verschoben: {at}, {place}. Ändern: {link}",
            subject="{ente}: Ihr Termin wurde verschoben",
            body=_mail(
                "de", "Ihr Termin {code} wurde verschoben:", "{at}\n{place}",
                "Wenn Sie nicht kommen können, ändern Sie ihn hier:",
                "{link}",
            ),
        ),
    },
    lives=timedelta(days=2),
)  # fmt: skip

APPOINTMENT_CANCELLED = Template(
    MessageTemplate.APPOINTMENT_CANCELLED, Kind.ASKED, _WITHOUT_PLACE,
    {
        "it": Wording(
            sms="{ente}: l'appuntamento {code} di {at} è annullato. Per prenderne un altro: {link}",
            subject="{ente}: il suo appuntamento è annullato",
            body=_mail(
                "it", "il suo appuntamento {code} di {at} è annullato.", "Per prenderne un altro:",
                "{link}",
            ),
        ),
        "en": Wording(
            sms="{ente}: appointment {code} of {at} is cancelled. To book another: {link}",
            subject="{ente}: your appointment is cancelled",
            body=_mail("en", "your appointment {code} of {at} is cancelled.", "To book another:", "{link}"),
        ),
        "de": Wording(
            sms="{ente}: Termin {code} ({at}) entfällt. Neuer Termin: {link}",
            subject="{ente}: Ihr Termin entfällt",
            body=_mail(
                "de", "Ihr Termin {code} ({at}) entfällt.", "Einen neuen Termin buchen Sie hier:",
                "{link}",
            ),
        ),
    },
    lives=timedelta(days=2),
)  # fmt: skip

APPOINTMENT_DOUBLE = Template(
    MessageTemplate.APPOINTMENT_DOUBLE, Kind.SERVICE, {**_ENTE, "at": Instant(), "link": _OWN},
    {
        "it": Wording(
            sms="{ente}: ha già un appuntamento {at}, e ne è stato preso un altro a suo nome. Ne tenga uno: {link}",
            subject="{ente}: due appuntamenti a suo nome",
            body=_mail(
                "it", "per lo stesso servizio ha già un appuntamento:", "{at}",
                "Ne è stato preso un altro a suo nome: ne tenga uno solo. Questo si sposta o si disdice qui:", "{link}",
                "Se l'altro non l'ha preso lei, ce lo dica.",
            ),
        ),
        "en": Wording(
            sms="{ente}: you have an appointment {at}, and another was booked in your name. Please keep one: {link}",
            subject="{ente}: two appointments in your name",
            body=_mail(
                "en", "for the same service you already have an appointment:", "{at}",
                "Another was booked in your name: please keep one. This one is moved or cancelled here:", "{link}",
                "If it was not you who booked the other, please tell us.",
            ),
        ),
        "de": Wording(
            sms="{ente}: Sie haben schon einen Termin {at}; ein zweiter wurde auf Ihren Namen gebucht: {link}",
            subject="{ente}: zwei Termine auf Ihren Namen",
            body=_mail(
                "de", "für denselben Dienst haben Sie schon einen Termin:", "{at}",
                "Ein zweiter wurde auf Ihren Namen gebucht: behalten Sie bitte einen. Diesen verschieben oder"
                " sagen Sie hier ab:", "{link}",
                "Wenn Sie den anderen nicht gebucht haben, sagen Sie es uns bitte.",
            ),
        ),
    },
    lives=timedelta(days=2),
)  # fmt: skip

WAITING_JOINED = Template(
    MessageTemplate.WAITING_JOINED, Kind.ASKED, {**_ENTE, "link": _OWN},
    {
        "it": Wording(
            sms="{ente}: ha un posto in lista d'attesa. Quando si libera un orario le scriviamo. Per uscirne: {link}",
            subject="{ente}: la lista d'attesa",
            body=_mail(
                "it", "è in lista d'attesa per un appuntamento. Quando si libera un orario le scriviamo qui.",
                "Per vedere la sua richiesta, o per uscire dalla lista:", "{link}",
            ),
        ),
        "en": Wording(
            sms="{ente}: you are on the waiting list. We write when a time is free. To leave the list: {link}",
            subject="{ente}: the waiting list",
            body=_mail(
                "en", "you are on the waiting list for an appointment. When a time is free we write to you here.",
                "To see your request, or to leave the list:", "{link}",
            ),
        ),
        "de": Wording(
            sms="{ente}: Sie stehen auf der Warteliste. Wird ein Termin frei, schreiben wir Ihnen. Austragen: {link}",
            subject="{ente}: die Warteliste",
            body=_mail(
                "de", "Sie stehen auf der Warteliste für einen Termin. Wird einer frei, schreiben wir Ihnen hierher.",
                "Ihre Anfrage ansehen oder sich austragen:", "{link}",
            ),
        ),
    },
    lives=timedelta(days=2),
)  # fmt: skip

WAITING_OFFER = Template(
    MessageTemplate.WAITING_OFFER, Kind.SERVICE,
    {**_AT_OFFICE, "until": Instant(), "link": _OWN},
    {
        "it": Wording(
            sms="{ente}: si libera un posto: {at}, {place}. Lo teniamo per lei fino a {until}. Per prenderlo: {link}",
            subject="{ente}: si è liberato un posto",
            body=_mail(
                "it", "si è liberato un posto:", "{at}\n{place}",
                "Lo teniamo per lei fino a {until}. Per prenderlo, per aspettarne un altro o per uscire dalla lista:",
                "{link}",
            ),
        ),
        "en": Wording(
            sms="{ente}: a time is free: {at}, {place}. We keep it for you until {until}. To take it: {link}",
            subject="{ente}: a time is free",
            body=_mail(
                "en", "a time is free:", "{at}\n{place}",
                "We keep it for you until {until}. To take it, to wait for another, or to leave the list:",
                "{link}",
            ),
        ),
        "de": Wording(
            sms="{ente}: ein Termin ist frei: {at}, {place}. Für Sie reserviert bis {until}. Annehmen: {link}",
            subject="{ente}: ein Termin ist frei geworden",
            body=_mail(
                "de", "ein Termin ist frei geworden:", "{at}\n{place}",
                "Er ist für Sie reserviert bis {until}. Annehmen, auf einen anderen warten oder sich austragen:",
                "{link}",
            ),
        ),
    },
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
    {
        "it": Wording(
            sms="{ente}: {agent} {what}, tel. {phone}. Rispondi qui: {link}",
            subject="{agent} {what}",
            body=_mail("it", "{agent} {what}. Il suo telefono: {phone}.", "Per rispondergli: {link}"),
        ),
        "en": Wording(
            sms="{ente}: {agent} {what}, tel. {phone}. Answer here: {link}",
            subject="{agent} {what}",
            body=_mail("en", "{agent} {what}. The telephone: {phone}.", "To answer: {link}"),
        ),
        "de": Wording(
            sms="{ente}: {agent} {what}, Tel. {phone}. Hier antworten: {link}",
            subject="{agent} {what}",
            body=_mail("de", "{agent} {what}. Telefon: {phone}.", "Zum Antworten: {link}"),
        ),
    },
    lives=timedelta(hours=6),
)  # fmt: skip

FIELD_ALARM_OPEN = Template(
    MessageTemplate.FIELD_ALARM_OPEN, Kind.ASKED, _WHO,
    {
        "it": Wording(
            sms="{ente}: {agent} {what} e nessuno risponde ancora, tel. {phone}. Rispondi qui: {link}",
            subject="{agent} {what}, e nessuno risponde ancora",
            body=_mail(
                "it", "{agent} {what}, e nessuno risponde ancora. Telefono: {phone}.", "Per rispondergli: {link}"
            ),
        ),
        "en": Wording(
            sms="{ente}: {agent} {what} and nobody has answered yet, tel. {phone}. Answer here: {link}",
            subject="{agent} {what}, and nobody has answered yet",
            body=_mail("en", "{agent} {what}, and nobody has answered yet. Telephone: {phone}.", "To answer: {link}"),
        ),
        "de": Wording(
            sms="{ente}: {agent} {what}, noch hat niemand geantwortet, Tel. {phone}. Hier antworten: {link}",
            subject="{agent} {what}, und noch hat niemand geantwortet",
            body=_mail(
                "de", "{agent} {what}, und noch hat niemand geantwortet. Telefon: {phone}.", "Zum Antworten: {link}"
            ),
        ),
    },
    lives=timedelta(hours=6),
)  # fmt: skip

FIELD_UNFIT = Template(
    MessageTemplate.FIELD_UNFIT, Kind.ASKED,
    {**_ENTE, "agent": Name(), "removal": Day(), "substitute": Day(), "link": Link()},
    {
        "it": Wording(
            subject="{ente}: un agente è stato trovato non idoneo",
            body=_mail(
                "it", "{agent} è stato trovato non idoneo: per l'ente non può più agire.",
                "Da allontanare entro: {removal}\nDa sostituire entro: {substitute}", "{link}",
            ),
        ),
        "en": Wording(
            subject="{ente}: an agent was found unfit",
            body=_mail(
                "en", "{agent} was found unfit: for the ente he may act no more.",
                "To be removed by: {removal}\nTo be replaced by: {substitute}", "{link}",
            ),
        ),
        "de": Wording(
            subject="{ente}: eine Person im Außendienst ist ungeeignet",
            body=_mail(
                "de", "{agent} wurde als ungeeignet befunden und darf für die Körperschaft nicht mehr tätig sein.",
                "Zu entfernen bis: {removal}\nZu ersetzen bis: {substitute}", "{link}",
            ),
        ),
    },
    lives=timedelta(days=1),
)  # fmt: skip

_TERM: dict[str, Field] = {**_ENTE, "agent": Name(), "due": Day(), "link": Link()}

FIELD_REMOVAL_DUE = Template(
    MessageTemplate.FIELD_REMOVAL_DUE, Kind.ASKED, _TERM,
    {
        "it": Wording(
            subject="{ente}: un agente è ancora da allontanare",
            body=_mail("it", "{agent} va allontanato entro {due}, e non è ancora segnato.", "{link}"),
        ),
        "en": Wording(
            subject="{ente}: an agent is still to be removed",
            body=_mail("en", "{agent} has to be removed by {due}, and is not marked so yet.", "{link}"),
        ),
        "de": Wording(
            subject="{ente}: eine Person im Außendienst ist noch zu entfernen",
            body=_mail("de", "{agent} ist bis {due} zu entfernen; vermerkt ist das noch nicht.", "{link}"),
        ),
    },
    lives=timedelta(days=1),
)  # fmt: skip

FIELD_SUBSTITUTE_DUE = Template(
    MessageTemplate.FIELD_SUBSTITUTE_DUE, Kind.ASKED, _TERM,
    {
        "it": Wording(
            subject="{ente}: un agente è ancora da sostituire",
            body=_mail("it", "{agent} va sostituito entro {due}, e non lo è ancora.", "{link}"),
        ),
        "en": Wording(
            subject="{ente}: an agent is still to be replaced",
            body=_mail("en", "{agent} has to be replaced by {due}, and is not yet.", "{link}"),
        ),
        "de": Wording(
            subject="{ente}: eine Person im Außendienst ist noch zu ersetzen",
            body=_mail("de", "{agent} ist bis {due} zu ersetzen; das steht noch aus.", "{link}"),
        ),
    },
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
        CASE_FOLLOW, CASE_NEWS, CASE_PAPERS, CASE_DOCUMENTS,
        MAIL_RECEIVED, MAIL_ANSWER,
    )
)  # fmt: skip
