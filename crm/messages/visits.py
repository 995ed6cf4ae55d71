"""What is told to those who look after visits at doors: an agent in need of help, one who may act no more."""

from crm.messages.mails import mail
from crm.messages.wording import Wording

ALARM = {
    "it": Wording(
        sms="{ente}: {agent} {what}, tel. {phone}. Rispondi qui: {link}",
        subject="{agent} {what}",
        body=mail("it", "{agent} {what}. Il suo telefono: {phone}.", "Per rispondergli: {link}"),
    ),
    "en": Wording(
        sms="{ente}: {agent} {what}, tel. {phone}. Answer here: {link}",
        subject="{agent} {what}",
        body=mail("en", "{agent} {what}. The telephone: {phone}.", "To answer: {link}"),
    ),
    "de": Wording(
        sms="{ente}: {agent} {what}, Tel. {phone}. Hier antworten: {link}",
        subject="{agent} {what}",
        body=mail("de", "{agent} {what}. Telefon: {phone}.", "Zum Antworten: {link}"),
    ),
}
ALARM_OPEN = {
    "it": Wording(
        sms="{ente}: {agent} {what} e nessuno risponde ancora, tel. {phone}. Rispondi qui: {link}",
        subject="{agent} {what}, e nessuno risponde ancora",
        body=mail("it", "{agent} {what}, e nessuno risponde ancora. Telefono: {phone}.", "Per rispondergli: {link}"),
    ),
    "en": Wording(
        sms="{ente}: {agent} {what} and nobody has answered yet, tel. {phone}. Answer here: {link}",
        subject="{agent} {what}, and nobody has answered yet",
        body=mail("en", "{agent} {what}, and nobody has answered yet. Telephone: {phone}.", "To answer: {link}"),
    ),
    "de": Wording(
        sms="{ente}: {agent} {what}, noch hat niemand geantwortet, Tel. {phone}. Hier antworten: {link}",
        subject="{agent} {what}, und noch hat niemand geantwortet",
        body=mail("de", "{agent} {what}, und noch hat niemand geantwortet. Telefon: {phone}.", "Zum Antworten: {link}"),
    ),
}
UNFIT = {
    "it": Wording(
        subject="{ente}: un agente è stato trovato non idoneo",
        body=mail(
            "it",
            "{agent} è stato trovato non idoneo: per l'ente non può più agire.",
            "Da allontanare entro: {removal}\nDa sostituire entro: {substitute}",
            "{link}",
        ),
    ),
    "en": Wording(
        subject="{ente}: an agent was found unfit",
        body=mail(
            "en",
            "{agent} was found unfit: for the ente he may act no more.",
            "To be removed by: {removal}\nTo be replaced by: {substitute}",
            "{link}",
        ),
    ),
    "de": Wording(
        subject="{ente}: eine Person im Außendienst ist ungeeignet",
        body=mail(
            "de",
            "{agent} wurde als ungeeignet befunden und darf für die Körperschaft nicht mehr tätig sein.",
            "Zu entfernen bis: {removal}\nZu ersetzen bis: {substitute}",
            "{link}",
        ),
    ),
}
REMOVAL_DUE = {
    "it": Wording(
        subject="{ente}: un agente è ancora da allontanare",
        body=mail("it", "{agent} va allontanato entro {due}, e non è ancora segnato.", "{link}"),
    ),
    "en": Wording(
        subject="{ente}: an agent is still to be removed",
        body=mail("en", "{agent} has to be removed by {due}, and is not marked so yet.", "{link}"),
    ),
    "de": Wording(
        subject="{ente}: eine Person im Außendienst ist noch zu entfernen",
        body=mail("de", "{agent} ist bis {due} zu entfernen; vermerkt ist das noch nicht.", "{link}"),
    ),
}
SUBSTITUTE_DUE = {
    "it": Wording(
        subject="{ente}: un agente è ancora da sostituire",
        body=mail("it", "{agent} va sostituito entro {due}, e non lo è ancora.", "{link}"),
    ),
    "en": Wording(
        subject="{ente}: an agent is still to be replaced",
        body=mail("en", "{agent} has to be replaced by {due}, and is not yet.", "{link}"),
    ),
    "de": Wording(
        subject="{ente}: eine Person im Außendienst ist noch zu ersetzen",
        body=mail("de", "{agent} ist bis {due} zu ersetzen; das steht noch aus.", "{link}"),
    ),
}
