"""What citizens are told of their appointments, and of their wishes for an earlier one."""

from crm.messages.mails import mail
from crm.messages.wording import Wording

APPOINTMENT = {
    "it": Wording(
        sms="{ente}: appuntamento confermato {at}, {place}.",
        subject="{ente}: appuntamento confermato",
        body=mail("it", "il suo appuntamento è confermato:", "{at}\n{place}"),
    ),
    "en": Wording(
        sms="{ente}: your appointment is confirmed for {at}, {place}.",
        subject="{ente}: your appointment is confirmed",
        body=mail("en", "your appointment is confirmed:", "{at}\n{place}"),
    ),
    "de": Wording(
        sms="{ente}: Ihr Termin ist bestätigt: {at}, {place}.",
        subject="{ente}: Ihr Termin ist bestätigt",
        body=mail("de", "Ihr Termin ist bestätigt:", "{at}\n{place}"),
    ),
}
APPOINTMENT_REMINDER = {
    "it": Wording(
        sms="{ente}: le ricordiamo l'appuntamento {at}, {place}.",
        subject="{ente}: il suo appuntamento",
        body=mail("it", "le ricordiamo il suo appuntamento:", "{at}\n{place}"),
    ),
    "en": Wording(
        sms="{ente}: remember your appointment on {at}, {place}.",
        subject="{ente}: your appointment",
        body=mail("en", "remember your appointment:", "{at}\n{place}"),
    ),
    "de": Wording(
        sms="{ente}: wir erinnern an Ihren Termin: {at}, {place}.",
        subject="{ente}: Ihr Termin",
        body=mail("de", "wir erinnern an Ihren Termin:", "{at}\n{place}"),
    ),
}
APPOINTMENT_BOOKED = {
    "it": Wording(
        sms="{ente}: appuntamento {at}, {place}. Codice {code}. Per spostarlo o disdirlo: {link}",
        subject="{ente}: il suo appuntamento",
        body=mail(
            "it",
            "il suo appuntamento è prenotato:",
            "{at}\n{place}\nCodice {code}",
            "Se non può venire, lo sposti o lo disdica: il posto serve a qualcun altro.",
            "{link}",
        ),
    ),
    "en": Wording(
        sms="{ente}: appointment {at}, {place}. Code {code}. To move or cancel it: {link}",
        subject="{ente}: your appointment",
        body=mail(
            "en",
            "your appointment is booked:",
            "{at}\n{place}\nCode {code}",
            "If you cannot come, please move or cancel it: somebody else needs the place.",
            "{link}",
        ),
    ),
    "de": Wording(
        sms="{ente}: Termin {at}, {place}. Code {code}. Verschieben oder absagen: {link}",
        subject="{ente}: Ihr Termin",
        body=mail(
            "de",
            "Ihr Termin ist gebucht:",
            "{at}\n{place}\nCode {code}",
            "Wenn Sie nicht kommen können, verschieben Sie ihn oder sagen Sie ab: jemand braucht den Platz.",
            "{link}",
        ),
    ),
}
APPOINTMENT_MOVED = {
    "it": Wording(
        sms="{ente}: l'appuntamento {code} è spostato: {at}, {place}. Per cambiarlo: {link}",
        subject="{ente}: il suo appuntamento è spostato",
        body=mail(
            "it",
            "il suo appuntamento {code} è spostato:",
            "{at}\n{place}",
            "Se non può venire, lo cambi qui:",
            "{link}",
        ),
    ),
    "en": Wording(
        sms="{ente}: appointment {code} was moved: {at}, {place}. To change it: {link}",
        subject="{ente}: your appointment was moved",
        body=mail(
            "en",
            "your appointment {code} was moved:",
            "{at}\n{place}",
            "If you cannot come, change it here:",
            "{link}",
        ),
    ),
    "de": Wording(
        sms="{ente}: Termin {code} verschoben: {at}, {place}. Ändern: {link}",
        subject="{ente}: Ihr Termin wurde verschoben",
        body=mail(
            "de",
            "Ihr Termin {code} wurde verschoben:",
            "{at}\n{place}",
            "Wenn Sie nicht kommen können, ändern Sie ihn hier:",
            "{link}",
        ),
    ),
}
APPOINTMENT_CANCELLED = {
    "it": Wording(
        sms="{ente}: l'appuntamento {code} di {at} è annullato. Per prenderne un altro: {link}",
        subject="{ente}: il suo appuntamento è annullato",
        body=mail(
            "it",
            "il suo appuntamento {code} di {at} è annullato.",
            "Per prenderne un altro:",
            "{link}",
        ),
    ),
    "en": Wording(
        sms="{ente}: appointment {code} of {at} is cancelled. To book another: {link}",
        subject="{ente}: your appointment is cancelled",
        body=mail("en", "your appointment {code} of {at} is cancelled.", "To book another:", "{link}"),
    ),
    "de": Wording(
        sms="{ente}: Termin {code} ({at}) entfällt. Neuer Termin: {link}",
        subject="{ente}: Ihr Termin entfällt",
        body=mail(
            "de",
            "Ihr Termin {code} ({at}) entfällt.",
            "Einen neuen Termin buchen Sie hier:",
            "{link}",
        ),
    ),
}
APPOINTMENT_DOUBLE = {
    "it": Wording(
        sms="{ente}: ha già un appuntamento {at}, e ne è stato preso un altro a suo nome. Ne tenga uno: {link}",
        subject="{ente}: due appuntamenti a suo nome",
        body=mail(
            "it",
            "per lo stesso servizio ha già un appuntamento:",
            "{at}",
            "Ne è stato preso un altro a suo nome: ne tenga uno solo. Questo si sposta o si disdice qui:",
            "{link}",
            "Se l'altro non l'ha preso lei, ce lo dica.",
        ),
    ),
    "en": Wording(
        sms="{ente}: you have an appointment {at}, and another was booked in your name. Please keep one: {link}",
        subject="{ente}: two appointments in your name",
        body=mail(
            "en",
            "for the same service you already have an appointment:",
            "{at}",
            "Another was booked in your name: please keep one. This one is moved or cancelled here:",
            "{link}",
            "If it was not you who booked the other, please tell us.",
        ),
    ),
    "de": Wording(
        sms="{ente}: Sie haben schon einen Termin {at}; ein zweiter wurde auf Ihren Namen gebucht: {link}",
        subject="{ente}: zwei Termine auf Ihren Namen",
        body=mail(
            "de",
            "für denselben Dienst haben Sie schon einen Termin:",
            "{at}",
            "Ein zweiter wurde auf Ihren Namen gebucht: behalten Sie bitte einen. Diesen verschieben oder"
            " sagen Sie hier ab:",
            "{link}",
            "Wenn Sie den anderen nicht gebucht haben, sagen Sie es uns bitte.",
        ),
    ),
}
WAITING_JOINED = {
    "it": Wording(
        sms="{ente}: ha un posto in lista d'attesa. Quando si libera un orario le scriviamo. Per uscirne: {link}",
        subject="{ente}: la lista d'attesa",
        body=mail(
            "it",
            "è in lista d'attesa per un appuntamento. Quando si libera un orario le scriviamo qui.",
            "Per vedere la sua richiesta, o per uscire dalla lista:",
            "{link}",
        ),
    ),
    "en": Wording(
        sms="{ente}: you are on the waiting list. We write when a time is free. To leave the list: {link}",
        subject="{ente}: the waiting list",
        body=mail(
            "en",
            "you are on the waiting list for an appointment. When a time is free we write to you here.",
            "To see your request, or to leave the list:",
            "{link}",
        ),
    ),
    "de": Wording(
        sms="{ente}: Sie stehen auf der Warteliste. Wird ein Termin frei, schreiben wir Ihnen. Austragen: {link}",
        subject="{ente}: die Warteliste",
        body=mail(
            "de",
            "Sie stehen auf der Warteliste für einen Termin. Wird einer frei, schreiben wir Ihnen hierher.",
            "Ihre Anfrage ansehen oder sich austragen:",
            "{link}",
        ),
    ),
}
WAITING_OFFER = {
    "it": Wording(
        sms="{ente}: si libera un posto: {at}, {place}. Lo teniamo per lei fino a {until}. Per prenderlo: {link}",
        subject="{ente}: si è liberato un posto",
        body=mail(
            "it",
            "si è liberato un posto:",
            "{at}\n{place}",
            "Lo teniamo per lei fino a {until}. Per prenderlo, per aspettarne un altro o per uscire dalla lista:",
            "{link}",
        ),
    ),
    "en": Wording(
        sms="{ente}: a time is free: {at}, {place}. We keep it for you until {until}. To take it: {link}",
        subject="{ente}: a time is free",
        body=mail(
            "en",
            "a time is free:",
            "{at}\n{place}",
            "We keep it for you until {until}. To take it, to wait for another, or to leave the list:",
            "{link}",
        ),
    ),
    "de": Wording(
        sms="{ente}: ein Termin ist frei: {at}, {place}. Für Sie reserviert bis {until}. Annehmen: {link}",
        subject="{ente}: ein Termin ist frei geworden",
        body=mail(
            "de",
            "ein Termin ist frei geworden:",
            "{at}\n{place}",
            "Er ist für Sie reserviert bis {until}. Annehmen, auf einen anderen warten oder sich austragen:",
            "{link}",
        ),
    ),
}
