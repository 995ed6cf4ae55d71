"""Words shown. Thresholds and alerts."""

from enum import StrEnum

from telephony.alerts.judging import AlertKind
from telephony.alerts.queries import Which

WORDS: dict[type[StrEnum], dict[str, str]] = {
    AlertKind: {
        AlertKind.WAITING: "Persone in attesa, più di",
        AlertKind.LONGEST: "Attesa più lunga, oltre secondi",
        AlertKind.LEVEL: "Un livello oggi è mancato",
        AlertKind.SPENDABLE: "Chiamate che restano per un livello, meno di",
        AlertKind.READY: "Operatori pronti, meno di",
        AlertKind.CARRIER: "Il gestore telefonico non risponde, da oltre secondi",
        AlertKind.WALL: "Uno schermo a parete non si vede, da oltre secondi",
        AlertKind.UNSTAFFED: "Linee che saranno aperte senza nessuno in turno, oltre minuti",
    },
    Which: {
        Which.ALL: "tutte",
        Which.STANDING: "ancora in corso",
        Which.UNSEEN: "di cui nessuno ha preso nota",
    },
}

# What an alert says; `{figure}`, `{limit}`, `{where}` and `{level}` are filled in.
SAID: dict[AlertKind, str] = {
    AlertKind.WAITING: "{where}: {figure} persone in attesa, la soglia è {limit}.",
    AlertKind.LONGEST: "{where}: qualcuno aspetta da {figure} secondi, la soglia è {limit}.",
    AlertKind.LEVEL: "{where}: il livello «{level}» oggi è mancato.",
    AlertKind.SPENDABLE: "{where}: per il livello «{level}» restano {figure} chiamate, la soglia è {limit}.",
    AlertKind.READY: "{where}: {figure} operatori pronti, la soglia è {limit}.",
    AlertKind.CARRIER: "Il gestore telefonico non risponde da {figure} secondi.",
    AlertKind.WALL: "{where}: uno schermo a parete non si vede da {figure} secondi.",
    AlertKind.UNSTAFFED: "{where}: da adesso alla fine del prossimo giorno di servizio le linee restano aperte "
    "{figure} minuti senza nessuno in turno.",
}
