"""What a record of another system is read as, and why it is refused."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crm.levels.metering import Account, Callers, Counts, contribution
from crm.levels.terms import USUAL
from telephony.history.models import PastOutcome
from telephony.history.reading import Known, RowError, read

KNOWN = Known(7, {"avvisi": 3}, {"D403": 1}, {"anna": 9}, datetime(2026, 11, 20, 12, tzinfo=UTC))
ANSWERED = {
    "start": "2026-03-02 09:15:00", "queue_entry": "2026-03-02 09:15:20", "queue_exit": "2026-03-02 09:15:50",
    "answer": "2026-03-02 09:15:52", "end": "2026-03-02 09:20:52", "outcome": "answered", "queue": "Avvisi",
    "ente": "d403", "line_kind": "freephone", "agent": "anna",
}  # fmt: skip
ABANDONED = ANSWERED | {"answer": "", "outcome": "abandoned", "agent": ""}
MENU = ABANDONED | {"queue_entry": "", "queue_exit": "", "queue": "", "outcome": "left_ivr"}


def test_an_answered_call_waited_from_the_queue_until_both_were_joined() -> None:
    call = read(ANSWERED, KNOWN)
    assert call.account == Account(7, 1, 3, Callers.LANDLINE, datetime(2026, 3, 2, 8, 15, tzinfo=UTC))  # Rome
    assert (call.waited_ms, call.agent, call.agent_id) == (32_000, "anna", 9)
    assert contribution(call.measured, USUAL) == Counts(
        1, 1, answered=1, wait_ms=32_000, handled=1, talk_ms=300_000
    )  # fmt: skip


def test_an_abandoned_call_waited_until_it_left_the_queue() -> None:
    assert read(ABANDONED, KNOWN).waited_ms == 30_000
    assert read(ABANDONED | {"queue_exit": ""}, KNOWN).waited_ms == 332_000  # or until its end


@pytest.mark.parametrize(
    ("outcome", "counts"),
    [("left_ivr", Counts(1)), ("turned_away", Counts(1, lost=1)), ("closed", Counts())],
)
def test_who_never_entered_the_queue(outcome: str, counts: Counts) -> None:
    call = read(MENU | {"outcome": outcome, "line_kind": "geographic", "ente": ""}, KNOWN)
    assert (call.ente_id, call.queue_id, call.callers) == (None, None, Callers.MOBILE)
    assert contribution(call.measured, USUAL) == counts


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"start": ""}, "start: manca"),
        ({"start": "02/03/2026 09:15"}, "start: «02/03/2026 09:15» non è una data con l'ora, come 2026-03-02 09:15:00"),
        ({"start": "2026-03-02"}, "start: «2026-03-02» non ha l'ora"),
        ({"start": "2026-03-29 02:30:00"}, "start: «2026-03-29 02:30:00» non esiste, per il cambio dell'ora"),
        ({"start": "0926-03-02 09:15:00"}, "start: «0926-03-02 09:15:00» è troppo lontano nel tempo"),
        ({"start": "2026-03-02 09:16:00"}, "queue_entry: è prima di start"),
        ({"end": "2026-03-02 09:15:30"}, "end: è prima di answer"),
        ({"end": "2027-03-02 09:15:30"}, "end: è nel futuro"),
        ({"end": "2026-03-04 09:15:30"}, "end: la chiamata durerebbe più di un giorno"),
        ({"queue_entry": ""}, "queue_entry: manca, e l'esito è answered"),
        ({"answer": ""}, "answer: manca, e l'esito è answered"),
        ({"outcome": "abandoned"}, "answer: c’è, e l'esito è abandoned"),
        ({"outcome": "left_ivr"}, "queue_entry, queue_exit: ci sono, ma l'esito è left_ivr"),
        ({"outcome": "persa"}, "outcome: «persa» non è tra answered, abandoned, turned_away, left_ivr, closed"),
        ({"line_kind": ""}, "line_kind: manca"),
        ({"queue": "Multe"}, "queue: nel contratto non c'è una coda «Multe»"),
        ({"queue": ""}, "queue: manca, e la chiamata è entrata in coda"),
        ({"ente": "I726"}, "ente: «I726» non è il codice catastale di un ente del contratto"),
        ({"agent": "x" * 81}, "agent: più di 80 caratteri"),
        ({"agent": "\udcff"}, "il testo non è UTF-8, o ha caratteri che non si stampano"),
        ({"id": "N\udcb0 12"}, "il testo non è UTF-8, o ha caratteri che non si stampano"),
    ],
)
def test_why_a_record_is_refused(changed: dict[str, str], reason: str) -> None:
    with pytest.raises(RowError) as refused:
        read(ANSWERED | changed, KNOWN)
    assert str(refused.value) == reason


def test_a_call_is_the_same_however_its_record_is_written() -> None:
    call = read(ANSWERED, KNOWN)
    same = ANSWERED | {"start": "2026-03-02T08:15:00Z", "queue": " avvisi ", "outcome": "Answered"}
    assert read(same, KNOWN) == call
    assert read(ANSWERED | {"agent": "luca"}, KNOWN).id != call.id
    assert read(ANSWERED, replace(KNOWN, contract_id=8)).id != call.id
    named = read(ANSWERED | {"id": "77"}, KNOWN)
    assert named.id == read(ABANDONED | {"id": "77"}, KNOWN).id != call.id
    assert named.outcome is PastOutcome.ANSWERED


INSTANTS = st.datetimes(timezones=st.none() | st.timezones()).map(str)


ANYTHING = st.text(st.characters(exclude_categories=()), max_size=30)  # half characters, too: they are no UTF-8


@given(st.dictionaries(st.sampled_from([*sorted(ANSWERED), "id"]), ANYTHING | INSTANTS))
@example({"end": "9999-12-31 23:59:59-01:00"})
@example({"start": "0001-01-01 00:00:00"})
def test_a_record_is_a_call_or_refused_with_a_reason(changed: dict[str, str]) -> None:
    try:
        call = read(ANSWERED | changed, KNOWN)
    except RowError:
        return
    assert call.started_at <= call.ended_at
    assert call.waited_ms >= 0


MORNING = [
    (ANSWERED, ABANDONED, MENU)[n % 3] | {"id": f"c{n}", "ente": ("d403", "")[n % 2], "line_kind": kind}
    for n, kind in enumerate(["freephone", "geographic", "freephone"] * 4)
]


def tally(records: Iterable[dict[str, str]]) -> dict[Account, Counts]:
    """What these records add to the counters, each call once."""
    calls = {call.id: call for call in (read(record, KNOWN) for record in records)}
    counted: dict[Account, Counts] = {}
    for call in calls.values():
        counted[call.account] = counted.get(call.account, Counts()) + contribution(call.measured, USUAL)
    return counted


@given(st.permutations(MORNING), st.lists(st.sampled_from(MORNING)))
def test_neither_order_nor_repetition_changes_what_is_counted(
    shuffled: list[dict[str, str]], again: list[dict[str, str]]
) -> None:
    assert tally([*shuffled, *again]) == tally(MORNING)
