"""Words shown. Practice: its calls, what to do next, and what is said of a call afterwards."""

from enum import StrEnum

from telephony.practice.course import Voice
from telephony.practice.story import Advice, Check, StoryKey

WORDS: dict[type[StrEnum], dict[str, str]] = {
    StoryKey: {
        StoryKey.QUESTION: "Una domanda semplice",
        StoryKey.INSTALMENTS: "A che punto sono le mie rate?",
        StoryKey.FORGETFUL: "Chi non sa dimostrare chi è",
        StoryKey.RELATIVE: "La moglie di un contribuente",
        StoryKey.ELSEWHERE: "Una cosa per un altro ufficio",
        StoryKey.CARD: "Chi vuole dettare la carta di credito",
        StoryKey.ANGRY: "Chi è arrabbiato",
    },
    Voice: {
        Voice.CALLER: "Chi chiama",
        Voice.TRAINEE: "Tu",
        Voice.COLLEAGUE: "Carla, ufficio contenzioso",
    },
    Advice: {
        Advice.ANSWER_IT: "Il telefono squilla: premi «Rispondi», nella barra in alto.",
        Advice.GREET: "Presentati: scegli qui sotto la frase con il tuo nome.",
        Advice.REPLY: "Leggi che cosa ha detto, e scegli che cosa rispondere.",
        Advice.FIND: "Cerca la persona, qui sotto: scrivi il cognome che ti ha detto.",
        Advice.ASK: "Fai due domande. Poi, più in basso, segna solo le risposte uguali a quelle scritte accanto.",
        Advice.IDENTIFY: "Le risposte sono giuste: segnale qui sotto, poi premi «Identificato».",
        Advice.KEEP_CLOSED: "Non sai con chi parli, o è un'altra persona: più in basso, tieni chiuso il fascicolo.",
        Advice.TELL_TO_WAIT: "Prima di metterlo in attesa, diglielo.",
        Advice.TAKE_BACK: "È in attesa e non ti sente: riprendi la conversazione.",
        Advice.PASS_ON: "Apri «Consulta o passa», nella colonna del telefono: senti Carla, poi passale la chiamata.",
        Advice.STOP_RECORDING: "Sta per dire un dato riservato: ferma la registrazione, nella colonna del telefono.",
        Advice.NOTE_PROMISE: "Hai promesso di richiamare: annotalo, nella colonna della conversazione.",
        Advice.HANG_UP: "Avete finito: chiudi la chiamata, nella colonna del telefono.",
        Advice.CHOOSE_TOPIC: "Scegli l'argomento, e scrivi una nota breve: di che cosa si è parlato.",
        Advice.CHOOSE_OUTCOME: "Scegli l'esito: com'è finita.",
        Advice.SAVE: "È tutto: salva la chiamata.",
    },
    Check: {
        Check.GREETED: "Hai detto il tuo nome e quello del servizio.",
        Check.ASKED_NOTHING: "Non hai chiesto dati che non servivano.",
        Check.IDENTIFIED: "Hai accertato con chi parlavi, e aperto il fascicolo giusto.",
        Check.TICKED_HONESTLY: "Hai segnato solo risposte che erano davvero esatte.",
        Check.TOLD_NOTHING_BEFORE: "Non hai detto nulla di un debito a chi non era identificato.",
        Check.KEPT_CLOSED: "Hai tenuto chiuso il fascicolo, e scritto perché.",
        Check.SERVED: "Chi ha chiamato sa che cosa fare.",
        Check.CALM: "Hai mantenuto la calma, anche con chi non l'aveva.",
        Check.HELD_POLITELY: "Hai avvisato prima di mettere in attesa, e l'attesa è stata breve.",
        Check.PASSED_ON: "Hai passato la chiamata a chi poteva rispondere.",
        Check.NUMBER_LEFT_OUT: "Hai fermato la registrazione prima del dato riservato.",
        Check.PROMISED: "Hai annotato la richiamata che hai promesso.",
        Check.TOPIC: "L'argomento è quello giusto.",
        Check.DISPOSITION: "L'esito è quello giusto.",
        Check.NOTE: "Hai lasciato una nota a chi risponderà la prossima volta.",
    },
}

ABOUT: dict[StoryKey, str] = {
    StoryKey.QUESTION: "Gli orari dello sportello: non serve sapere chi chiama.",
    StoryKey.INSTALMENTS: "Prima si accerta chi è, poi si parla del suo piano di rate.",
    StoryKey.FORGETFUL: "Le risposte non tornano: si resta gentili, e il fascicolo chiuso.",
    StoryKey.RELATIVE: "Chiede di un debito non suo, e non ha una delega.",
    StoryKey.ELSEWHERE: "Attesa, consultazione e passaggio a un collega.",
    StoryKey.CARD: "La chiamata è registrata: un dato riservato non deve restarci.",
    StoryKey.ANGRY: "Un preavviso di fermo, voce alta, e una richiamata da annotare.",
}

AGAIN: dict[Check, str] = {
    Check.GREETED: "Comincia dicendo il tuo nome e il servizio: chi chiama deve sapere con chi parla.",
    Check.ASKED_NOTHING: "Per una domanda generale non si chiede chi è: ogni dato in più va giustificato.",
    Check.IDENTIFIED: "Qui serviva aprire il fascicolo: fai le domande, segna le risposte esatte, identifica.",
    Check.TICKED_HONESTLY: "Hai segnato come esatta una risposta che non lo era, o che non avevi chiesto.",
    Check.TOLD_NOTHING_BEFORE: "Di un debito si parla solo con chi è identificato: prima, nemmeno che esiste.",
    Check.KEPT_CLOSED: "A chi non ne ha diritto il fascicolo resta chiuso: dillo al sistema, con il motivo.",
    Check.SERVED: "Prima di chiudere, assicurati che chi chiama sappia che cosa fare adesso.",
    Check.CALM: "Con chi è arrabbiato funziona riconoscere il problema e dire subito che cosa si può fare.",
    Check.HELD_POLITELY: "Prima di mettere in attesa si chiede il permesso, e si torna entro due minuti.",
    Check.PASSED_ON: "Quando risponde un altro ufficio, consulta un collega e passagli la chiamata.",
    Check.NUMBER_LEFT_OUT: "Un numero di carta non deve restare registrato: ferma la registrazione prima che lo dica.",
    Check.PROMISED: "Una richiamata promessa si annota subito: altrimenti nessuno la fa.",
    Check.TOPIC: "Scegli l'argomento di cui si è parlato davvero: serve a chi risponde dopo, e all'ente.",
    Check.DISPOSITION: "Scegli l'esito che dice com'è finita: se non era il contribuente, dillo.",
    Check.NOTE: "Scrivi sempre una nota breve: che cosa voleva, che cosa gli hai detto.",
}
SAID = (*ABOUT.values(), *AGAIN.values())
# The key that does what is advised, where there is one.
KEYS: dict[Advice, str] = {
    Advice.ANSWER_IT: "R", Advice.IDENTIFY: "I", Advice.TAKE_BACK: "A", Advice.PASS_ON: "L", Advice.STOP_RECORDING: "D",
    Advice.NOTE_PROMISE: "G", Advice.HANG_UP: "C", Advice.CHOOSE_TOPIC: "1", Advice.CHOOSE_OUTCOME: "2",
    Advice.SAVE: "S",
}  # fmt: skip
