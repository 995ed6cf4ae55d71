"""The letters with which a campaign begins to be written: a reminder that does not solicit, and a solicitation.

Both are addressed to him alone and say from the first line who writes and why (Garante, 30 November 2005).
"""

from collections.abc import Mapping

from outbound.campaigns.plan import Phase
from outbound.letters.wording import LetterText

USUAL: Mapping[Phase, LetterText] = {
    Phase.VOLUNTARY: LetterText(
        "Promemoria: {tributi}",
        "Gentile {nome},\n\n"
        "{ente} le ricorda che può pagare {tributi} entro il {scadenza}. In tutto sono {importo}, come vede nella "
        "tabella.\n\n"
        "Se ha già pagato non deve fare niente: può darsi che il pagamento non ci sia ancora arrivato.",
    ),
    Phase.PERSONAL: LetterText(
        "Sollecito di pagamento: {tributi}",
        "Gentile {nome},\n\n"
        "non ci risulta ancora il pagamento di {tributi}, per {importo} in tutto, dovuti a {ente}. Nella tabella trova "
        "ogni somma con la sua scadenza.\n\n"
        "La invitiamo a pagare, oppure a telefonarci: se ne ha bisogno può chiedere di pagare a rate. Se ha già pagato "
        "ci mandi la ricevuta, e lo correggiamo.",
    ),
}
