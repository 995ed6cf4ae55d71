"""Words shown. Reports of practices, commission, the register of operations."""

from enum import StrEnum

from outbound.field.closing.agreed import Part, Phase, TermsState
from outbound.field.closing.chain import Operation
from outbound.field.closing.commission import Why
from outbound.field.visits.door import Deed
from web.field.tables import Column, Table

C = Column
WORDS: dict[type[StrEnum], dict[str, str]] = {
    Deed: {
        Deed.ARRIVED: "arrivo",
        Deed.INTRODUCED: "si presenta",
        Deed.NOBODY: "nessuno apre",
        Deed.WHO: "chi c'è",
        Deed.TOLD: "spiegati motivo e conseguenze",
        Deed.OUTCOME: "esito",
        Deed.UNSAFE: "va via: non è sicuro",
        Deed.LEFT: "va via",
    },
    Why: {
        Why.EARNED: "pagato nel mandato",
        Why.INSTALMENT: "rata di un piano concesso nel mandato",
        Why.BEFORE: "pagato prima del mandato",
        Why.AFTER: "pagato dopo il mandato",
        Why.LATE: "registrato dall'ente oltre i giorni previsti",
        Why.OVER: "oltre l'importo del mandato",
        Why.SMALL: "sotto l'importo minimo",
        Why.NOT_AGREED: "nessuna condizione concordata per quel giorno",
        Why.NO_RATE: "nessuna aliquota per questo importo e questa fase",
        Why.NOT_COUNTED: "niente su cui si calcola la provvigione",
        Why.REVERSED: "pagamento stornato",
        Why.WITHDRAWN: "posizione ritirata dal gestionale",
        Why.ANEW: "ricalcolato: annulla la riga di prima",
    },
    TermsState: {
        TermsState.PROPOSED: "aspetta l'ente",
        TermsState.ACCEPTED: "accettate",
        TermsState.REFUSED: "rifiutate",
        TermsState.WITHDRAWN: "ritirate",
    },
    Part: {Part.TAX: "tributo", Part.SANCTIONS: "sanzioni", Part.INTEREST: "interessi", Part.COSTS: "spese"},
    Phase: {
        Phase.REQUEST: "avvisi e solleciti",
        Phase.ENFORCEABLE: "accertamenti esecutivi e ingiunzioni",
    },
    Operation: {
        Operation.MANDATE_GIVEN: "mandato conferito",
        Operation.MANDATE_ACCEPTED: "mandato accettato",
        Operation.VISIT: "visita",
        Operation.PRACTICE_CLOSED: "pratica chiusa",
        Operation.SETTLED: "provvigioni liquidate",
        Operation.CORRECTION: "rettifica",
    },
    Table: {Table.LINES: "Righe", Table.AGENTS: "Incaricati", Table.REGISTER: "Registro delle operazioni"},
    Column: {
        C.NUMBER: "N.",
        C.PAID_ON: "Pagato il",
        C.REGISTERED_ON: "Registrato il",
        C.REFERENCE: "Posizione",
        C.PRACTICE: "Pratica",
        C.AGENT: "Incaricato",
        C.COLLECTED: "Incassato (euro)",
        C.WITHIN: "Nel mandato (euro)",
        C.COUNTED: "Su cui si calcola (euro)",
        C.PER_MILLE: "Per mille",
        C.COMMISSION: "Provvigione (euro)",
        C.WHY: "Perché",
        C.ORIGINAL: "Riga di prima",
        C.MANDATE: "Mandato",
        C.LINES: "Righe",
        C.NOT_EARNING: "Senza provvigione",
        C.AT: "Data e ora",
        C.CLIENT: "Committente",
        C.OPERATION: "Operazione",
        C.AMOUNT: "Importo (euro)",
        C.FEE: "Premio (euro)",
        C.OUTCOME: "Esito",
        C.WORDS: "Note",
        C.CORRECTS: "Rettifica il n.",
    },
}
