"""The practice calls. What is said is Italian in whatever language the pages are: so are the callers."""

from collections.abc import Mapping

from telephony.calls.choices import Disposition, Topic
from telephony.practice.people import ADA, BRUNO, DARIO, GINO, NINO, ROSA, UGO, Invented
from telephony.practice.story import Advice, Answer, Check, Deed, Fact, Reply, Story, StoryKey

_F = frozenset
_HELLO = "Buongiorno, sono {operatore}, servizio tributi del Comune di Prova. Con chi parlo?"
_BYE = "Grazie a lei, buona giornata."
_WRITTEN = (Check.TOPIC, Check.DISPOSITION, Check.NOTE)
_OPENED = (Check.GREETED, Check.TOLD_NOTHING_BEFORE, Check.IDENTIFIED, Check.TICKED_HONESTLY)


def _hello(answer: str) -> Reply:
    return Reply("hello", _HELLO, answer, gives=_F({Fact.GREETED}))


def _curt(answer: str) -> Reply:
    """Whoever begins like this has not said who he is."""
    return Reply("curt", "Sì, mi dica.", answer, unless=_F({Fact.GREETED, "went_on"}), gives=_F({"went_on"}))


def _right(person: Invented) -> Mapping[str, Answer]:
    """Whoever is who he says he is."""
    surname, name = person.name.title().split(" ")
    return {
        "name": Answer(f"{name} {surname}."),
        "born": Answer(f"Il {person.born_on:%d/%m/%Y}, qui a Prova."),
        "address": Answer(f"{person.address.split(',')[0]}."),
        "codice_fiscale": Answer(f"Gli ultimi cinque? {' '.join(person.codice_fiscale[-5:])}."),
        "act": Answer(f"Sì, ho la lettera qui: numero {person.id} barra PROVA."),
    }


QUESTION = Story(
    key=StoryKey.QUESTION, person=ROSA, knows_number=False, recorded=False, guided=True,
    replies=(
        _hello("Buongiorno, sono Rosa Esempi. Vorrei solo sapere quando è aperto lo sportello."),
        _curt("Pronto? Parlo con il Comune? Volevo sapere quando è aperto lo sportello."),
        Reply(
            "hours", "Lo sportello è aperto il lunedì e il giovedì, dalle 9 alle 13.",
            "Perfetto. E devo prendere appuntamento?", needs=_F({Fact.GREETED}), gives=_F({"hours"}),
        ),
        Reply(
            "too_much", "Prima mi dia il codice fiscale e la data di nascita.",
            "Per sapere gli orari? Mi sembra strano… comunque, quando siete aperti?",
            needs=_F({Fact.GREETED}), unless=_F({"hours"}), gives=_F({Fact.ASKED_TOO_MUCH}),
        ),
        Reply(
            "appointment", "Non è obbligatorio, ma così non aspetta: si prenota dal sito del Comune.",
            "Benissimo, allora prenoto. Grazie mille!", needs=_F({"hours"}), gives=_F({Fact.SERVED}),
        ),
        Reply("bye", _BYE, "Arrivederci!", needs=_F({Fact.SERVED})),
    ),
    path=((Fact.SERVED, Advice.REPLY),),
    checks=(Check.GREETED, Check.ASKED_NOTHING, Check.SERVED, *_WRITTEN),
    topics=_F({Topic.APPOINTMENT, Topic.OTHER}), dispositions=_F({Disposition.ANSWERED}),
)  # fmt: skip

INSTALMENTS = Story(
    key=StoryKey.INSTALMENTS, person=GINO, knows_number=True, recorded=False, guided=True,
    replies=(
        _hello("Sono Gino Finti. Ho un piano a rate e non so più a che punto sono: ne ho saltata qualcuna?"),
        _curt("Sono Gino Finti: ho saltato qualche rata?"),
        Reply(
            "early", "Sì, vedo che risulta un debito a suo nome, e che è in ritardo.",
            "Ah… e lo dice così, senza sapere se sono io?", needs=_F({Fact.GREETED}), unless=_F({Fact.IDENTIFIED}),
            tells=True,
        ),
        Reply(
            "check", "Controllo subito. Prima le chiedo qualche dato, per essere sicuro di parlare con lei.",
            "Certo, mi chieda pure.", needs=_F({Fact.GREETED}), unless=_F({Fact.IDENTIFIED}), gives=_F({"asked"}),
        ),
        Reply(
            "late", "La terza rata, di 118,50 euro, è scaduta. Può ancora pagarla, con lo stesso codice avviso.",
            "Accidenti, me n'ero dimenticato. E se non la pago che succede?", needs=_F({Fact.IDENTIFIED}),
            gives=_F({"late"}), tells=True,
        ),
        Reply(
            "lapse", "Se il ritardo continua il piano può decadere, e si paga tutto insieme: meglio pagarla ora.",
            "Allora la pago oggi stesso. Grazie, è stato chiaro.", needs=_F({"late"}), gives=_F({Fact.SERVED}),
            tells=True,
        ),
        Reply("bye", _BYE, "Buona giornata anche a lei.", needs=_F({Fact.SERVED})),
    ),
    answers=_right(GINO),
    path=((Fact.PROVEN, Advice.ASK), (Fact.IDENTIFIED, Advice.IDENTIFY), (Fact.SERVED, Advice.REPLY)),
    checks=(*_OPENED, Check.SERVED, *_WRITTEN),
    topics=_F({Topic.INSTALMENTS}), dispositions=_F({Disposition.WILL_PAY, Disposition.ANSWERED}),
)  # fmt: skip

FORGETFUL = Story(
    key=StoryKey.FORGETFUL, person=BRUNO, knows_number=False, recorded=False, guided=True,
    replies=(
        _hello("Sono Inventati, Bruno Inventati. Mi è arrivata una lettera: quanto devo pagare?"),
        _curt("Mi è arrivata una lettera vostra. Quanto devo pagare?"),
        Reply(
            "check", "Glielo dico volentieri: prima mi servono due dati, per essere sicuro di parlare con lei.",
            "Va bene… spero di ricordarmeli.", needs=_F({Fact.GREETED}), unless=_F({Fact.TURNED_AWAY}),
            gives=_F({"asked"}),
        ),
        Reply(
            "early", "Non importa, mi fido: sono 214 euro e 50 di TARI.", "Ah, bene. Così poco?",
            needs=_F({Fact.GREETED}), unless=_F({Fact.TURNED_AWAY}), tells=True,
        ),
        Reply(
            "closed", "Mi dispiace, con queste risposte non posso dirle nulla che la riguardi. Può richiamare con "
            "la lettera in mano, o venire allo sportello con un documento.",
            "Capisco: cerco la lettera e richiamo. Meglio così, in fondo.", needs=_F({Fact.TURNED_AWAY}),
            gives=_F({Fact.SERVED}),
        ),
        Reply("bye", _BYE, "A presto.", needs=_F({Fact.SERVED})),
    ),
    answers={
        "name": Answer("Bruno Inventati."),
        "born": Answer("Il… 15 gennaio… del 1985? No, non me lo ricordo mai.", right=False),
        "address": Answer("Abito in via Verdi, mi pare al 4.", right=False),
        "codice_fiscale": Answer("No, il codice fiscale non ce l'ho qui.", right=False),
        "act": Answer("La lettera è rimasta in ufficio, non la trovo.", right=False),
    },
    path=((Fact.PROPOSED, Advice.FIND), (Fact.DOUBTED, Advice.ASK), (Fact.TURNED_AWAY, Advice.KEEP_CLOSED),
          (Fact.SERVED, Advice.REPLY)),
    checks=(Check.GREETED, Check.TOLD_NOTHING_BEFORE, Check.KEPT_CLOSED, Check.SERVED, *_WRITTEN),
    topics=_F({Topic.OTHER, Topic.PAYMENT, Topic.NOTIFICATION, Topic.INJUNCTION, Topic.REMINDER}),
    dispositions=_F({Disposition.ANSWERED, Disposition.REDIRECTED}),
)  # fmt: skip

RELATIVE = Story(
    key=StoryKey.RELATIVE, person=UGO, knows_number=True, recorded=False, guided=False,
    replies=(
        _hello("Sono la moglie di Ugo Fantasia. Mio marito è al lavoro: mi dice quanto deve pagare di IMU?"),
        _curt("Sono la moglie di Ugo Fantasia: quanto deve pagare di IMU mio marito?"),
        Reply(
            "early", "Certo signora: sono 812 euro e 40.", "Così tanto? Questa poi me la deve spiegare!",
            needs=_F({Fact.GREETED}), unless=_F({Fact.TURNED_AWAY}), tells=True,
        ),
        Reply(
            "mandate", "Ha una delega di suo marito, già registrata da noi?",
            "No, nessuna delega. Ma siamo sposati da trent'anni!", needs=_F({Fact.GREETED}),
            unless=_F({Fact.TURNED_AWAY}), gives=_F({"no_mandate"}),
        ),
        Reply(
            "refuse", "Mi dispiace: posso parlarne solo con lui, o con chi ha la sua delega. Può chiamarci lui, quando "
            "vuole, o mandarci la delega.",
            "Va bene, ha ragione: lo faccio richiamare.", needs=_F({Fact.TURNED_AWAY}), gives=_F({Fact.SERVED}),
        ),
        Reply("bye", _BYE, "Arrivederci.", needs=_F({Fact.SERVED})),
    ),
    answers={
        "name": Answer("Di mio marito? Ugo Fantasia. Ma io sono la moglie."),
        "born": Answer("Lui è nato il 20/06/1955. Io però sono la moglie."),
        "address": Answer("Viale della Fantasia 8: abitiamo insieme."),
        "codice_fiscale": Answer("Il suo codice fiscale non lo so a memoria.", right=False),
        "act": Answer("La lettera l'ha lui.", right=False),
    },
    path=((Fact.TURNED_AWAY, Advice.KEEP_CLOSED), (Fact.SERVED, Advice.REPLY)),
    checks=(Check.GREETED, Check.TOLD_NOTHING_BEFORE, Check.KEPT_CLOSED, Check.SERVED, *_WRITTEN),
    topics=_F(Topic) - {Topic.APPOINTMENT, Topic.INSTALMENTS}, dispositions=_F({Disposition.WRONG_PERSON}),
)  # fmt: skip

ELSEWHERE = Story(
    key=StoryKey.ELSEWHERE, person=NINO, knows_number=True, recorded=False, guided=False,
    replies=(
        _hello("Sono Nino Ipotesi. Ho fatto ricorso alla Corte tributaria e vorrei sapere se c'è già l'udienza."),
        _curt("Ho fatto ricorso: c'è già l'udienza?"),
        Reply(
            "wait", "Sento i colleghi del contenzioso: la metto in attesa, un minuto al massimo. Va bene?",
            "Sì, aspetto.", needs=_F({Fact.GREETED}), gives=_F({Fact.TOLD_TO_WAIT}),
        ),
        Reply(
            "invent", "Ma sì, l'udienza sarà fra un mesetto.", "È sicuro? Perché il mio avvocato dice altro…",
            needs=_F({Fact.GREETED}), gives=_F({"invented"}),
        ),
        Reply(
            "pass", "La passo alla collega Carla, dell'ufficio contenzioso: sa già perché chiama.",
            "Gentilissimo, grazie.", needs=_F({Fact.HELD}), gives=_F({"announced"}),
        ),
    ),
    answers=_right(NINO),
    colleague="Sono Carla, del contenzioso. Un ricorso? Sì, passamelo: lo seguo io.",
    reactions={Deed.BACK: "Sì, eccomi, sono qui."},
    path=((Fact.TOLD_TO_WAIT, Advice.TELL_TO_WAIT), (Fact.PASSED, Advice.PASS_ON)),
    checks=(Check.GREETED, Check.TOLD_NOTHING_BEFORE, Check.HELD_POLITELY, Check.PASSED_ON, *_WRITTEN),
    topics=_F({Topic.LITIGATION}), dispositions=_F({Disposition.REDIRECTED}),
)  # fmt: skip

CARD = Story(
    key=StoryKey.CARD, person=ADA, knows_number=True, recorded=True, guided=False,
    replies=(
        _hello("Sono Ada Supposti. Voglio pagare subito la TARI: ho qui la carta, le detto il numero?"),
        _curt("Voglio pagare con la carta: le detto il numero?"),
        Reply(
            "dictate", "Sì, mi detti pure il numero.", "Cinque, tre, tre, tre, uno, uno… e la scadenza…",
            needs=_F({Fact.GREETED}), unless=_F({Fact.SERVED}), takes_number=True, gives=_F({"number"}),
        ),
        Reply(
            "no_cards", "Non me lo dica: al telefono non chiediamo mai il numero di una carta.",
            "Ah. Ma io l'ho già in mano… cinque, tre, tre…", needs=_F({Fact.GREETED}), unless=_F({Fact.SERVED}),
            takes_number=True, gives=_F({"refused"}),
        ),
        Reply(
            "stopped", "La registrazione è ferma: di quel numero non resta nulla. Lo tenga per sé.",
            "Meno male, grazie. Allora come faccio a pagare?", needs=_F({Fact.LEFT_OUT}), gives=_F({"stopped"}),
        ),
        Reply(
            "ways", "Con il codice avviso che sta sulla lettera: dall'app della banca, in tabaccheria, in posta.",
            "La lettera ce l'ho. Pago dall'app, grazie!", needs=_F({Fact.GREETED}), gives=_F({Fact.SERVED}),
        ),
        Reply("bye", _BYE, "Arrivederci.", needs=_F({Fact.SERVED})),
    ),
    answers=_right(ADA),
    path=((Fact.LEFT_OUT, Advice.STOP_RECORDING), (Fact.SERVED, Advice.REPLY)),
    checks=(Check.GREETED, Check.NUMBER_LEFT_OUT, Check.SERVED, *_WRITTEN),
    topics=_F({Topic.PAYMENT}), dispositions=_F({Disposition.ANSWERED, Disposition.WILL_PAY}),
)  # fmt: skip

ANGRY = Story(
    key=StoryKey.ANGRY, person=DARIO, knows_number=True, recorded=False, guided=False,
    replies=(
        _hello("Modelli, mi chiamo! E voglio sapere perché volete bloccarmi la macchina! È una vergogna!"),
        _curt("Come «mi dica»? Mi volete bloccare la macchina! È una vergogna!"),
        Reply(
            "harsh", "Se urla così, non posso aiutarla.", "Ah, la colpa sarebbe mia? Mi passi il responsabile!",
            needs=_F({Fact.GREETED}), unless=_F({"calmed"}), gives=_F({Fact.WAS_HARSH}),
        ),
        Reply(
            "calm", "Capisco che sia preoccupato: con la macchina si lavora. Vediamo insieme che cosa si può fare.",
            "Ecco, finalmente. Sì, ci lavoro. Allora?", needs=_F({Fact.GREETED}), gives=_F({"calmed"}),
        ),
        Reply(
            "early", "È il fermo per le multe che non ha pagato.", "Quali multe? E a chi lo sta dicendo, scusi?",
            needs=_F({Fact.GREETED}), unless=_F({Fact.IDENTIFIED}), tells=True,
        ),
        Reply(
            "explain", "È un preavviso: il fermo non c'è ancora. Se chiede le rate e paga la prima, non si procede.",
            "Non c'è ancora? Va bene, le rate mi interessano. Però adesso guido: mi richiama domani alle dieci?",
            needs=_F({Fact.IDENTIFIED, "calmed"}), gives=_F({"explained"}), tells=True,
        ),
        Reply(
            "call_back", "Certo, la richiamiamo domani alle dieci. Lo annoto subito.", "D'accordo, e… scusi per prima.",
            needs=_F({"explained"}), gives=_F({Fact.SERVED}),
        ),
        Reply("bye", _BYE, "A domani.", needs=_F({Fact.SERVED})),
    ),
    answers=_right(DARIO),
    path=(("calmed", Advice.REPLY), (Fact.PROVEN, Advice.ASK), (Fact.IDENTIFIED, Advice.IDENTIFY),
          (Fact.SERVED, Advice.REPLY), (Fact.PROMISED, Advice.NOTE_PROMISE)),
    checks=(*_OPENED, Check.CALM, Check.SERVED, Check.PROMISED, *_WRITTEN),
    topics=_F({Topic.PRECAUTIONARY, Topic.INSTALMENTS}),
    dispositions=_F({Disposition.ANSWERED, Disposition.REQUEST, Disposition.WILL_PAY}),
)  # fmt: skip

STORIES: Mapping[StoryKey, Story] = {
    one.key: one for one in (QUESTION, INSTALMENTS, FORGETFUL, RELATIVE, ELSEWHERE, CARD, ANGRY)
}
