"""Words shown. Lists of contacts and the conditions they are made by."""

from enum import StrEnum

from crm.contacts.selecting import Way
from crm.positions.summary import PlanStanding, Standing
from outbound.lists.models import ListState, Origin, Why
from outbound.segments.conditions import Field, Operator

WORDS: dict[type[StrEnum], dict[str, str]] = {
    ListState: {
        ListState.BUILDING: "In preparazione",
        ListState.CHECKED: "Da confermare",
        ListState.READY: "Pronta",
        ListState.FAILED: "Non riuscita",
        ListState.WITHDRAWN: "Ritirata",
        ListState.DELETING: "Si sta eliminando",
    },
    Origin: {Origin.SEGMENT: "Condizioni", Origin.FILE: "File"},
    Why: {
        Why.WRONG: "Errori",
        Why.UNKNOWN: "Non trovati",
        Why.SEVERAL: "Ambigui",
        Why.TWICE: "Ripetuti",
    },
    Way: {
        Way.PHONE: "telefono",
        Way.MOBILE: "cellulare",
        Way.EMAIL: "e-mail",
        Way.CERTIFIED: "PEC o domicilio digitale",
    },
    Standing: {
        Standing.DUE: "non ancora scaduto",
        Standing.OVERDUE: "scaduto",
        Standing.IN_INSTALMENTS: "a rate",
        Standing.SUSPENDED: "sospeso",
        Standing.PAID: "concluso: niente da pagare",
    },
    PlanStanding: {
        PlanStanding.NONE: "nessuna",
        PlanStanding.KEPT: "in regola",
        PlanStanding.LATE: "con rate saltate",
        PlanStanding.LAPSED: "decaduta",
    },
    Operator: {
        Operator.IS: "è",
        Operator.IS_NOT: "non è",
        Operator.AT_LEAST: "almeno",
        Operator.AT_MOST: "non più di",
    },
    Field: {
        Field.TAX: "Tributo",
        Field.YEAR: "Anno",
        Field.ACT_KIND: "Atto",
        Field.STANDING: "Pagamento",
        Field.PHASE: "Fase della riscossione",
        Field.NOTIFICATION: "Esito della notifica",
        Field.DUE_DAYS: "Giorni dalla scadenza",
        Field.NOTIFIED_DAYS: "Giorni dalla notifica",
        Field.RESIDUAL: "Importo di una posizione",
        Field.PLAN: "Rateazione",
        Field.TO_COLLECT: "Atto da riscuotere",
        Field.OWED: "Importo in tutto",
        Field.POSITIONS: "Quante posizioni",
        Field.PERSON_KIND: "Persona o società",
        Field.REACHED_BY: "Raggiungibile per",
        Field.NO_CALLS: "Non vuole essere chiamato",
        Field.CONDITION: "Deceduto, cessato, insolvente",
        Field.CONTACT_DAYS: "Giorni dall'ultimo contatto",
        Field.LAST_OUTCOME: "Esito dell'ultima conversazione",
        Field.TOWN: "Comune dell'indirizzo",
        Field.POSTCODE: "CAP",
        Field.STREET: "Via",
    },
}
