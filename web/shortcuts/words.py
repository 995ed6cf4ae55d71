"""Words shown. What the keys of the console do."""

from enum import StrEnum

from web.shortcuts.keys import Key

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Key: {
        Key.ANSWER: "Rispondi",
        Key.IDENTIFIED: "Identificato",
        Key.NOT_HIM: "Non è lui/lei",
        Key.TOPIC: "Argomento: poi la sua lettera",
        Key.OUTCOME: "Esito: poi la sua lettera",
        Key.TEMPLATES: "Modelli di nota: poi il numero",
        Key.NOTE: "Vai alla nota",
        Key.SAVE: "Salva la chiamata",
        Key.CLOSE: "Chiudi la chiamata",
        Key.HOLD: "Metti in attesa, o riprendi",
        Key.GIVE_ON: "Consulta o passa; poi: passa la chiamata",
        Key.TOGETHER: "Parlate in tre",
        Key.HELP: "Chiedi aiuto a un supervisore",
        Key.MICROPHONE: "Microfono spento o acceso; a chiamata finita: un minuto in più",
        Key.PRIVATE: "Dato riservato: ferma la registrazione, o riprendila",
        Key.READY: "Pronto",
        Key.KNOWLEDGE: "Conoscenze: apri o chiudi",
        Key.BEFORE: "Contatti precedenti",
        Key.POSITIONS: "Vai alle posizioni: frecce per scorrerle, Invio per aprirle",
        Key.FOLLOW_UP: "Annota un'attività",
        Key.HOW_TO_PAY: "Manda come pagare",
        Key.CORRECTION: "Proponi una correzione",
        Key.NOTIFICATION: "Segnala un problema di notifica",
        Key.REACH: "Aggiungi un recapito, nella scheda aperta",
        Key.APPOINTMENT: "Prenota un appuntamento: poi il numero dell'orario, e Invio",
        Key.MACHINE: "Risponde una segreteria",
        Key.NEXT_TEXT: "Messaggi: prendi il nuovo, o passa al prossimo",
        Key.REPLY: "Messaggi: vai alla risposta",
        Key.SEND: "Messaggi: invia",
        Key.TO_THE_CALL: "Dai messaggi torna alla chiamata",
        Key.UNDO: "Annulla",
    },
}
