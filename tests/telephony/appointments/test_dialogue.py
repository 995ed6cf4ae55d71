"""The conversation of whoever books an appointment by himself, whatever is keyed in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.agendas.codes import LETTERS, new_code, on_keys
from crm.enti.calendar import Opening
from telephony.appointments import dialogue, prompts
from telephony.appointments.offers import EnteOffered, OfficeOffered, ServiceOffered
from telephony.appointments.state import (
    AT_ONCE,
    NOW,
    Answer,
    Booked,
    Cancelled,
    Found,
    Held,
    Line,
    Refused,
    Request,
    Stage,
    State,
    Times,
    Want,
)
from telephony.ivr import spoken, walk
from telephony.ivr.checks import Flaw, problems
from telephony.ivr.definition import Flow
from telephony.ivr.languages import Language
from telephony.ivr.turns import Arrange, Await, Enter, Facts, HangUp, Turn
from tests.telephony.ivr.test_walk import BOOKABLE, RATE, TARI, TRIBUTI
from tests.telephony.ivr.test_walk import NOW as AT

MOBILE, LANDLINE = "+393480000001", "+390571700123"
CODE, ON_KEYS = "CDFG3467", "23343467"
OPERATOR, WAITING = 9, 8
FLOW = Flow.model_validate({
    "start": "menu", "operator": "operator", "languages": ["it", "en", "de"],
    "nodes": {
        "menu": {
            "kind": "menu", "otherwise": "operator",
            "choices": [
                {"digit": "1", "next": "book", "label": {"it": "appuntamenti", "en": "appointments", "de": "Termine"}}
            ],
        },
        "book": {"kind": "appointment", "next": "menu", "otherwise": "operator", "nothing": "waiting", "by_word": True},
        "waiting": {"kind": "queue", "queue": WAITING},
        "operator": {"kind": "queue", "queue": OPERATOR},
    },
})  # fmt: skip
ONE_OF_EACH = (EnteOffered(1, "Comune di Empoli", (RATE,)),)
FREE = [datetime(2026, 11, 23, 8, 30, tzinfo=UTC) + timedelta(minutes=20 * n) for n in range(5)] + [
    datetime(2026, 11, 24, 8, 30, tzinfo=UTC) + timedelta(minutes=20 * n) for n in range(5)
]  # a Monday and a Tuesday, from half past nine in Rome


@dataclass
class Office:
    """What is free, in place of `service`."""

    free: list[datetime] = field(default_factory=lambda: list(FREE))
    stolen: set[datetime] = field(default_factory=set)  # somebody else has them by the time that he chooses
    asked: list[Want] = field(default_factory=list)
    too_many: bool = False
    knows: tuple[str, str] = (ON_KEYS, "")  # a code, and the number that was left: none is the caller's

    def sees_to(self, request: Request) -> Answer:
        self.asked.append(request.want)
        state = request.state
        match request.want:
            case Want.TIMES:
                since = AT if state.since == NOW else datetime.fromisoformat(state.since)
                return Times(tuple(one for one in self.free if one >= since)[:AT_ONCE])
            case Want.HOLD:
                wanted = datetime.fromisoformat(state.starts_at)
                if wanted in self.stolen:
                    return Times(tuple(one for one in self.free if one not in self.stolen)[:AT_ONCE], gone=True)
                return Held("held", wanted)
            case Want.BOOK:
                assert state.held == "held"
                return (
                    Refused(Line.TOO_MANY) if self.too_many else Booked(CODE, datetime.fromisoformat(state.starts_at))
                )
            case Want.FIND:
                if (state.code, state.number) != self.knows:
                    return Refused(Line.UNKNOWN)
                return Found("his", 1, FREE[0], "TARI", "Ufficio Tributi, Piazza 1")
            case Want.CANCEL:
                return Cancelled()


def play(
    *keys: str, office: Office | None = None, bookable: Sequence[EnteOffered] = ONE_OF_EACH,
    caller: str | None = MOBILE, language: Language = Language.ITALIAN, says: bool = False,
) -> list[Turn]:  # fmt: skip
    """Every turn of a caller who keys (or says) all this, from the menu on."""
    office = office or Office()
    known = Facts(ente="Empoli", opening=Opening(is_open=True), now=AT, caller=caller, bookable=tuple(bookable))
    begun = walk.begin(FLOW, known)
    turns = [replace(begun, place=replace(begun.place, language=language))]
    for one in ("1", *keys):
        if not isinstance(turns[-1].then, Await):
            break
        said = {"speech": one} if says and len(turns) > 1 else {"keys": one}
        turn = walk.on_input(FLOW, turns[-1].place, known, **said)
        if isinstance(turn.then, Arrange):
            turn = walk.on_arranged(FLOW, turn.place, known, turn.then.request, office.sees_to(turn.then.request))
        turns.append(turn)
    return turns


def said(turn: Turn) -> str:
    return " ".join(one.text for one in turn.says)


def at(turn: Turn) -> State:
    return State.of(turn.place.kept)


def test_the_flow_has_nothing_wrong_and_is_told_where_nothing_is_booked_so() -> None:
    assert problems(FLOW, queues={OPERATOR, WAITING}) == ()
    (told,) = problems(FLOW, queues={OPERATOR, WAITING}, books=False)
    assert (told.node, told.flaw, told.hinders) == ("book", Flaw.NOTHING_BOOKABLE, False)


def test_where_there_is_one_service_at_one_office_the_times_come_at_once() -> None:
    *_, begin, times, confirm, booked = play("1", "2", "1")
    assert said(begin).startswith("Per prenotare un appuntamento, prema 1.")
    assert said(times) == (
        "Rate, Ufficio Tributi. I primi orari liberi. Lunedì 23 novembre alle 9 e 30: prema 1. Lunedì 23 novembre alle"
        " 9 e 50: prema 2. Lunedì 23 novembre alle 10 e 10: prema 3. Per altri orari, prema 4. Per un altro giorno,"
        " prema 5. Per tornare indietro, prema asterisco. Per parlare con un operatore, prema zero."
    )
    assert said(confirm).startswith(
        "Lunedì 23 novembre alle 9 e 50, Ufficio Tributi, Piazza 1. Per confermare, prema 1"
    )
    assert "SMS" in said(confirm)
    spelt = "C come Como, D come Domodossola, F come Firenze, G come Genova; tre, quattro, sei, sette"
    assert f"Il suo codice: {spelt}. Ripeto: {spelt}." in said(booked)
    assert at(booked) == State(
        Stage.BOOKED, ente=1, service=2, office=1, times=at(times).times, starts_at=FREE[1].isoformat(), code=CODE
    )


def test_ente_service_and_office_are_chosen_where_there_are_several() -> None:
    _, _, ente, service, office, times = play("1", "1", "1", "2", bookable=BOOKABLE)
    assert said(ente).startswith("Per quale Comune? Comune di Empoli: prema 1. Comune di Vinci: prema 2.")
    assert said(service).startswith("Per che cosa? TARI: prema 1. Rate: prema 2.")
    assert said(office).startswith("In quale ufficio? Ufficio Tributi, Piazza 1: prema 1. Sportello, Via 2: prema 2.")
    assert said(times).startswith("TARI, Sportello. I primi orari liberi.")
    assert (at(times).ente, at(times).service, at(times).office) == (1, 1, 2)


def test_the_star_goes_back_to_the_last_choice_that_was_one() -> None:
    assert at(play("1", "1", "2", "*", bookable=BOOKABLE)[-1]).stage is Stage.SERVICE  # at RATE there is one office
    assert at(play("1", "2", "*", bookable=BOOKABLE)[-1]).stage is Stage.ENTE  # at Vinci one service
    assert at(play("1", "*")[-1]) == State()
    assert play("*")[-1].place.node == "menu"


def test_more_times_another_day_and_back_again() -> None:
    *_, first, later, day, back, again = play("1", "4", "5", "*", "*")
    assert at(later).times[0] == FREE[3].isoformat()  # the last two of the Monday, and the first of Tuesday
    assert at(day).times[0] == FREE[5].isoformat()  # the Tuesday from its beginning
    assert (at(back).times, at(again).times) == (at(later).times, at(first).times)


def test_when_there_are_no_more_he_hears_so_and_stays() -> None:
    *_, last, none = play("1", "5", "5")
    assert said(none).startswith("Non ci sono altri orari.")
    assert at(none) == at(last)


def test_a_time_that_somebody_has_just_taken_is_answered_with_the_next() -> None:
    *_, times = play("1", "1", office=Office(stolen={FREE[0]}))
    assert said(times).startswith("Qualcuno ha appena preso questo orario. Ecco i più vicini.")
    assert at(times).times[0] == FREE[1].isoformat()
    assert at(times).held == ""


def test_nothing_free_leads_where_the_flow_says_or_to_another_office() -> None:
    turn = play("1", office=Office(free=[]))[-1]
    assert (turn.then, said(turn).split(". ")[0]) == (Enter(WAITING), "Per ora non ci sono orari liberi")
    other = play("1", "1", "1", "1", office=Office(free=[]), bookable=BOOKABLE)[-1]
    assert said(other).startswith("In questo ufficio per ora non ci sono orari liberi. In quale ufficio?")


def test_whoever_changes_his_mind_hears_the_times_again_and_holds_nothing() -> None:
    *_, times, held, again = play("1", "1", "2")
    assert (at(held).held, at(again)) == ("held", at(times))


def test_whoever_has_enough_appointments_is_told_and_may_cancel_one() -> None:
    turn = play("1", "1", "1", office=Office(too_many=True))[-1]
    assert said(turn).startswith("Ha già prenotato quanti appuntamenti si possono avere")
    assert at(turn) == State()


def test_whoever_hides_his_number_is_told_and_reaches_an_operator() -> None:
    turn = play("1", caller=None)[-1]
    assert (turn.then, said(turn).split(". ")[0]) == (
        Enter(OPERATOR), "Per prenotare da qui bisogna chiamare con il numero visibile",
    )  # fmt: skip


def test_a_landline_is_promised_no_sms() -> None:
    assert "SMS" not in said(play("1", "1", caller=LANDLINE)[-1])


def test_an_appointment_is_heard_and_cancelled_by_code_and_number() -> None:
    *_, code, found, sure, kept, again, done = play("2", ON_KEYS, "1", "2", "1", "1")
    assert (code.then.digits if isinstance(code.then, Await) else 0) is None  # all the time he wants, until the hash
    assert said(found).startswith(
        "Il suo appuntamento: Lunedì 23 novembre alle 9 e 30, TARI, Ufficio Tributi, Piazza 1."
    )
    assert said(sure).startswith("Per disdire davvero l'appuntamento, prema 1.")
    assert at(kept) == at(found)
    assert at(again).stage is Stage.CANCEL
    assert said(done).startswith("L'appuntamento è disdetto.")
    assert at(done) == State()


def test_another_number_is_asked_for_only_once_the_code_is_not_one_of_his_own() -> None:
    office = Office(knows=(ON_KEYS, "0571700123"))
    *_, number, found = play("2", ON_KEYS, "0571700123", office=office)
    assert said(number).startswith("Ora digiti il numero di telefono che ha lasciato")
    assert at(found).stage is Stage.FOUND
    *_, wrong = play("2", ON_KEYS, "0571700124", office=office)
    assert said(wrong).startswith("Non troviamo un appuntamento con questi dati. Digiti gli otto caratteri")
    assert at(wrong) == State(Stage.CODE)


def test_guessing_ends_with_an_operator() -> None:
    tries = [key for _ in range(3) for key in ("22222222", "0571700124")]
    assert play("2", *tries)[-1].then == Enter(OPERATOR)


def test_whoever_has_his_appointment_and_says_no_more_takes_his_leave() -> None:
    turn = play("1", "1", "1", "")[-1]
    assert (turn.then, said(turn)) == (HangUp(), "Arrivederci.")
    assert play("1", "", "", "")[-1].then == Enter(OPERATOR)  # before that, silence is a failure


def test_what_he_has_chosen_is_let_go_once_he_is_put_through() -> None:
    turn = play("1", "1", "0")[-1]
    assert (turn.then, turn.place.kept) == (Enter(OPERATOR), {})


@pytest.mark.parametrize(
    ("language", "words", "booked"),
    [
        (Language.ITALIAN, ("prenotare", "due", "sì"), "Appuntamento prenotato. Lunedì 23 novembre alle 9 e 50"),
        (Language.ENGLISH, ("book", "two", "yes"), "Your appointment is booked. On Monday 23 November at 9:50 a.m."),
        (Language.GERMAN, ("buchen", "zwei", "ja"), "Der Termin ist gebucht. Am Montag, 23. November um 9 Uhr 50"),
    ],
)
def test_it_is_said_and_understood_in_three_languages(language: Language, words: Sequence[str], booked: str) -> None:
    turn = play(*words, language=language, says=True)[-1]
    assert said(turn).startswith(booked)
    assert {one.language for one in turn.says} == {language}


def test_what_is_not_clear_is_no_choice() -> None:
    assert said(play("prenotare", "lunedì", says=True)[-1]).startswith("Questa scelta non esiste.")
    assert said(play("prenotare", "non lo so", says=True)[-1]).startswith("Questa scelta non esiste.")


def test_many_enti_are_read_eight_at_a_time_round_and_round() -> None:
    many = tuple(EnteOffered(n, f"Comune {n}", (RATE,)) for n in range(1, 19))
    *_, first, second, third, round_ = play("1", "9", "9", "9", bookable=many)
    assert "Comune 8: prema 8. Per gli altri, prema 9." in said(first)
    assert "Comune 9: prema 1." in said(second)
    assert "Comune 17: prema 1. Comune 18: prema 2. Per gli altri" in said(third)
    assert said(round_) == said(first)
    assert at(play("1", "9", "9", "2", bookable=many)[-1]).ente == 18
    assert said(play("1", "9", "9", "3", bookable=many)[-1]).startswith("Questa scelta non esiste.")
    nine = many[:9]
    assert "Comune 9: prema 9." in said(play("1", bookable=nine)[-1])


def test_what_is_no_longer_offered_is_said_wherever_he_stands() -> None:
    state = State(Stage.OFFICE, ente=7, service=9)
    came = dialogue.heard(state, "1", BOOKABLE, has_number=True)
    assert came == dialogue.On(State(), (Line.NOT_OFFERED,))
    for stage in Stage:  # nothing that is asked there fails
        left = State(stage, ente=7, service=9, office=3, times=(AT.isoformat(),), starts_at=AT.isoformat(), code=CODE)
        prompts.asks(left, BOOKABLE, Language.ITALIAN, AT, by_sms=True, operators=True)


def test_every_sentence_is_there_in_each_language() -> None:
    assert all(prompts.line(one, language) for one in Line for language in Language)


def test_a_place_that_somebody_made_up_is_the_beginning() -> None:
    assert State.of({"appointment:stage": "elsewhere"}) == State()
    assert State.of({"appointment:stage": "times", "appointment:ente": "x"}) == State()


@given(st.text(LETTERS, min_size=8, max_size=8))
def test_each_code_is_eight_keys_and_spelt_in_each_language(code: str) -> None:
    assert len(on_keys(code)) == dialogue.CODE_LENGTH
    assert set(on_keys(code)) <= set("23456789")  # neither the operator's key nor one without letters
    assert all(spoken.spelled(code, language).count(",") == 6 for language in Language)
    assert len(on_keys(new_code())) == dialogue.CODE_LENGTH


keys = st.sampled_from(["", "1", "2", "3", "4", "5", "9", "*", ON_KEYS, "22222222", "0571700123", "12#", "²", "0"])


@given(
    st.lists(keys, max_size=25),
    st.sampled_from([BOOKABLE, ONE_OF_EACH]),
    st.sampled_from([MOBILE, None]),
    st.booleans(),
)
@settings(max_examples=200)
def test_whatever_is_keyed_a_state_is_kept_as_it_is_and_nothing_is_booked_unheld(
    pressed: list[str], bookable: tuple[EnteOffered, ...], caller: str | None, stolen: bool
) -> None:
    office = Office(stolen=set(FREE[:2]) if stolen else set())
    for turn in play(*pressed, office=office, bookable=bookable, caller=caller):
        state = at(turn)
        assert State.of(state.kept()) == state
        assert not (state.held and state.stage is not Stage.CONFIRM)
        if isinstance(turn.then, Await) and turn.place.node == "book":
            assert said(turn)
    assert office.asked.count(Want.BOOK) <= office.asked.count(Want.HOLD)
    assert caller is not None or Want.HOLD not in office.asked


def test_what_is_offered_is_read_in_the_language_of_the_caller() -> None:
    both = (EnteOffered(1, "Comune di Empoli", (TARI, RATE)),)
    assert said(play("1", bookable=both, language=Language.ENGLISH)[-1]).startswith(
        "What is it about? Waste tax: press 1. Rate: press 2."
    )
    assert TARI.offices[0] == TRIBUTI == OfficeOffered(1, "Ufficio Tributi", "Piazza 1")
    assert isinstance(TARI, ServiceOffered)
