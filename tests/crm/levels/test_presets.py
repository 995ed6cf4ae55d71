"""The presets against what the four contracts say (`docs/service_levels.yaml`): nothing of it is lost unsaid."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from crm.conditions.agreed import (
    NO_WEEK,
    Arrangement,
    Conditions,
    Number,
    NumberKind,
    Part,
    Reinforcement,
    checked,
    differences,
    hours_in,
    read,
    stored,
)
from crm.core.errors import InvalidError
from crm.levels.agreement import Period, Promise
from crm.levels.metering import Callers
from crm.levels.metrics import METRICS
from crm.levels.metrics import MetricName as N
from crm.levels.presets import NOT_CARRIED, PRESETS, Change, Preset, arrangement_from, compared

SOURCE = Path(__file__).parents[3] / "docs" / "service_levels.yaml"
FACTS: dict[str, Any] = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
EACH = {
    "call": "each call over", "day_late": "each day late", "day_over": "each day beyond the tolerated 10 %",
    "complaint": "each complaint over",
}  # fmt: skip
SERVICES = {
    "Gestione ordinaria": "ordinary",
    "Riscossione coattiva e recupero dell'evasione": "coercive and evasion recovery",
}
NO_PERIOD = {"step", "sercom"}  # whose sources state none: theirs is the form's usual
NO_HOURS_NAME = {"anci_toscana": "line", "sercom": "contact_centre"}
Leaf = tuple[str, Any]


def leaves(value: Any, path: str = "") -> Iterator[Leaf]:
    """Each value under its path; of a list of records each record's, under the same; a level is one value."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for one in value:
            yield from [(path, level(one))] if path.endswith(".levels") else leaves(one, path)
    else:
        yield path, value


def is_left_out(path: str) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in NOT_CARRIED)


def as_published(key: str, preset: Preset) -> dict[str, Any]:
    """A preset in the words and the order of its source."""
    told: dict[str, Any] = {}
    if key not in NO_PERIOD:
        told["period"] = preset.period.value
    told["levels"] = [level_of(one) for one in preset.levels]
    told["case_deadlines"] = {
        one.metric.removesuffix("_days"): int(one.target) for one in preset.deadlines if "field" not in one.metric
    }
    visits = {one.metric: one for one in preset.deadlines if "field" in one.metric}
    if visits:
        told["field_agents"] = {
            "removal_after_finding": {"working_days": int(visits[N.FIELD_REMOVED].target)},
            "substitute": {"working_days": int(visits[N.FIELD_REPLACED].target)},
            "penalty": next(iter(visits.values())).penalty_per_mille,
        }
    said = preset.conditions
    numbers = [number_of(one) for one in said.numbers]
    told["lines"] = numbers or {"queues": [{"name": one} for one in said.queues]}
    told["hours"] = hours_of(key, preset)
    if said.reports:
        reports = [one.value for one in said.reports]
        told["reporting"] = reports if len(reports) > 1 else {"every": reports[0]}
    if (extra := said.reinforcement) is not None:
        assert (extra.before, extra.due) == (0, "IMU")
        told["reinforcement"] = {
            "after": "IMU instalment due date", "days": extra.after, "operators": extra.operators,
        }  # fmt: skip
    if preset.replacement_days:
        told["staff"] = {"replacement_days": preset.replacement_days}
    return told


def level_of(one: Promise) -> dict[str, Any]:
    told: dict[str, Any] = {"metric": one.metric, "op": one.op, "target": one.target}
    more = {
        "threshold_s": one.threshold_s, "callers": one.callers, "service": SERVICES.get(one.service),
        "period": one.period.value if one.period else None, "share_of_days": one.share_of_days,
        "tolerated_days": "excluded" if one.tolerated_excluded else None, "penalty_per_mille": one.penalty_per_mille,
        "per": EACH[one.penalty_each] if one.penalty_each else None, "penalty_group": one.penalty_group or None,
    }  # fmt: skip
    return told | {name: value for name, value in more.items() if value is not None}


def number_of(one: Number) -> dict[str, Any]:
    return {"kind": one.kind.value, "callers": one.callers} | ({"caller_pays": True} if one.caller_pays else {})


def hours_of(key: str, preset: Preset) -> dict[str, Any]:
    told: dict[str, Any] = {}
    weeks = {
        NO_HOURS_NAME.get(key, ""): preset.hours, "staffed": preset.conditions.staffed,
        "counter": preset.conditions.desks,
    }  # fmt: skip
    for name, week in weeks.items():
        if any(week):
            assert week[:5] == (week[0],) * 5
            assert week[5:] == ("", "")
            told[name] = {"days": "mon-fri", "ranges": week[0].split(", ")}
    if preset.conditions.weekly_hours:
        told["call_centre"] = {"days": "mon-fri", "min_hours_per_week": preset.conditions.weekly_hours}
    if preset.conditions.desk_hours:
        told["counter"] = {"ordinary": {"days": "mon-fri", "min_hours_per_week": preset.conditions.desk_hours}}
    return told


def level(one: dict[str, Any]) -> str:
    return ", ".join(f"{name}: {shown(value)}" for name, value in sorted(one.items()))


def shown(value: Any) -> str:
    """Figures compare as figures: 0.20 is 0.2."""
    is_figure = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return f"{Decimal(str(value)).normalize():f}" if is_figure else str(value)


def comparable(found: Iterable[Leaf]) -> list[tuple[str, str]]:
    return sorted((path, shown(value)) for path, value in found if value not in ({}, []))


@pytest.mark.parametrize("key", sorted({*FACTS, *PRESETS}))
def test_what_a_contract_says_is_in_its_preset_or_in_the_list_of_what_is_not(key: str) -> None:
    said = [one for one in leaves(FACTS[key], key) if not is_left_out(one[0])]
    carried = list(leaves(as_published(key, PRESETS[key]), key))
    assert comparable(carried) == comparable(said)


def test_the_list_of_what_is_left_out_names_nothing_that_no_contract_says() -> None:
    every = [path for path, _ in leaves(FACTS)]
    for one in NOT_CARRIED:
        assert any(path == one or path.startswith(f"{one}.") for path in every), one
    assert all(NOT_CARRIED.values())


def test_a_fact_more_in_a_contract_is_noticed() -> None:
    more = {"hours": {"sunday": {"ranges": ["09:00-10:00"]}}}
    assert not any(is_left_out(path) for path, _ in leaves(more, "sercom"))


def test_each_preset_can_be_kept_as_it_is() -> None:
    for preset in PRESETS.values():
        assert checked(preset.conditions) == preset.conditions
        assert {one.metric for one in preset.promises} <= METRICS.keys()
        assert len({one.key for one in preset.promises}) == len(preset.promises)


def test_a_preset_leaves_alone_what_it_says_nothing_of() -> None:
    now = Arrangement(("9-13",) * 5 + ("", ""), 30, Conditions(queues=("Tributi",), desk_hours=10))
    proposed = arrangement_from("intercent_er", now)
    assert (proposed.hours, proposed.replacement_days) == (now.hours, 20)
    assert (proposed.conditions.queues, proposed.conditions.desk_hours) == (("Tributi",), 24)
    assert differences(now, proposed) == (
        Part.WEEKLY_HOURS, Part.DESK_HOURS, Part.NUMBERS, Part.REINFORCEMENT, Part.REPLACEMENT
    )  # fmt: skip
    assert differences(proposed, arrangement_from("intercent_er", proposed)) == ()


def test_levels_are_told_as_new_changed_the_same_and_gone() -> None:
    anci = PRESETS["anci_toscana"].levels
    now = [replace(anci[0], contract_id=7), replace(anci[1], contract_id=7, target=Decimal("0.2"))]
    told = {one.metric: change for change, _, one in compared([*now, Promise(7, N.CLARITY, ">=", Decimal(1))], anci)}
    assert told == {
        N.WAITING_OVER: Change.SAME, N.LOST: Change.CHANGED, N.AVAILABLE: Change.NEW, N.OUTBOUND: Change.NEW,
        N.CLARITY: Change.GONE,
    }  # fmt: skip


HOURS = st.sampled_from(["", "08:30-13:00", "08:30-13:00, 14:00-18:00", "00:00-24:00"])
WEEKS = st.tuples(*[HOURS] * 7)
SAID = st.builds(
    Conditions,
    numbers=st.lists(
        st.builds(Number, st.sampled_from(NumberKind), st.none() | st.sampled_from(Callers), st.booleans()), max_size=2
    ).map(tuple),
    queues=st.lists(st.text("abc è", min_size=1, max_size=9), max_size=3).map(tuple), staffed=WEEKS, desks=WEEKS,
    weekly_hours=st.none() | st.integers(1, 168), desk_hours=st.none() | st.integers(1, 168),
    reports=st.sets(st.sampled_from(Period)).map(sorted).map(tuple),
    reinforcement=st.none() | st.builds(
        Reinforcement, st.integers(0, 30), st.integers(1, 30), st.integers(0, 99), st.text("IMUTARI ", max_size=9)
    ),
)  # fmt: skip


@given(SAID)
def test_what_is_stored_is_read_as_it_was(said: Conditions) -> None:
    assert read(stored(said)) == said
    assert checked(said) == said


def test_what_an_older_version_did_not_know_is_as_if_nothing_were_said() -> None:
    assert read({}) == Conditions()
    assert read({"queues": ["A"], "once": 1}) == Conditions(queues=("A",))


def test_what_is_wrong_is_told_at_each_field() -> None:
    wrong = Conditions(
        staffed=("molto", *NO_WEEK[1:]), desks=("18-9", *NO_WEEK[1:]), weekly_hours=200, desk_hours=0,
        queues=("x" * 81,), reinforcement=Reinforcement(31, 0, 100, "x" * 81),
    )  # fmt: skip
    with pytest.raises(InvalidError) as error:
        checked(wrong)
    assert {one.field for one in error.value.parts} == {
        "staffed-0", "desks-0", "weekly_hours", "desk_hours", "queues", "before", "after", "operators", "due"
    }  # fmt: skip


def test_a_weeks_hours_are_summed_up() -> None:
    assert hours_in(PRESETS["anci_toscana"].hours) == 50
    assert hours_in(PRESETS["anci_toscana"].conditions.staffed) == 42.5
    assert hours_in(("00:00-24:00",) * 7) == 168
