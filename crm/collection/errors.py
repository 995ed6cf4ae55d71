"""What can be wrong with a feed file as a whole. A wrong line is no error: it is a row among the refusals."""

from crm.core.errors import ConflictError, InvalidError

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
