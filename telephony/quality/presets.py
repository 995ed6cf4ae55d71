"""The form to begin with: what a conversation about the collection of local taxes is judged by."""

from telephony.quality.scoring import Criterion, Scale

PASS_MARK = 70
COLLECTION = (
    Criterion(
        "identity", "Ha accertato l'identità prima di dire importi o atti",
        "Le domande di verifica, o un delegato riconosciuto. A terzi non si dice nulla (Garante, 30 novembre 2005).",
        Scale.YES_NO, 20, critical=True,
    ),
    Criterion(
        "pressure", "Nessuna pressione indebita",
        "Niente minacce, allusioni o conseguenze che la legge non prevede; niente fretta di pagare.",
        Scale.YES_NO, 15, critical=True,
    ),
    Criterion(
        "answer", "La risposta era giusta e completa",
        "Importi, scadenze, atto e modo di pagare corrispondono al fascicolo; se non sapeva, ha chiesto o richiamato.",
        Scale.FIVE, 25,
    ),
    Criterion(
        "need", "Ha capito che cosa serviva", "Ha lasciato parlare, ha fatto domande, ha ripetuto con parole sue.",
        Scale.FIVE, 10,
    ),
    Criterion(
        "courtesy", "Cortesia",
        "Si è presentato con il nome dell'ente, tono calmo, ha salutato e chiesto se c'era altro.",
        Scale.FIVE, 10,
    ),
    Criterion(
        "plain", "Parole semplici", "Ha spiegato i termini tecnici; il cittadino ha capito che cosa fare dopo.",
        Scale.FIVE, 10,
    ),
    Criterion(
        "note", "Nota e seguito scritti",
        "Argomento, esito e nota dicono che cosa è successo e che cosa resta da fare.",
        Scale.YES_NO, 10,
    ),
)  # fmt: skip
