"""The conversation before an operator: the standard flow as callers hear it, and any flow that passes the checks."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.enti.calendar import ClosedBecause, Opening
from telephony.appointments.offers import EnteOffered, OfficeOffered, ServiceOffered
from telephony.appointments.state import (
    Answer as Arranged,
)
from telephony.appointments.state import (
    Booked,
    Cancelled,
    Found,
    Held,
    Line,
    Refused,
    Request,
    Times,
    Want,
)
from telephony.calls.models import Consent
from telephony.ivr import prompts, walk
from telephony.ivr.asking import KEY_S, say
from telephony.ivr.checks import Flaw, problems
from telephony.ivr.definition import Asking, Flow, NodeKind, ToCallback, ToQueue, ToVoicemail
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence, sentence
from telephony.ivr.standard import Matter, standard
from telephony.ivr.turns import (
    ASKED,
    RECORDING,
    Arrange,
    Await,
    Bearer,
    CalledBack,
    Consult,
    Enter,
    Facts,
    HangUp,
    LookUp,
    Place,
    PutThrough,
    Reached,
    Said,
    Turn,
    Urgent,
    Verify,
)
from telephony.recording.models import Purpose
from telephony.selfservice.dialogue import Answer, Offers

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NOTICE, WRONG_CHECK = "301000000000012373", "301000000000012374"
NOTICES, PAYMENTS, OPERATOR = 1, 2, 9
IT = Language.ITALIAN
FLOW = standard(
    [
        Matter("1", {IT: "informazioni su un avviso"}, NOTICES, asks_notice=True),
        Matter("2", {IT: "pagamenti e rate"}, PAYMENTS, asks_notice=False),
    ],
    OPERATOR,
)
FACTS = Facts(ente="Comune di Empoli", opening=Opening(is_open=True), now=NOW)
TRIBUTI, SPORTELLO = OfficeOffered(1, "Ufficio Tributi", "Piazza 1"), OfficeOffered(2, "Sportello", "Via 2")
TARI = ServiceOffered(1, {"it": "TARI", "en": "Waste tax"}, {"it": "Documento\nAvviso"}, (TRIBUTI, SPORTELLO))
RATE = ServiceOffered(2, {"it": "Rate"}, {}, (TRIBUTI,))
BOOKABLE = (EnteOffered(1, "Comune di Empoli", (TARI, RATE)), EnteOffered(2, "Comune di Vinci", (RATE,)))
FABIO = Bearer("Fabio Lotti", 1, date(2027, 6, 30))
AT_MENU = walk.begin(FLOW, FACTS).place


def press(place: Place, *keys: str, flow: Flow = FLOW, facts: Facts = FACTS, notice_exists: bool = False) -> Turn:
    """The last turn of a caller who keys all this."""
    turn = Turn(place, (), Await(1, 6))
    for one in keys:
        turn = walk.on_input(flow, turn.place, facts, keys=one)
        if isinstance(turn.then, LookUp):
            turn = walk.on_notice(flow, turn.place, facts, found=notice_exists)
        elif isinstance(turn.then, Consult):
            answer = Answer(granted=notice_exists, says=("Da pagare: un euro.",))
            turn = walk.on_answer(flow, turn.place, facts, turn.then.request, answer)
        elif isinstance(turn.then, Verify):
            turn = walk.on_verified(flow, turn.place, facts, FABIO if notice_exists else None)
        elif isinstance(turn.then, Arrange):
            came = seen_to(turn.then.request, well=notice_exists)
            turn = walk.on_arranged(flow, turn.place, facts, turn.then.request, came)
    return turn


def seen_to(request: Request, *, well: bool) -> Arranged:
    """What becomes of an appointment where all goes well, or nothing."""
    if not well:
        return Times((), gone=True) if request.want in {Want.TIMES, Want.HOLD} else Refused(Line.UNKNOWN)
    match request.want:
        case Want.TIMES:
            return Times((NOW, NOW + timedelta(days=1)))
        case Want.HOLD:
            return Held("1", NOW)
        case Want.BOOK:
            return Booked("CDFG3467", NOW)
        case Want.FIND:
            return Found("1", 1, NOW, "TARI", "Ufficio Tributi")
        case Want.CANCEL:
            return Cancelled()


AT_NOTICE = press(AT_MENU, "1").place
ASKS_NOTICE = [sentence(Sentence.ASK_NOTICE), sentence(Sentence.NO_NOTICE)]


def said(turn: Turn) -> list[str]:
    return [one.text for one in turn.says]


def test_the_standard_flow_has_nothing_wrong() -> None:
    assert problems(FLOW, queues={NOTICES, PAYMENTS, OPERATOR}) == ()
    assert problems(standard([], OPERATOR), queues={OPERATOR}) == ()


def test_a_caller_hears_who_answers_and_where_the_keys_lead() -> None:
    turn = walk.begin(FLOW, FACTS)
    assert turn.then == Await(1, 6)
    hello, menu = said(turn)
    assert hello == "Buongiorno, servizio riscossione tributi, Comune di Empoli."
    assert menu.startswith("Per informazioni su un avviso, prema 1. Per pagamenti e rate, prema 2.")
    assert menu.endswith("Per parlare con un operatore, prema zero.")


def test_a_matter_that_needs_no_notice_leads_straight_to_its_queue() -> None:
    turn = press(AT_MENU, "2")
    assert (turn.then, said(turn)) == (Enter(PAYMENTS), [sentence(Sentence.OPERATOR)])


def test_an_unknown_caller_is_asked_his_notice_number_and_has_all_the_time() -> None:
    turn = press(AT_MENU, "1")
    assert (turn.then, said(turn)) == (Await(None, 10), ASKS_NOTICE)


def test_a_known_caller_is_not_asked_what_we_know() -> None:
    assert press(AT_MENU, "1", facts=replace(FACTS, caller_known=True)).then == Enter(NOTICES)


@pytest.mark.parametrize(("place", "queue"), [(AT_MENU, OPERATOR), (AT_NOTICE, NOTICES)], ids=["menu", "notice"])
def test_zero_asks_for_an_operator_and_keeps_the_matter_already_chosen(place: Place, queue: int) -> None:
    turn = press(place, "0")
    assert (turn.then, said(turn)) == (Enter(queue), [sentence(Sentence.OPERATOR)])


def test_a_notice_number_is_looked_up_before_anything_is_said() -> None:
    turn = walk.on_input(FLOW, AT_NOTICE, FACTS, keys=NOTICE)
    assert (turn.then, turn.says) == (LookUp(NOTICE), ())


def test_a_notice_that_we_know_leads_to_its_queue() -> None:
    assert press(AT_NOTICE, NOTICE, notice_exists=True).then == Enter(NOTICES)


def test_a_notice_that_we_do_not_know_may_be_keyed_again() -> None:
    turn = press(AT_NOTICE, NOTICE)
    assert (turn.then, said(turn)) == (
        Await(None, 10), [sentence(Sentence.NOTICE_UNKNOWN), *ASKS_NOTICE],
    )  # fmt: skip


@pytest.mark.parametrize("keyed", [WRONG_CHECK, "123", "9" * 18, "*" * 18])
def test_a_mistyped_notice_is_told_before_it_is_looked_up(keyed: str) -> None:
    turn = walk.on_input(FLOW, AT_NOTICE, FACTS, keys=keyed)
    assert said(turn) == [sentence(Sentence.NOTICE_WRONG), *ASKS_NOTICE]


@pytest.mark.parametrize(
    ("place", "keys", "queue"),
    [(AT_MENU, ("7", "8", "9"), OPERATOR), (AT_MENU, ("", "", ""), OPERATOR),
     (AT_NOTICE, (WRONG_CHECK, "", NOTICE), NOTICES)],
    ids=["wrong keys", "no keys", "notices"],
)  # fmt: skip
def test_the_third_failure_leads_to_an_operator_and_never_to_a_dead_end(
    place: Place, keys: tuple[str, ...], queue: int
) -> None:
    assert isinstance(press(place, *keys[:-1]).then, Await)
    turn = press(place, *keys)
    assert turn.then == Enter(queue)
    assert said(turn) == [sentence(Sentence.NEVER_MIND), sentence(Sentence.OPERATOR)]


def test_wrong_keys_at_the_menu_do_not_count_against_the_notice() -> None:
    assert isinstance(press(AT_MENU, "7", "8", "1", WRONG_CHECK, WRONG_CHECK).then, Await)


def test_at_the_menu_silence_and_a_wrong_key_are_told_apart() -> None:
    assert said(press(AT_MENU, ""))[0] == sentence(Sentence.NOTHING_HEARD)
    assert said(press(AT_MENU, "7"))[0] == sentence(Sentence.NOT_A_CHOICE)


SHUT = Opening(is_open=False, because=ClosedBecause.HOLIDAY, opens_at=datetime(2026, 11, 23, 7, 30, tzinfo=UTC))


def test_when_closed_the_caller_hears_why_and_is_let_go() -> None:
    turn = walk.begin(FLOW, replace(FACTS, opening=SHUT))
    assert turn.then == HangUp()
    assert said(turn)[1:] == [prompts.closed(SHUT, NOW)]
    assert walk.repeat(FLOW, turn.place, replace(FACTS, opening=SHUT)).then == HangUp()


def by_night(closed: str = "machine", otherwise: str = "bye") -> Flow:
    return Flow.model_validate({
        "start": "hours", "operator": "queue",
        "nodes": {
            "hours": {"kind": "hours", "opened": "office", "closed": closed},
            "machine": {"kind": "voicemail", "queue": PAYMENTS, "otherwise": otherwise},
            "menu": {"kind": "menu", "otherwise": otherwise, "choices": [
                {"digit": "1", "label": {"it": "pagare"}, "next": "machine"},
            ]},
            "office": {"kind": "transfer", "number": OFFICE, "otherwise": "queue", "next": "menu"},
            "bye": {"kind": "goodbye", "text": {"it": "Arrivederci."}},
            "queue": {"kind": "queue", "queue": OPERATOR},
        },
    })  # fmt: skip


@pytest.mark.parametrize("otherwise", ["bye", "queue"])
@pytest.mark.parametrize("closed", ["machine", "menu"])
def test_at_night_zero_leads_to_no_queue_and_nobody_is_told_that_it_does(closed: str, otherwise: str) -> None:
    flow, shut = by_night(closed, otherwise), replace(FACTS, opening=SHUT, caller="+393480000001")
    turn = walk.begin(flow, shut)
    assert not any("operatore" in one for one in said(turn))
    assert (closed == "menu") or said(turn)[-1].endswith("Per rinunciare, prema zero.")
    over = press(turn.place, "0", flow=flow, facts=shut)
    heard = ["Arrivederci."] if otherwise == "bye" else [prompts.closed(SHUT, NOW)]
    nobody = [sentence(Sentence.NOBODY_ANSWERS)] if closed == "menu" else []
    assert (said(over), over.then) == ([*nobody, *heard], HangUp())
    by_day = press(
        turn.place, *("1" if closed == "menu" else ""), flow=flow, facts=replace(shut, opening=FACTS.opening)
    )
    assert closed == "machine" or said(by_day)[-1].endswith("Per parlare con un operatore, prema zero.")
    assert press(turn.place, "0", flow=flow).then == Enter(OPERATOR)


def test_who_comes_back_from_an_office_after_closing_waits_in_no_queue() -> None:
    flow, reaches = by_night(), replace(FACTS, reaches=frozenset({OFFICE}))
    at_office = walk.begin(flow, reaches)
    assert isinstance(at_office.then, PutThrough)
    assert walk.on_put_through(flow, at_office.place, reaches, Reached.NOBODY).then == Enter(OPERATOR)
    late = walk.on_put_through(flow, at_office.place, replace(reaches, opening=SHUT), Reached.NOBODY)
    assert (late.place.node, said(late)[0]) == ("machine", sentence(Sentence.NOBODY_THERE))


@pytest.mark.parametrize("said", ["Il servizio costa {ente", "Comune di ente}.", "{{ente}", "{ente}}"])
def test_a_brace_that_would_be_spoken_is_a_flaw(said: str) -> None:
    nodes = {"hello": {"kind": "goodbye", "text": {"it": said}}, "queue": {"kind": "queue", "queue": OPERATOR}}
    flow = Flow.model_validate({"start": "hello", "operator": "queue", "nodes": nodes})
    (found,) = problems(flow, queues=QUEUES)
    assert (found.node, found.field, found.flaw, found.about) == ("hello", "text", Flaw.LOOSE_BRACE, "it")
    assert found.hinders


def test_a_queue_for_who_finds_the_line_closed_is_told_and_does_not_hinder() -> None:
    told = [one for one in problems(by_night("queue"), queues=QUEUES, numbers={OFFICE}) if one.node == "hours"]
    assert [(one.flaw, one.hinders) for one in told] == [(Flaw.QUEUE_AT_NIGHT, False)]
    assert not [one for one in problems(by_night(), queues=QUEUES, numbers={OFFICE}) if one.node == "hours"]


BADGE = Flow.model_validate({
    "start": "badge", "operator": "bye", "languages": ["it", "en", "de"],
    "nodes": {
        "badge": {"kind": "badge", "next": "good", "otherwise": "bye"},
        "good": {"kind": "goodbye", "text": {"it": "Arrivederci."}},
        "bye": {"kind": "goodbye", "text": {"it": "Chiami l'ufficio."}},
    },
})  # fmt: skip


def test_a_caller_hears_whose_the_badge_is_or_that_he_should_not_open() -> None:
    begun = walk.begin(BADGE, FACTS)
    assert "otto cifre" in begun.says[0].text
    valid = press(begun.place, "12345678", flow=BADGE, notice_exists=True)
    assert "Il tesserino è valido: numero 1, Fabio Lotti, fino al 30 giugno 2027" in valid.says[0].text
    assert valid.place.node == "good"
    wrong = press(begun.place, "12345678", flow=BADGE)
    assert ("non è valido. Non apra" in wrong.says[0].text, wrong.place.node) == (True, "badge")
    assert press(begun.place, "123", flow=BADGE, notice_exists=True).place.node == "badge"
    assert press(begun.place, *["00000000"] * 3, flow=BADGE).place.node == "bye"
    for language, words in ((Language.ENGLISH, "valid: number 1"), (Language.GERMAN, "gültig: Nummer 1")):
        there = replace(begun.place, language=language)
        assert words in press(there, "12345678", flow=BADGE, notice_exists=True).says[0].text


EVERYWHERE: dict[str, dict[str, Any]] = {
    "hours": {"opened": "here", "closed": "bye"},
    "emergency": {"next": "here"},
    "message": {"text": {"it": "Un annuncio."}, "next": "here"},
    "menu": {"otherwise": "bye", "choices": [{"digit": "1", "label": {"it": "pagare"}, "next": "bye"}]},
    "language": {"otherwise": "bye", "next": "bye", "choices": [{"digit": "1", "language": "it"}]},
    "identify": {"otherwise": "bye", "next": "bye"},
    "collect": {"otherwise": "bye", "next": "bye", "name": "code", "text": {"it": "Digiti il codice."}},
    "self_service": {"otherwise": "bye", "next": "bye"},
    "appointment": {"otherwise": "bye", "next": "bye"},
    "survey": {"otherwise": "bye", "next": "bye"},
    "badge": {"otherwise": "bye", "next": "bye"},
    "callback": {"otherwise": "bye", "queue": PAYMENTS},
    "voicemail": {"otherwise": "bye", "queue": PAYMENTS},
    "queue": {"queue": PAYMENTS},
    "transfer": {"number": "+390571757999", "otherwise": "bye"},
    "questions": {"questionnaire": 7, "next": "bye", "otherwise": "bye"},
    "goodbye": {"text": {"it": "Siamo qui per lei."}},
}  # every kind, and what it needs to be one


@pytest.mark.parametrize("kind", list(NodeKind))
@pytest.mark.parametrize("shut", [False, True], ids=["open", "closed"])
def test_zero_reaches_an_operator_from_every_kind_of_node_and_by_night_a_clear_sentence(
    kind: NodeKind, shut: bool
) -> None:
    """Issue: zero reaches an operator from every node. By night nobody waits for one who does not come."""
    flow = Flow.model_validate({
        "start": "node", "operator": "operator",
        "nodes": {
            "node": {"kind": kind.value, **EVERYWHERE[kind.value]},
            "here": {"kind": "message", "text": {"it": "Ecco."}, "next": "bye"},
            "gate": {"kind": "hours", "opened": "operator", "closed": "bye"},
            "bye": {"kind": "goodbye", "text": {"it": "{closed}"}},
            "operator": {"kind": "queue", "queue": OPERATOR},
        },
    })  # fmt: skip
    by_day = replace(
        FACTS, caller="+393480000001", offers=Offers(pins=True, codes=True), reaches=frozenset({"+390571757999"}),
        bookable=BOOKABLE,
    )  # fmt: skip
    turn = walk.begin(flow, by_day)
    if kind is NodeKind.QUEUE:  # he waits for an operator already
        assert turn.then == Enter(PAYMENTS)
        return
    if not shut:
        assert press(turn.place, "0", flow=flow, facts=by_day).then == Enter(OPERATOR)
        return
    over = press(turn.place, "0", flow=flow, facts=replace(by_day, opening=SHUT))
    assert over.then == HangUp()
    assert prompts.closed(SHUT, NOW) in said(over)
    declined = kind in {NodeKind.CALLBACK, NodeKind.VOICEMAIL}  # zero is how one says no there
    assert (sentence(Sentence.NOBODY_ANSWERS) in said(over)) is not declined


def test_zero_while_he_is_told_how_to_leave_a_message_reaches_an_operator() -> None:
    by_day = replace(FACTS, caller="+393480000001")
    greeting = press(walk.begin(by_night(), replace(by_day, opening=SHUT)).place, "1", flow=by_night(), facts=by_day)
    assert (said(greeting), greeting.then) == ([sentence(Sentence.VOICEMAIL_SPEAK)], Await(1, 1))
    assert press(greeting.place, "0", flow=by_night(), facts=by_day).then == Enter(OPERATOR)
    assert press(greeting.place, "", flow=by_night(), facts=by_day).then == CalledBack(PAYMENTS, "+393480000001", True)


def test_zero_during_a_message_that_ends_calls_lets_nobody_through_and_says_so() -> None:
    storm = replace(FACTS, urgent=(Urgent(STORM, ends=True),))
    turn = press(walk.begin(FLOW, storm).place, "0", facts=storm)
    assert (said(turn), turn.then) == (
        [sentence(Sentence.NOBODY_ANSWERS), sentence(Sentence.CALL_LATER)], HangUp(),
    )  # fmt: skip


STORM = {IT: "Per il maltempo i nostri uffici sono chiusi."}


@pytest.mark.parametrize(("ends", "then"), [(True, HangUp()), (False, Await(1, 6))])
def test_an_emergency_is_said_before_anything_else_and_may_end_the_call(ends: bool, then: Any) -> None:
    turn = walk.begin(FLOW, replace(FACTS, urgent=(Urgent(STORM, ends),)))
    assert (said(turn)[1], turn.then) == (STORM[IT], then)


def test_a_message_that_was_written_in_italian_alone_is_spoken_by_an_italian() -> None:
    place = replace(walk.begin(TRILINGUAL, FACTS).place, language=Language.ENGLISH)
    assert say({IT: "Guasto alla rete."}, place, FACTS) == Said("Guasto alla rete.", IT)
    assert say({IT: "Guasto.", Language.ENGLISH: "A fault."}, place, FACTS) == Said("A fault.", Language.ENGLISH)


@pytest.mark.parametrize("keys", ["2", ""])
def test_keys_pressed_where_none_are_awaited_lead_nowhere(keys: str) -> None:
    queued = press(AT_MENU, "2").place
    turn = walk.on_input(FLOW, queued, FACTS, keys=keys)
    assert (turn.place, turn.then) == (replace(queued, step=queued.step + 1), Enter(PAYMENTS))


def test_a_repeated_menu_does_not_greet_again() -> None:
    assert walk.repeat(FLOW, AT_MENU, FACTS).says == walk.begin(FLOW, FACTS).says[1:]


def test_whoever_stands_where_nothing_is_any_more_gets_an_operator() -> None:
    gone = replace(AT_MENU, node="avviso-7")
    assert walk.repeat(FLOW, gone, FACTS).then == Enter(OPERATOR)
    assert walk.on_input(FLOW, gone, FACTS, keys="1").then == Enter(OPERATOR)


TRILINGUAL = Flow.model_validate({
    "start": "language", "operator": "queue", "languages": ["it", "en", "de"],
    "nodes": {
        "language": {
            "kind": "language", "next": "menu", "otherwise": "menu",
            "choices": [
                {"digit": "1", "language": "it"}, {"digit": "2", "language": "en"}, {"digit": "3", "language": "de"},
            ],
        },
        "menu": {
            "kind": "menu", "otherwise": "queue",
            "choices": [
                {"digit": "1", "label": {"it": "pagare", "en": "payments", "de": "Zahlungen"}, "next": "code",
                 "words": {"it": ["pagare", "pagamento"], "en": ["pay", "payment"]}},
                {"digit": "2", "label": {"it": "altro", "en": "anything else", "de": "anderes"}, "next": "queue"},
            ],
        },
        "code": {
            "kind": "collect", "name": "code", "least": 4, "most": 6, "next": "full", "otherwise": "queue",
            "text": {"it": "Digiti il codice.", "en": "Key in the code.", "de": "Geben Sie den Code ein."},
        },
        "full": {"kind": "queue", "queue": PAYMENTS, "full": "sorry"},
        "sorry": {"kind": "goodbye", "text": {"it": "Richiami.", "en": "Call again.", "de": "Rufen Sie wieder an."}},
        "queue": {"kind": "queue", "queue": OPERATOR},
    },
})  # fmt: skip
QUEUES = {NOTICES, PAYMENTS, OPERATOR}


def test_a_caller_chooses_his_language_and_keeps_it() -> None:
    assert problems(TRILINGUAL, queues=QUEUES) == ()
    begun = walk.begin(TRILINGUAL, FACTS)
    assert [one.language for one in begun.says] == ["it", "en", "de"]
    menu = press(begun.place, "3", flow=TRILINGUAL)
    assert said(menu) == [
        "Für Zahlungen drücken Sie 1. Für anderes drücken Sie 2. Um mit jemandem zu sprechen, drücken Sie die Null."
    ]
    assert said(press(menu.place, "0", flow=TRILINGUAL)) == [sentence(Sentence.OPERATOR, Language.GERMAN)]


@pytest.mark.parametrize("speech", ["Vorrei PAGARE una multa", "un pagamento, grazie"])
def test_a_choice_may_be_spoken(speech: str) -> None:
    menu = press(walk.begin(TRILINGUAL, FACTS).place, "1", flow=TRILINGUAL)
    assert menu.then == Await(1, 6, ("pagare", "pagamento"))
    turn = walk.on_input(TRILINGUAL, menu.place, FACTS, speech=speech)
    assert turn.place.node == "code"


@pytest.mark.parametrize("speech", ["appagare", "boh", "..."])
def test_what_is_not_a_choice_is_not_guessed(speech: str) -> None:
    menu = press(walk.begin(TRILINGUAL, FACTS).place, "1", flow=TRILINGUAL)
    assert said(walk.on_input(TRILINGUAL, menu.place, FACTS, speech=speech))[0] == sentence(Sentence.NOT_A_CHOICE)


def test_digits_are_kept_with_the_call_and_a_full_queue_is_told() -> None:
    at_code = press(walk.begin(TRILINGUAL, FACTS).place, "1", "1", flow=TRILINGUAL).place
    assert said(press(at_code, "123", flow=TRILINGUAL))[0] == sentence(Sentence.TOO_FEW)
    turn = press(at_code, "123", "12345", flow=TRILINGUAL)
    assert (turn.place.kept, turn.then) == ({"code": "12345"}, Enter(PAYMENTS))
    full = replace(FACTS, full=frozenset({PAYMENTS}))
    turn = press(at_code, "12345", flow=TRILINGUAL, facts=full)
    assert (said(turn), turn.then) == (["Richiami."], HangUp())


# -- may we record ----------------------------------------------------------------------------------------------

RECORDED = replace(FACTS, records=Purpose.EVIDENCE)


@pytest.mark.parametrize("keys", [("2",), ("0",)])
def test_whoever_asks_for_an_operator_is_asked_first_whether_he_may_be_recorded(keys: tuple[str, ...]) -> None:
    asked = press(AT_MENU, *keys, facts=RECORDED)
    assert (said(asked), asked.then) == ([prompts.may_we_record(Purpose.EVIDENCE)], Await(1, KEY_S))
    for key, answer, words in (
        ("1", Consent.AGREED, Sentence.RECORDED), ("2", Consent.REFUSED, Sentence.NOT_RECORDED),
        ("0", Consent.SILENT, Sentence.NOT_RECORDED),
    ):  # fmt: skip
        turn = press(asked.place, key, facts=RECORDED)
        assert (turn.place.consent, said(turn)) == (answer, [sentence(words), sentence(Sentence.OPERATOR)])
        assert isinstance(turn.then, Enter)


def test_silence_is_no_agreement_and_keeps_nobody_from_the_operator() -> None:
    asked = press(AT_MENU, "2", facts=RECORDED)
    again = press(asked.place, "", facts=RECORDED)
    assert said(again)[0] == sentence(Sentence.NOTHING_HEARD)
    turn = press(again.place, "9", facts=RECORDED)
    assert (turn.place.consent, turn.then) == (Consent.SILENT, Enter(PAYMENTS))


def test_he_is_asked_in_his_language() -> None:
    english = press(walk.begin(TRILINGUAL, RECORDED).place, "2", "0", flow=TRILINGUAL, facts=RECORDED)
    assert said(english) == [prompts.may_we_record(Purpose.EVIDENCE, Language.ENGLISH)]
    assert english.says[0].language is Language.ENGLISH


def test_nobody_is_asked_on_the_way_to_a_queue_that_is_not_recorded_nor_once_it_was_switched_off() -> None:
    flow = FLOW.model_copy(update={"nodes": {**FLOW.nodes, "operatore": ToQueue(queue=OPERATOR, unrecorded=True)}})
    assert press(AT_MENU, "0", flow=flow, facts=RECORDED).then == Enter(OPERATOR)
    asked = press(AT_MENU, "2", facts=RECORDED)
    turn = press(asked.place, "1")  # switched off meanwhile
    assert (turn.place.consent, turn.then) == (None, Enter(PAYMENTS))


def test_whoever_is_put_through_speaks_there_or_goes_on_as_the_flow_says() -> None:
    flow = Flow.model_validate({
        "start": "office", "operator": "queue",
        "nodes": {
            "office": {"kind": "transfer", "number": OFFICE, "busy": "engaged", "otherwise": "queue"},
            "engaged": {"kind": "goodbye", "text": {"it": "Richiami."}}, "queue": {"kind": "queue", "queue": OPERATOR},
        },
    })  # fmt: skip
    assert problems(flow, queues={OPERATOR}, numbers={OFFICE}) == ()
    assert [one.flaw for one in problems(flow, queues={OPERATOR})] == [Flaw.NO_NUMBER]
    reachable = replace(FACTS, reaches=frozenset({OFFICE}))
    turn = walk.begin(flow, reachable)
    assert (said(turn), turn.then) == ([sentence(Sentence.PUT_THROUGH)], PutThrough(OFFICE, 25, 30))
    assert walk.repeat(flow, turn.place, reachable).then == turn.then
    ends = {one: walk.on_put_through(flow, turn.place, reachable, one).then for one in Reached}
    assert ends == {Reached.ANSWERED: HangUp(), Reached.BUSY: HangUp(), Reached.NOBODY: Enter(OPERATOR)}
    assert walk.begin(flow, FACTS).then == Enter(OPERATOR), "the office has no such number any more"


# -- any flow ---------------------------------------------------------------------------------------------------

IDS = [f"n{number}" for number in range(8)]
ids = st.sampled_from(IDS)
text = st.fixed_dictionaries({"it": st.just("Testo per {ente}.")})
asking = {"attempts": st.integers(1, 3), "otherwise": ids, "zero": st.none() | ids}
choice = st.fixed_dictionaries({"digit": st.sampled_from("123456789"), "label": text, "next": ids})
OFFICE = "+390571757999"
nodes = st.one_of(
    st.fixed_dictionaries({"kind": st.just("hours"), "opened": ids, "closed": ids}),
    st.fixed_dictionaries({"kind": st.just("emergency"), "next": ids}),
    st.fixed_dictionaries({"kind": st.just("message"), "text": text, "next": ids}),
    st.fixed_dictionaries({"kind": st.just("menu"), "choices": st.lists(choice, min_size=1, max_size=3), **asking}),
    st.fixed_dictionaries({"kind": st.just("identify"), "skips_known": st.booleans(), "next": ids, **asking}),
    st.fixed_dictionaries({"kind": st.just("collect"), "name": st.just("code"), "text": text, "next": ids, **asking}),
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["callback", "voicemail"]), "queue": st.sampled_from([*QUEUES]), **asking}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("queue"),
            "queue": st.sampled_from([*QUEUES]),
            "full": st.none() | ids,
            "unrecorded": st.booleans(),
        }
    ),
    st.fixed_dictionaries({"kind": st.sampled_from(["self_service", "survey", "badge"]), "next": ids, **asking}),
    st.fixed_dictionaries(
        {"kind": st.just("appointment"), "by_word": st.booleans(), "next": ids, "nothing": st.none() | ids, **asking}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("transfer"),
            "number": st.sampled_from([OFFICE, ""]),
            "otherwise": ids,
            "busy": st.none() | ids,
            "next": st.none() | ids,
        }
    ),
    st.fixed_dictionaries({"kind": st.just("questions"), "questionnaire": st.just(7), "next": ids, "otherwise": ids}),
    st.fixed_dictionaries({"kind": st.just("goodbye"), "text": text}),
)
flows = st.builds(
    lambda made, end: Flow.model_validate({
        "start": "n0", "operator": "operator",
        "nodes": dict(zip(IDS, made, strict=True)) | {"operator": {"kind": "queue", "queue": OPERATOR}, "end": end},
    }),
    st.lists(nodes, min_size=len(IDS), max_size=len(IDS)),
    st.fixed_dictionaries({"kind": st.just("goodbye"), "text": text}),
)  # fmt: skip
keyed = st.sampled_from(["", "0", "1", "2", "7", NOTICE, WRONG_CHECK, "#"]) | st.text("0123456789*#", max_size=20)
facts = st.builds(
    Facts,
    ente=st.just("Comune di Empoli"), opening=st.sampled_from([FACTS.opening, SHUT]), now=st.just(NOW),
    caller_known=st.booleans(), calls_back=st.booleans(), caller=st.sampled_from([None, "+393480000001"]),
    urgent=st.sampled_from([(), (Urgent(STORM, ends=False),)]),
    full=st.sets(st.sampled_from([*QUEUES])).map(frozenset),
    offers=st.none() | st.builds(Offers, st.booleans(), st.booleans()),
    bookable=st.sampled_from([(), BOOKABLE]),
    records=st.none() | st.sampled_from(Purpose),
    reaches=st.sampled_from([frozenset(), frozenset({OFFICE})]),
)  # fmt: skip


@given(flows, facts, st.lists(st.tuples(keyed, st.booleans()), max_size=30))
@settings(max_examples=300)
def test_in_any_flow_without_problems_a_caller_is_never_lost(
    flow: Flow, known: Facts, pressed: list[tuple[str, bool]]
) -> None:
    if any(one.hinders for one in problems(flow, queues=QUEUES, numbers={OFFICE})):
        return
    turn = walk.begin(flow, known)
    for one, exists in pressed:
        while isinstance(turn.then, PutThrough):
            turn = walk.on_put_through(flow, turn.place, known, Reached.BUSY if exists else Reached.NOBODY)
        if not isinstance(turn.then, Await):
            break
        assert turn.says, "silence is taken for a broken line"
        before = turn.place
        turn = press(turn.place, one, flow=flow, facts=known, notice_exists=exists)
        assert turn.place.step == before.step + 1
        assert Place.restored(turn.place.stored()) == turn.place
        if not isinstance(turn.then, CalledBack):  # he waits in the queue then
            assert walk.repeat(flow, turn.place, known).place == turn.place
        if one == "0":
            node = flow.nodes[before.node]
            if isinstance(node, ToQueue):  # asked whether he agrees, he is put through
                assert turn.then == Enter(node.queue)
                continue
            assert isinstance(node, Asking)
            if node.zero is None and known.opening.is_open:
                asked = turn.place.node == flow.operator and turn.place.kept.get(RECORDING) == ASKED
                assert turn.then == Enter(OPERATOR) or asked
            elif known.opening.is_open and not known.full and not isinstance(node, ToCallback | ToVoicemail):
                assert isinstance(flow.nodes[turn.place.node], ToQueue)


@given(flows, facts)
@settings(max_examples=300)
def test_in_any_flow_without_problems_a_line_left_open_ends(flow: Flow, known: Facts) -> None:
    if any(one.hinders for one in problems(flow, queues=QUEUES, numbers={OFFICE})):
        return
    turn = walk.begin(flow, known)
    for _ in range(3 * len(flow.nodes)):
        if isinstance(turn.then, PutThrough):
            turn = walk.on_put_through(flow, turn.place, known, Reached.NOBODY)
            continue
        if not isinstance(turn.then, Await):
            return
        turn = walk.on_input(flow, turn.place, known)
    raise AssertionError("he is asked for ever")
