"""The rules of a visit on the telephone are those of the server: the same random visits through both."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser as Chromium

from outbound.field.visits.door import Deed, Done, Outcome, Whom, judged, outcomes, table
from web.field.shell import STATIC

pytestmark = pytest.mark.journey
RULES = STATIC / "js" / "door" / "rules.js"
LED = """async ({ source, table, visits }) => {
  const rules = await import(`data:text/javascript;charset=utf-8,${encodeURIComponent(source)}`);
  return visits.map((deeds) => {
    const door = rules.judged(table, deeds);
    return { ...door, debt: rules.showsDebt(table, door), may: rules.outcomes(table, door) };
  });
}"""
DEEDS = st.one_of(
    st.sampled_from([Done(one) for one in Deed]),
    st.builds(
        Done, st.just(Deed.WHO), st.sampled_from(Whom), st.sampled_from(["", " ", "Anna Neri"]),
        st.sampled_from(["", "socia"]),
    ),
    st.builds(Done, st.just(Deed.OUTCOME), outcome=st.sampled_from(Outcome)),
)  # fmt: skip
LIKELY = [Done(Deed.ARRIVED), Done(Deed.INTRODUCED), Done(Deed.WHO, Whom.HIMSELF), Done(Deed.TOLD)]
VISITS = st.builds(lambda begun, rest: LIKELY[:begun] + rest, st.integers(0, 4), st.lists(DEEDS, max_size=10))


def told(done: Done) -> dict[str, Any]:
    return {
        "deed": done.deed.value, "whom": done.whom and done.whom.value, "name": done.name, "capacity": done.capacity,
        "outcome": done.outcome and done.outcome.value,
    }  # fmt: skip


def test_the_telephone_and_the_server_judge_alike(chromium: Chromium) -> None:
    page = chromium.new_page()

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(VISITS, min_size=20, max_size=60))
    def alike(visits: list[list[Done]]) -> None:
        sent = [[told(one) for one in visit] for visit in visits]
        found = page.evaluate(LED, {"source": RULES.read_text(), "table": table(), "visits": sent})
        for visit, there in zip(visits, found, strict=True):
            door = judged(visit).door
            assert (there["stage"], there["whom"], there["told"], there["outcome"], there["debt"]) == (
                door.stage.value, door.whom and door.whom.value, door.told, door.outcome and door.outcome.value,
                door.shows_debt,
            )  # fmt: skip
            after_told = set(table()["after_told"])
            may = {one.value for one in outcomes(door.stage) if door.told or one.value not in after_told}
            assert set(there["may"]) == may

    alike()
    page.close()
