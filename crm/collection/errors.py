"""What can be wrong with a feed file as a whole. A wrong line is no error: it is a row among the refusals."""

from crm.core.errors import ConflictError, InvalidError

# Why a file is refused as a whole, or was not there as a whole.
NO_HEADER = "La prima riga non è l'intestazione di un feed. {reason}"
OTHER_ENTE = "Il feed è dell'ente {ente}, ma qui si attende {expected}: nessuna riga è stata letta."
NO_SUCH_ENTE = "Nessun ente ha il codice catastale {ente}: crearlo, o correggere l'intestazione."
BREAKS_OFF = "Il file si interrompe a metà della riga {line}: trasmetterlo di nuovo per intero."
MISCOUNTED = (
    "Il file dichiara {declared} record ma ne contiene {records}: qualcosa manca, trasmetterlo di nuovo per intero."
)
# How a run ends that neither its file nor its sender ended.
GONE = (
    "Il file caricato non si trova più: caricarlo di nuovo. Se accade ancora, i processi «web» e «worker» non vedono "
    "la stessa cartella FILODIRETTO_DATA."
)
DISCARDED = "Eliminato prima della fine della lettura. Quel che era già stato letto resta."
# What a full feed leaves there, and why.
NO_END = (
    "Il flusso completo non finisce con la riga «end»: di ciò che non nomina non è stato tolto nulla. Trasmetterlo di "
    "nuovo con la riga finale."
)
SUPERSEDED = "Era già stato letto un flusso completo più recente: di ciò che questo non nomina non è stato tolto nulla."
KEPT = "Ciò che il flusso non nomina è stato lasciato, per decisione di una persona."


class CollectionError(InvalidError):
    """The file cannot be imported at all; the message says why and what to do."""


class ImportBusyError(ConflictError):
    """The same file is being imported by another process at this moment."""
