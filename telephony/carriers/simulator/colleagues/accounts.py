"""What a call was about, as a colleague writes it down: no person, no amount, nothing that identifies anybody."""

from dataclasses import dataclass

ANSWERED, WILL_PAY, ALREADY_PAID = "answered", "will_pay", "already_paid"
REQUEST, REDIRECTED = "request", "redirected"


@dataclass(frozen=True, slots=True)
class Subject:
    """A topic as the product's form names it, how often it comes, how it may end, and what is noted."""

    topic: str
    weight: int
    dispositions: tuple[str, ...]
    notes: tuple[str, ...]


SUBJECTS = (
    Subject("payment", 22, (ANSWERED, WILL_PAY, ALREADY_PAID), (
        "Chiede come pagare. Spiegati i canali pagoPA e i tempi di registrazione.",
        "Riferisce di aver già pagato. Invitato a conservare la ricevuta in attesa della registrazione.",
        "Chiede entro quando pagare. Letta la scadenza riportata sull'avviso.",
    )),
    Subject("instalments", 18, (ANSWERED, WILL_PAY, REQUEST), (
        "Chiede la rateizzazione. Spiegati requisiti, modulo e documenti da allegare.",
        "Chiede la prossima scadenza del piano. Confermata, con i modi di pagamento.",
    )),
    Subject("injunction", 14, (ANSWERED, WILL_PAY, REDIRECTED), (
        "Chiede chiarimenti sull'ingiunzione ricevuta. Spiegati origine dell'atto e termini.",
        "Chiede che cosa succede dopo l'ingiunzione. Spiegate le fasi successive e come evitarle.",
    )),
    Subject("notification", 12, (ANSWERED, REQUEST), (
        "Chiede quando è stato notificato l'atto. Verificata e comunicata la data di notifica.",
        "Segnala di non aver ricevuto la raccomandata. Spiegata la compiuta giacenza.",
    )),
    Subject("reminder", 8, (ANSWERED, WILL_PAY, ALREADY_PAID), (
        "Ha ricevuto un sollecito. Spiegato a quale atto si riferisce.",
    )),
    Subject("relief", 5, (ANSWERED, REQUEST), (
        "Chiede lo sgravio. Spiegato a chi presentare la domanda e in quali tempi si risponde.",
    )),
    Subject("annulment", 5, (REQUEST, REDIRECTED), (
        "Ritiene l'atto non dovuto. Spiegato come chiedere l'annullamento in autotutela.",
    )),
    Subject("suspension", 4, (ANSWERED, REQUEST), (
        "Chiede la sospensione. Spiegati i casi previsti e il modulo.",
    )),
    Subject("precautionary", 3, (ANSWERED, WILL_PAY), (
        "Chiede del preavviso di fermo. Spiegati i termini e gli effetti del pagamento.",
    )),
    Subject("appointment", 3, (REQUEST, ANSWERED), (
        "Preferisce parlarne allo sportello. Indicati sede e orari.",
    )),
    Subject("forms", 2, (ANSWERED,), ("Chiede un modulo. Indicata la pagina da cui scaricarlo.",)),
    Subject("access", 2, (REQUEST,), ("Chiede copia degli atti. Spiegato come presentare la richiesta.",)),
    Subject("litigation", 1, (REDIRECTED,), ("Chiede di un ricorso in corso. Indirizzato all'ufficio competente.",)),
    Subject("mail", 2, (ANSWERED, REQUEST), (
        "Chiede se è arrivata la sua raccomandata. Verificato il protocollo e indicati i tempi di risposta.",
    )),
    Subject("self_correction", 2, (ANSWERED, WILL_PAY), (
        "Vuole mettersi in regola per un'annualità non dichiarata. Spiegato il ravvedimento e dove trovare il calcolo.",
    )),
    Subject("complaint", 1, (REQUEST, REDIRECTED), (
        "Si lamenta dell'attesa allo sportello. Spiegato come presentare un reclamo e in quanto tempo si risponde.",
    )),
    Subject("other", 1, (ANSWERED, REDIRECTED), ("Richiesta di informazioni generali. Fornite indicazioni.",)),
)  # fmt: skip
SURNAMES = ("Rossi", "Bianchi", "Conti", "Ricci", "Mori", "Galli", "Romano", "Moretti")
"""What is typed in the search when nobody is proposed."""
