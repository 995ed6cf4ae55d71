"""Words shown. Contacts: how they are reached, what they agreed to, whom they are related to."""

from enum import StrEnum

from crm.contacts.disclosure import RelationKind
from crm.contacts.mandates import Standing as MandateStanding
from crm.contacts.models import (
    AddressKind,
    Channel,
    Collected,
    ConditionKind,
    LastOutcome,
    PersonKind,
    Purpose,
    ReachKind,
    Source,
    Verification,
)
from crm.duplicates.likeness import Why
from web.duplicates.comparison import Line

WORDS: dict[type[StrEnum], dict[str, str]] = {
    ReachKind: {
        ReachKind.PHONE: "Telefono",
        ReachKind.EMAIL: "E-mail",
        ReachKind.PEC: "PEC",
        ReachKind.DIGITAL_DOMICILE: "Domicilio digitale",
    },
    AddressKind: {
        AddressKind.RESIDENCE: "Residenza",
        AddressKind.DOMICILE: "Domicilio",
        AddressKind.SEAT: "Sede",
    },
    Source: {
        Source.GESTIONALE: "gestionale",
        Source.TAXPAYER: "contribuente",
        Source.RELATED: "chi può parlare per lui",
        Source.ENTE: "ente",
        Source.ARCHIVE: "registro pubblico",
    },
    Verification: {
        Verification.UNVERIFIED: "da verificare",
        Verification.VERIFIED: "verificato",
        Verification.WRONG: "errato",
    },
    LastOutcome: {
        LastOutcome.REACHED: "raggiunto",
        LastOutcome.NO_ANSWER: "nessuna risposta",
        LastOutcome.WRONG_PERSON: "risponde un'altra persona",
        LastOutcome.UNREACHABLE: "irraggiungibile",
    },
    ConditionKind: {
        ConditionKind.DECEASED: "Deceduto",
        ConditionKind.CEASED: "Attività cessata",
        ConditionKind.INSOLVENT: "In procedura concorsuale",
    },
    RelationKind: {
        RelationKind.HEIR: "Erede",
        RelationKind.LEGAL_REPRESENTATIVE: "Legale rappresentante",
        RelationKind.GUARDIAN: "Genitore, tutore o amministratore di sostegno",
        RelationKind.PARTNER: "Socio",
        RelationKind.DELEGATE: "Delegato",
        RelationKind.ACCOUNTANT: "Commercialista",
    },
    MandateStanding: {
        MandateStanding.TO_COME: "non ancora in vigore",
        MandateStanding.VALID: "in vigore",
        MandateStanding.ENDING: "in scadenza",
        MandateStanding.ENDED: "scaduto",
    },
    Channel: {
        Channel.PHONE: "telefono",
        Channel.SMS: "SMS",
        Channel.EMAIL: "e-mail",
        Channel.PEC: "PEC",
        Channel.LETTER: "lettera",
    },
    Purpose: {
        Purpose.DIGITAL_MESSAGES: "Comunicazioni per SMS ed e-mail",
        Purpose.SURVEY: "Sondaggi di soddisfazione",
        Purpose.RECORDING: "Registrazione delle chiamate",
    },
    Collected: {
        Collected.SPOKEN: "a voce",
        Collected.WRITTEN: "per iscritto",
        Collected.WEB: "sul sito",
    },
    PersonKind: {
        PersonKind.NATURAL: "persona fisica",
        PersonKind.LEGAL: "persona giuridica",
    },
    Why: {
        Why.NAME_AND_BIRTH: "stesso nome e stessa data di nascita",
        Why.NEAR_NAME_AND_BIRTH: "nome quasi uguale e stessa data di nascita",
        Why.SAME_PARTITA_IVA: "stessa partita IVA",
        Why.PARTITA_IVA_AS_CODE: "la partita IVA dell'uno è il codice fiscale dell'altro",
        Why.OMOCODIA: "codice fiscale uguale, salvo l'omocodia",
        Why.NEAR_CODE: "codice fiscale uguale, salvo una svista",
        Why.NAME_AND_PHONE: "stesso telefono",
    },
    Line: {
        Line.NAME: "Nome",
        Line.CODICE_FISCALE: "Codice fiscale",
        Line.PARTITA_IVA: "Partita IVA",
        Line.BORN_ON: "Data di nascita",
        Line.BIRTHPLACE: "Luogo di nascita",
        Line.ADDRESSES: "Indirizzi",
        Line.PHONES: "Telefoni",
        Line.MAIL: "E-mail e PEC",
        Line.AS_OF: "Dati al",
        Line.POSITIONS: "Posizioni",
        Line.CONTACTS: "Voci in cronologia",
    },
}
