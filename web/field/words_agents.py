"""Words shown. Agents, their papers, what keeps them from acting, ties."""

from enum import StrEnum

from outbound.field.agents.deadlines import Left
from outbound.field.agents.standing import Decision, Obstacle, Paper
from outbound.field.agents.ties import Sign, Tie

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Paper: {
        Paper.IDENTITY: "documento d'identità",
        Paper.LICENCE: "licenza del Questore (art. 115 TULPS)",
        Paper.APPOINTMENT: "nomina ad agente del titolare della licenza",
        Paper.RECORD: "certificato del casellario giudiziale",
        Paper.TRAINING: "attestato di formazione",
        Paper.OTHER: "altro documento",
    },
    Decision: {
        Decision.PROPOSED: "in attesa dell'ente",
        Decision.APPROVED: "approvato",
        Decision.REFUSED: "non approvato",
        Decision.WITHDRAWN: "ritirato dalla società",
    },
    Obstacle: {
        Obstacle.NOT_PROPOSED: "non è stato proposto all'ente",
        Obstacle.WAITING: "l'ente non ha ancora deciso",
        Obstacle.REFUSED: "l'ente non l'ha approvato",
        Obstacle.WITHDRAWN: "la società l'ha ritirato",
        Obstacle.NOT_NOTIFIED: "manca la prova che la Questura lo sa",
        Obstacle.UNFIT: "è stato trovato non idoneo",
        Obstacle.ENDED: "non lavora più per la società",
        Obstacle.NO_PHOTO: "manca la foto",
        Obstacle.BADGE_EXPIRED: "non ha un tesserino valido",
        Obstacle.PAPER_MISSING: "manca un documento",
        Obstacle.PAPER_EXPIRED: "un documento è scaduto",
    },
    Tie: {
        Tie.FAMILY: "parentela o convivenza",
        Tie.FRIENDSHIP: "amicizia",
        Tie.NEIGHBOUR: "vicinato",
        Tie.WORK: "lavoro",
        Tie.BUSINESS: "affari",
        Tie.DISPUTE: "una lite",
        Tie.OTHER: "altro",
    },
    Sign: {
        Sign.HIMSELF: "è lui, o rappresenta il contribuente",
        Sign.DECLARED: "ha dichiarato di conoscerlo",
        Sign.SAME_HOME: "stesso indirizzo",
        Sign.SAME_PHONE: "stesso telefono",
        Sign.SAME_SURNAME: "stesso cognome",
    },
    Left: {
        Left.OVER: "scaduto",
        Left.TODAY: "scade oggi",
        Left.AT_ONCE: "scade entro una settimana",
        Left.SOON: "scade entro un mese",
        Left.FAR: "valido",
    },
}
