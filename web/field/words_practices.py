"""Words shown. Practices, their mandates, how they were placed and shared out."""

from enum import StrEnum

from outbound.field.places.placing import Placed
from outbound.field.practices.assigning import Left, Why
from outbound.field.practices.lifecycle import AssignmentState, Closed, MandateState, Occasion, Origin, State

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Origin: {Origin.CAMPAIGN: "da una campagna", Origin.ENTE: "voluta dall'ente"},
    State: {
        State.OPEN: "Da affidare",
        State.OFFERED: "Offerta a un agente",
        State.ACCEPTED: "In mano a un agente",
        State.FROZEN: "Sospesa",
        State.CLOSED: "Chiusa",
    },
    Closed: {
        Closed.PAID: "ha pagato",
        Closed.PROMISED: "ha promesso di pagare",
        Closed.INSTALMENTS: "paga a rate",
        Closed.DISPUTED: "contesta il debito",
        Closed.HARDSHIP: "non può pagare",
        Closed.REFUSED: "rifiuta",
        Closed.NOT_FOUND: "non trovato",
        Closed.DECEASED: "è deceduto",
        Closed.FORBIDDEN: "non si può più andare",
        Closed.UNSAFE: "non è sicuro andare",
        Closed.RECALLED: "richiamata",
    },
    MandateState: {
        MandateState.OFFERED: "da accettare",
        MandateState.ACCEPTED: "accettato",
        MandateState.DECLINED: "rifiutato",
        MandateState.REVOKED: "revocato",
        MandateState.ENDED: "finito",
    },
    Occasion: {
        Occasion.OPENED: "all'apertura",
        Occasion.OFFERED: "quando è stata offerta",
        Occasion.ACCEPTED: "quando è stata accettata",
        Occasion.VISITED: "alla visita",
    },
    AssignmentState: {
        AssignmentState.PROPOSED: "Proposta",
        AssignmentState.DONE: "Fatta",
        AssignmentState.UNDONE: "Annullata",
        AssignmentState.DROPPED: "Scartata",
    },
    Placed: {
        Placed.CIVIC: "al numero civico",
        Placed.NEAR: "al civico più vicino",
        Placed.STREET: "a metà della via",
        Placed.BY_HAND: "a mano",
        Placed.NOWHERE: "non si sa dove",
    },
    Why: {
        Why.NEAREST: "è l'agente più vicino",
        Why.ROOM: "chi è più vicino ne ha già abbastanza",
        Why.TIES: "chi è più vicino ha, o può avere, un legame",
        Why.LOAD: "l'indirizzo non è trovato: va a chi ne ha meno",
        Why.ONLY: "è l'unico senza legami",
    },
    Left: {
        Left.NOBODY: "nessun agente può agire per l'ente",
        Left.ALL_TIED: "tutti gli agenti hanno un legame",
        Left.ALL_FULL: "tutti gli agenti ne hanno già il massimo",
    },
}
