"""What citizens are told of their cases: the number, the terms, that there is an answer; never what it is about."""

from crm.messages.mails import mail
from crm.messages.wording import Wording

# By `crm.cases.models.PauseReason`.
WHY_RESTS = {
    "papers_missing": {
        "it": "aspettiamo da lei i documenti che le abbiamo chiesto",
        "en": "we are waiting for the papers that we asked you for",
        "de": "wir warten auf die Unterlagen, um die wir Sie gebeten haben",
    },
    "other_office": {
        "it": "prima deve rispondere un altro ufficio",
        "en": "another office has to answer first",
        "de": "zuerst muss ein anderes Amt antworten",
    },
    "court": {
        "it": "prima deve decidere un giudice",
        "en": "a judge has to decide first",
        "de": "zuerst muss ein Gericht entscheiden",
    },
}
# By `crm.cases.models.ExtensionReason`.
WHY_LONGER = {
    "complex": {
        "it": "la richiesta è complessa",
        "en": "the request is a complex one",
        "de": "die Anfrage ist aufwendig",
    },
    "checks": {
        "it": "servono altre verifiche",
        "en": "more has to be looked into",
        "de": "es muss noch mehr geprüft werden",
    },
    "asked": {
        "it": "ci ha chiesto lei più tempo",
        "en": "you asked us for more time",
        "de": "Sie haben um mehr Zeit gebeten",
    },
}
OPENED = {
    "it": Wording(
        sms="{ente}: la sua richiesta ha il numero {number}. Lo tenga: serve per sapere a che punto è.",
        subject="{ente}: la sua richiesta {number}",
        body=mail("it", "la sua richiesta ha il numero {number}.", "Lo tenga: serve per sapere a che punto è."),
    ),
    "en": Wording(
        sms="{ente}: your request has the number {number}. Please keep it, to ask how it stands.",
        subject="{ente}: your request {number}",
        body=mail("en", "your request has the number {number}.", "Please keep it, to ask how it stands."),
    ),
    "de": Wording(
        sms="{ente}: Ihre Anfrage hat die Nummer {number}. Mit ihr erfahren Sie, wie es steht.",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail("de", "Ihre Anfrage hat die Nummer {number}.", "Mit ihr erfahren Sie, wie es steht."),
    ),
}
RESTS = {
    "it": Wording(
        sms="{ente}: i tempi della sua richiesta {number} sono sospesi: {reason}.",
        subject="{ente}: la sua richiesta {number}",
        body=mail("it", "i tempi della sua richiesta {number} sono sospesi da oggi: {reason}."),
    ),
    "en": Wording(
        sms="{ente}: the time for your request {number} is suspended: {reason}.",
        subject="{ente}: your request {number}",
        body=mail("en", "the time for your request {number} is suspended from today: {reason}."),
    ),
    "de": Wording(
        sms="{ente}: die Frist Ihrer Anfrage {number} ruht: {reason}.",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail("de", "die Frist Ihrer Anfrage {number} ruht ab heute: {reason}."),
    ),
}
GOES_ON = {
    "it": Wording(
        sms="{ente}: i tempi della sua richiesta {number} corrono di nuovo, fino a {day}.",
        subject="{ente}: la sua richiesta {number}",
        body=mail("it", "i tempi della sua richiesta {number} corrono di nuovo, fino a {day}."),
    ),
    "en": Wording(
        sms="{ente}: the time for your request {number} runs again, until {day}.",
        subject="{ente}: your request {number}",
        body=mail("en", "the time for your request {number} runs again, until {day}."),
    ),
    "de": Wording(
        sms="{ente}: die Frist Ihrer Anfrage {number} läuft weiter, bis {day}.",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail("de", "die Frist Ihrer Anfrage {number} läuft weiter, bis {day}."),
    ),
}
EXTENDED = {
    "it": Wording(
        sms="{ente}: per la sua richiesta {number} serve più tempo, fino a {day}: {reason}.",
        subject="{ente}: la sua richiesta {number}",
        body=mail("it", "per la sua richiesta {number} serve più tempo, fino a {day}: {reason}."),
    ),
    "en": Wording(
        sms="{ente}: your request {number} takes more time, until {day}: {reason}.",
        subject="{ente}: your request {number}",
        body=mail("en", "your request {number} takes more time, until {day}: {reason}."),
    ),
    "de": Wording(
        sms="{ente}: Ihre Anfrage {number} braucht mehr Zeit, bis {day}: {reason}.",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail("de", "Ihre Anfrage {number} braucht mehr Zeit, bis {day}: {reason}."),
    ),
}
ANSWERED = {
    "it": Wording(
        sms="{ente}: c'è la risposta alla sua richiesta {number}. Ce la chieda al telefono o allo sportello.",
        subject="{ente}: la sua richiesta {number}",
        body=mail("it", "c'è la risposta alla sua richiesta {number}. Ce la chieda al telefono o allo sportello."),
    ),
    "en": Wording(
        sms="{ente}: your request {number} has been answered. Please ask us by telephone or at our desk.",
        subject="{ente}: your request {number}",
        body=mail("en", "your request {number} has been answered. Please ask us by telephone or at our desk."),
    ),
    "de": Wording(
        sms="{ente}: Ihre Anfrage {number} ist beantwortet. Fragen Sie uns am Telefon oder am Schalter.",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail("de", "Ihre Anfrage {number} ist beantwortet. Fragen Sie uns am Telefon oder am Schalter."),
    ),
}
SUMMONED = {
    "it": Wording(
        sms="{ente}: per la sua richiesta {number} la invitiamo a un incontro. Ci chieda quando al telefono.",
        subject="{ente}: la sua richiesta {number}",
        body=mail("it", "per la sua richiesta {number} la invitiamo a un incontro. Ci chieda quando al telefono."),
    ),
    "en": Wording(
        sms="{ente}: we invite you to a meeting about your request {number}. Please ask us when by telephone.",
        subject="{ente}: your request {number}",
        body=mail("en", "we invite you to a meeting about your request {number}. Please ask us when by telephone."),
    ),
    "de": Wording(
        sms="{ente}: zu Ihrer Anfrage {number} laden wir Sie zu einem Gespräch. Wann, erfahren Sie am Telefon.",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail(
            "de", "zu Ihrer Anfrage {number} laden wir Sie zu einem Gespräch ein. Wann, erfahren Sie am Telefon."
        ),
    ),
}
REDIRECTED = {
    "it": Wording(
        sms="{ente}: della sua richiesta {number} si occupa un altro ufficio: {office}.",
        subject="{ente}: la sua richiesta {number}",
        body=mail("it", "della sua richiesta {number} si occupa un altro ufficio:", "{office}"),
    ),
    "en": Wording(
        sms="{ente}: another office looks after your request {number}: {office}.",
        subject="{ente}: your request {number}",
        body=mail("en", "another office looks after your request {number}:", "{office}"),
    ),
    "de": Wording(
        sms="{ente}: für Ihre Anfrage {number} ist ein anderes Amt zuständig: {office}.",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail("de", "für Ihre Anfrage {number} ist ein anderes Amt zuständig:", "{office}"),
    ),
}
# To whoever sent his request from the ente's pages (`crm.cases.submissions`).
FOLLOW = {
    "it": Wording(
        sms="{ente}: la sua richiesta ha il numero {number}. Per seguirla: {link} Codice {code}.",
        subject="{ente}: la sua richiesta {number}",
        body=mail(
            "it", "abbiamo ricevuto la sua richiesta. Il numero è {number}, il codice per seguirla è {code}.",
            "Li scriva a questo indirizzo per sapere a che punto è:", "{link}",
        ),
    ),
    "en": Wording(
        sms="{ente}: your request has the number {number}. To follow it: {link} Code {code}.",
        subject="{ente}: your request {number}",
        body=mail(
            "en", "we have received your request. Its number is {number}, the code to follow it is {code}.",
            "Enter both at this address to see how it stands:", "{link}",
        ),
    ),
    "de": Wording(
        sms="{ente}: Ihre Anfrage hat die Nummer {number}. Zum Verfolgen: {link} Code {code}.",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail(
            "de", "wir haben Ihre Anfrage erhalten. Die Nummer ist {number}, der Code zum Verfolgen {code}.",
            "Geben Sie beides hier ein, um zu sehen, wie es steht:", "{link}",
        ),
    ),
}  # fmt: skip
NEWS = {
    "it": Wording(
        sms="{ente}: c'è una risposta alla sua richiesta {number}. La legge con il suo codice qui: {link}",
        subject="{ente}: la sua richiesta {number}",
        body=mail("it", "c'è una risposta alla sua richiesta {number}. La legge con il suo codice qui:", "{link}"),
    ),
    "en": Wording(
        sms="{ente}: your request {number} has been answered. Read the answer with your code here: {link}",
        subject="{ente}: your request {number}",
        body=mail("en", "your request {number} has been answered. Read the answer with your code here:", "{link}"),
    ),
    "de": Wording(
        sms="{ente}: Ihre Anfrage {number} ist beantwortet. Mit Ihrem Code lesen Sie die Antwort hier: {link}",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail("de", "Ihre Anfrage {number} ist beantwortet. Mit Ihrem Code lesen Sie die Antwort hier:", "{link}"),
    ),
}
PAPERS = {
    "it": Wording(
        sms="{ente}: per la sua richiesta {number} servono dei documenti. Quali sono, e come mandarli: {link}",
        subject="{ente}: la sua richiesta {number}",
        body=mail(
            "it", "per la sua richiesta {number} servono dei documenti: i tempi sono sospesi da oggi.",
            "Con il suo codice qui legge quali sono e li può mandare:", "{link}",
        ),
    ),
    "en": Wording(
        sms="{ente}: we need some papers for your request {number}. Which, and how to send them: {link}",
        subject="{ente}: your request {number}",
        body=mail(
            "en", "we need some papers for your request {number}: the time for it is suspended from today.",
            "With your code you see here which ones, and can send them:", "{link}",
        ),
    ),
    "de": Wording(
        sms="{ente}: für Ihre Anfrage {number} brauchen wir Unterlagen. Welche, und wie Sie sie senden: {link}",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail(
            "de", "für Ihre Anfrage {number} brauchen wir Unterlagen: die Frist ruht ab heute.",
            "Mit Ihrem Code sehen Sie hier welche, und können sie senden:", "{link}",
        ),
    ),
}  # fmt: skip
# To a taxpayer whose documents wait for him on a page (`crm.cases.consigning`).
DOCUMENTS = {
    "it": Wording(
        sms="{ente}: per la sua richiesta {number} c'è un documento. Lo apre con un codice qui: {link}",
        subject="{ente}: la sua richiesta {number}",
        body=mail("it", "per la sua richiesta {number} c'è un documento. Lo apre con un codice qui:", "{link}"),
    ),
    "en": Wording(
        sms="{ente}: there is a document for your request {number}. Open it with a code here: {link}",
        subject="{ente}: your request {number}",
        body=mail("en", "there is a document for your request {number}. Open it with a code here:", "{link}"),
    ),
    "de": Wording(
        sms="{ente}: zu Ihrer Anfrage {number} gibt es ein Dokument. Mit einem Code öffnen: {link}",
        subject="{ente}: Ihre Anfrage {number}",
        body=mail("de", "zu Ihrer Anfrage {number} gibt es ein Dokument. Sie öffnen es hier mit einem Code:", "{link}"),
    ),
}
