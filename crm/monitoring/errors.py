"""What is said when something is locked."""

from crm.core.errors import ForbiddenError
from crm.monitoring.lock import Lock

SAID = {
    Lock.NONE: "Il controllo dei singoli lavoratori è bloccato: manca l'accordo sindacale o l'autorizzazione "
    "dell'Ispettorato (art. 4 della legge 300/1970).",
    Lock.NOT_YET: "Il controllo dei singoli lavoratori è bloccato: l'accordo inserito non è ancora in vigore.",
    Lock.OVER: "Il controllo dei singoli lavoratori è bloccato: l'accordo è scaduto.",
    Lock.WITHDRAWN: "Il controllo dei singoli lavoratori è bloccato: l'accordo è stato revocato.",
    Lock.LEFT_OUT: "L'accordo inserito non comprende questo tipo di controllo: resta bloccato.",
    Lock.NOT_READ: "L'operatore non ha ancora confermato di aver letto l'informativa: per lui resta bloccato.",
}


class LockedError(ForbiddenError):
    """Looking at a single worker's work is locked; `lock` says why."""

    def __init__(self, lock: Lock) -> None:
        super().__init__(SAID[lock])
        self.lock = lock
