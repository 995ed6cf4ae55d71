/** The pages' words: Italian first, English by the switch, remembered. */

const WORDS = {
  it: {
    title: "Chiama il centro", which: "Quale numero chiami?", own: "Il tuo numero",
    ownHint: "Chi ti risponde vedrà questo numero. Scrivi «anonymous» per nasconderlo.",
    suggestions: "Chi vuoi essere? Accanto, un suo codice avviso", console: "Apri la console", person: "Lascia rispondere una persona",
    who: {
      person: ["Ti risponde una persona.", "Un operatore ha il telefono libero: i colleghi simulati gli lasciano la tua " +
        "chiamata. Se non è «Pronto», o tarda, risponde un collega."],
      anybody: ["Ti risponde chi è libero,", "una persona o un collega simulato, a chi tocca."],
      busy: ["Ti risponde un collega simulato.", "Chi è alla console sta già parlando con qualcuno."],
      colleague: ["Ti risponde un collega simulato.", "Vuoi rispondere tu? Apri la console in un'altra finestra, entra " +
        "e premi «Pronto»."],
      nobody: ["Adesso non risponde nessuno.", "Aspetterai in coda. Per rispondere tu, apri la console in un'altra " +
        "finestra, entra e premi «Pronto»."],
    },
    answeredBy: { person: "Ti ha risposto una persona.", colleague: "Ti ha risposto un collega simulato." },
    call: "Chiama", hangUp: "Riaggancia", keypad: "Tastiera",
    heard: "Che cosa senti", nothing: "Qui comparirà ciò che senti al telefono.", elapsed: "Durata",
    newCall: "Nuova chiamata", noNumbers: "Nessun numero è ancora attivo. Attendi l'avvio del centro.",
    offline: "Il simulatore non risponde. Riprovo…", failed: "La chiamata non è partita", pressed: "Hai premuto",
    music: "Musica", audio: "Audio", allCalls: "La rete telefonica", callerPage: "Chiama il centro",
    live: "Chiamate in corso", none: "Nessuna chiamata in corso.", from: "Da", to: "A", state: "Stato",
    last: "Ultima cosa sentita", agents: "Telefoni degli operatori collegati", inbound: "in arrivo",
    messages: "Messaggi", phone: "Il telefono di un cittadino", whose: "Di chi", you: "Tu",
    writeSms: "Scrivi un SMS", writeTo: "A quale numero scrive",
    noTexts: "Nessun SMS, finora.", mail: "La posta", noMail: "Nessuna e-mail, finora.",
    stopMail: "Non ricevere altre e-mail", fate: "Che cosa succede agli SMS per questo numero",
    fateDelivered: "arrivano", fateUndelivered: "non arrivano: è spento", fateSilent: "partono, e nessuno sa altro",
    fateRefused: "rifiutati: non è un cellulare",
    direction: "Verso", outbound: "in uscita", language: "English", error: "Errore",
    network: "La rete telefonica", conversation: "Conversazione", doThis: "Che cosa fa", press: "Premi", held: "in attesa",
    spoil: "Guasta…", faults: "Che cosa va storto", fault: "Guasto", what: "A che cosa", whichCall: "A quale chiamata",
    times: "Quante volte", inject: "Fai accadere", active: "In atto", noFaults: "Tutto funziona.", any: "a tutto",
    all: "a tutte", always: "sempre", struck: "accaduto:", withdraw: "Togli", recover: "Torna tutto a posto",
    endedCall: "chiamata finita",
    faultsHint: "Un gestore telefonico vero sbaglia in ciascuno di questi modi. Il centro deve venirne a capo da solo: " +
      "guarda la console e il tabellone mentre accade.",
    callees: "Chi viene chiamato", calleesHint: "Così risponde chi il centro chiama: chi ha chiesto di essere " +
      "richiamato, un ufficio, un telefono di fuori. Chi non è in elenco risponde di persona.",
    calleeNumber: "Il suo numero", calleeNumberHint: "Nessun numero: chiunque altro.", manner: "Che cosa succede",
    choose: "Scegli", anybody: "Chiunque altro", asUsual: "Tutti rispondono di persona.",
    manners: {
      answers: "risponde", machine: "risponde la segreteria", busy: "è occupato", "no-answer": "non risponde",
      failed: "non si raggiunge",
    },
    isDown: "La rete è guasta: nessuna chiamata arriva, e il gestore non risponde.",
    kinds: {
      call: "avvisi su una chiamata", conference: "avvisi su una conversazione", message: "SMS dei cittadini, e avvisi sui nostri",
      recording: "avvisi su una registrazione", document: "richieste di che cosa dire", create: "ordini che creano",
      update: "ordini che cambiano", read: "domande",
    },
    faultNames: {
      drop: ["Non arriva", "Un avviso, o una richiesta, si perde per strada."],
      duplicate: ["Arriva due volte", "Lo stesso avviso è consegnato due volte."],
      reorder: ["Arriva fuori ordine", "Gli avvisi successivi lo superano."],
      delay: ["Arriva tardi", "L'avviso arriva dopo qualche secondo."],
      bad_signature: ["Firma falsa", "L'avviso arriva, ma non l'ha firmato il gestore: va rifiutato."],
      callback_before_reply: ["Avviso prima della risposta", "Di ciò che è stato creato si sa prima dall'avviso che dalla risposta."],
      lose_reply: ["Risposta persa", "L'ordine è eseguito, ma la risposta non arriva: non va ripetuto alla cieca."],
      rate_limit: ["Troppe richieste (429)", "Il gestore chiede di rallentare e non fa niente."],
      server_error: ["Errore del gestore (500)", "Il gestore si scusa e non fa niente."],
      hang: ["Nessuna risposta", "Il gestore tace finché scade il tempo, e non fa niente."],
      gone: ["Chiamata già finita (21220)", "L'ordine arriva quando chi chiama ha appena riagganciato."],
      down: ["Rete guasta", "Tutto il gestore è fuori servizio, finché non lo togli."],
    },
    place: {
      idle: "Pronto", queued: "In partenza", ringing: "Squilla", ivr: "Risponditore", queue: "In coda",
      waiting: "In attesa", conversation: "In conversazione", hold: "Messo in attesa",
      recording: "Registrazione", completed: "Terminata", busy: "Occupato", failed: "Non riuscita",
      "no-answer": "Nessuna risposta", canceled: "Annullata", "in-progress": "Risposto",
    },
  },
  en: {
    title: "Call the centre", which: "Which number do you call?", own: "Your number",
    ownHint: "Whoever answers will see this number. Write “anonymous” to hide it.",
    suggestions: "Who do you want to be? Beside it, a notice code of his", console: "Open the console", person: "Let a person answer",
    who: {
      person: ["A person will answer you.", "An agent's telephone is free: the simulated colleagues leave your call to " +
        "them. If they are not “Ready”, or take too long, a colleague answers."],
      anybody: ["Whoever is free will answer you,", "a person or a simulated colleague, whose turn it is."],
      busy: ["A simulated colleague will answer you.", "Whoever is at the console is already speaking with somebody."],
      colleague: ["A simulated colleague will answer you.", "Do you want to answer yourself? Open the console in " +
        "another window, sign in and press “Ready”."],
      nobody: ["Nobody can answer now.", "You will wait in the queue. To answer yourself, open the console in another " +
        "window, sign in and press “Ready”."],
    },
    answeredBy: { person: "A person answered you.", colleague: "A simulated colleague answered you." },
    call: "Call", hangUp: "Hang up", keypad: "Keypad",
    heard: "What you hear", nothing: "What you hear on the line will appear here.", elapsed: "Duration",
    newCall: "New call", noNumbers: "No number is active yet. Wait for the centre to start.",
    offline: "The simulator does not answer. Trying again…", failed: "The call could not be placed",
    pressed: "You pressed", music: "Music", audio: "Audio", allCalls: "The telephone network",
    callerPage: "Call the centre", live: "Live calls", none: "No live calls.", from: "From", to: "To",
    state: "State", last: "Last thing heard", agents: "Agents' telephones connected", inbound: "inbound",
    messages: "Messages", phone: "A citizen's telephone", whose: "Whose", you: "You",
    writeSms: "Write an SMS", writeTo: "To which number",
    noTexts: "No SMS so far.", mail: "The mail", noMail: "No e-mail so far.", stopMail: "Get no more e-mails",
    fate: "What happens to SMS for this number", fateDelivered: "they arrive",
    fateUndelivered: "they do not arrive: it is switched off", fateSilent: "they leave, and nobody hears more",
    fateRefused: "refused: it is no mobile",
    direction: "Direction", outbound: "outbound", language: "Italiano", error: "Error",
    network: "The telephone network", conversation: "Conversation", doThis: "What it does", press: "Press", held: "on hold",
    spoil: "Spoil…", faults: "What goes wrong", fault: "Fault", what: "To what", whichCall: "To which call",
    times: "How many times", inject: "Make it happen", active: "Going on", noFaults: "Everything works.",
    any: "anything", all: "any", always: "always", struck: "happened:", withdraw: "Take back",
    recover: "Everything is fine again", endedCall: "an ended call",
    faultsHint: "A real carrier goes wrong in each of these ways. The centre has to cope by itself: watch the console and " +
      "the wallboard while it happens.",
    callees: "Who is called", calleesHint: "This is how those answer whom the centre calls: whoever asked to be called " +
      "back, an office, a telephone outside. Whoever is not listed answers himself.",
    calleeNumber: "His number", calleeNumberHint: "No number: anybody else.", manner: "What happens", choose: "Choose",
    anybody: "Anybody else", asUsual: "All answer themselves.",
    manners: {
      answers: "answers", machine: "a machine answers", busy: "is busy", "no-answer": "does not answer",
      failed: "cannot be reached",
    },
    isDown: "The network is out of order: no call arrives, and the carrier does not answer.",
    kinds: {
      call: "callbacks about a call", conference: "callbacks about a conversation", message: "citizens' SMS, and callbacks about ours",
      recording: "callbacks about a recording", document: "requests for what to say", create: "orders that create",
      update: "orders that change", read: "questions",
    },
    faultNames: {
      drop: ["Does not arrive", "A callback, or a request, is lost on its way."],
      duplicate: ["Arrives twice", "The same callback is delivered twice."],
      reorder: ["Arrives out of order", "Later callbacks overtake it."],
      delay: ["Arrives late", "The callback arrives after some seconds."],
      bad_signature: ["False signature", "The callback arrives, and the carrier did not sign it: it must be refused."],
      callback_before_reply: ["Callback before the reply", "The callback about what was created overtakes the reply."],
      lose_reply: ["Lost reply", "The order is carried out, and the reply does not arrive: it must not be repeated blindly."],
      rate_limit: ["Too many requests (429)", "The carrier asks to slow down and does nothing."],
      server_error: ["Carrier's error (500)", "The carrier apologises and does nothing."],
      hang: ["No answer", "The carrier says nothing until time is up, and does nothing."],
      gone: ["Call already over (21220)", "The order arrives when the caller has just hung up."],
      down: ["Network out of order", "The whole carrier is out of order, until you take it back."],
    },
    place: {
      idle: "Ready", queued: "Starting", ringing: "Ringing", ivr: "Menu", queue: "In the queue",
      waiting: "Waiting", conversation: "In conversation", hold: "On hold", recording: "Recording",
      completed: "Ended", busy: "Busy", failed: "Failed", "no-answer": "No answer", canceled: "Cancelled",
      "in-progress": "Answered",
    },
  },
};

const KEY = "simulator-language";
let language = localStorage.getItem(KEY) === "en" ? "en" : "it";

export function words() {
  return WORDS[language];
}

/** Fill every element that names its text in `data-text`, and prepare the switch. */
export function speak(onChange) {
  const fill = () => {
    document.documentElement.lang = language;
    document.title = words()[document.body.dataset.title];
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = words()[element.dataset.text];
    }
    document.getElementById("language").lang = language === "it" ? "en" : "it";
    onChange();
  };
  document.getElementById("language").addEventListener("click", () => {
    language = language === "it" ? "en" : "it";
    localStorage.setItem(KEY, language);
    fill();
  });
  fill();
}

/** Where the call is, in words. */
export function placeOf(call) {
  const place = call.live ? call.place || call.status : call.status;
  return { key: place, text: words().place[place] ?? place };
}

export function clock(seconds) {
  const rest = String(Math.floor(seconds % 60)).padStart(2, "0");
  return `${Math.floor(seconds / 60)}:${rest}`;
}

/** The token of a simulator opened to other machines, from the address's fragment (`#token=…`). */
export const token = new URLSearchParams(location.hash.slice(1)).get("token");

export function liveAddress(path) {
  const address = new URL(path, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.hash = "";
  if (token) address.searchParams.set("token", token);
  return address;
}
