"""Words shown. Rounds of a day, and why a visit is in none."""

from enum import StrEnum

from outbound.field.rounds.admitting import Refusal
from outbound.field.rounds.changes import Change
from outbound.field.rounds.checking import Breach
from outbound.field.rounds.lifecycle import PlanState
from outbound.field.rounds.problem import Fault, Why

WORDS: dict[type[StrEnum], dict[str, str]] = {
    PlanState: {
        PlanState.DRAFT: "Da calcolare",
        PlanState.SOLVING: "Si sta calcolando",
        PlanState.READY: "Calcolato, non pubblicato",
        PlanState.PUBLISHED: "Pubblicato",
    },
    Refusal: {
        Refusal.CLOSED: "la pratica è chiusa",
        Refusal.FROZEN: "la pratica è ferma",
        Refusal.NOT_VALID: "l'incarico quel giorno non vale",
        Refusal.NO_VISITS_LEFT: "le visite dell'incarico sono finite",
        Refusal.NOT_YET: "si può visitare solo più avanti",
        Refusal.NOT_ALLOWED: "le regole non permettono la visita",
        Refusal.NOBODY: "nessun agente può andarci",
    },
    Fault: {
        Fault.NO_PLACE: "non si sa dov'è: correggi l'indirizzo",
        Fault.EMPTY_WINDOW: "quel giorno non ci sono orari per visitarlo",
        Fault.NOBODY_MAY: "nessun agente del giorno può andarci",
        Fault.OUT_OF_HOURS: "chi può andarci a quell'ora non lavora",
        Fault.TOO_FAR: "è troppo lontano per arrivarci in tempo",
        Fault.NO_HOURS: "quel giorno non lavora, o non può fare visite",
        Fault.PAUSE_TOO_LONG: "la pausa non ci sta tra le due ore",
        Fault.PINS_CLASH: "è fissata insieme a un'altra visita alla quale lo stesso agente dovrebbe essere",
    },
    Why: {
        Why.FULL: "chi può andarci ha già tutte le visite che può fare",
        Why.NO_TIME: "non c'è il tempo, o la strada è troppa",
    },
    Breach: {
        Breach.UNKNOWN: "non è più nel piano",
        Breach.TWICE: "è due volte nei giri",
        Breach.NOT_HIS: "questo agente non può farla",
        Breach.MOVED: "era fissata a un'altra ora o a un altro agente",
        Breach.LATE: "comincia fuori dai suoi orari",
        Breach.TOO_SHORT: "è più corta di quanto serve",
        Breach.IMPOSSIBLE: "non ci si arriva in tempo",
        Breach.OUT_OF_HOURS: "il giro finisce dopo l'orario di lavoro",
        Breach.NO_PAUSE: "non resta tempo per la pausa",
        Breach.TOO_MANY: "sono più visite di quante può farne",
    },
    Change: {
        Change.ADDED: "nuova",
        Change.REMOVED: "tolta",
        Change.EARLIER: "anticipata",
        Change.LATER: "posticipata",
    },
}
