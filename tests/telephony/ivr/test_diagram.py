"""A flow as a picture."""

from itertools import combinations

from hypothesis import given, settings

from telephony.ivr.definition import Flow, exits
from telephony.ivr.diagram import HEIGHT, WIDTH, draw
from tests.telephony.ivr.test_walk import FLOW, TRILINGUAL, flows


def test_the_usual_flow_is_read_from_top_to_bottom() -> None:
    drawn = draw(FLOW)
    row = {box.id: box.y for box in drawn.boxes}
    assert row["saluto"] < row["urgenze"] < row["orari"] < row["menu"] < row["avviso-1"] < row["coda-1"]
    assert row["chiuso"] == row["menu"]
    whys = {(one.source, one.target): one.why for one in drawn.arrows}
    assert whys[("menu", "avviso-1")] == ("1",)
    assert whys[("menu", "operatore")] == ("otherwise",)
    assert whys[("avviso-1", "coda-1")] == ("next", "otherwise", "zero")
    assert whys[("saluto", "urgenze")] == ()


def test_keys_stand_at_their_arrows() -> None:
    whys = {(one.source, one.target): one.why for one in draw(TRILINGUAL).arrows}
    assert whys[("language", "menu")] == ("1", "2", "3", "otherwise")


@given(flows)
@settings(max_examples=100)
def test_any_flow_is_drawn_whole_and_nothing_overlaps(flow: Flow) -> None:
    drawn = draw(flow)
    assert {box.id for box in drawn.boxes} == set(flow.nodes)
    assert len(drawn.boxes) == len(flow.nodes)
    for one, other in combinations(drawn.boxes, 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
    assert all(0 <= box.x <= drawn.width - WIDTH and 0 <= box.y <= drawn.height - HEIGHT for box in drawn.boxes)
    leading = {(id_, target) for id_, node in flow.nodes.items() for _, target in exits(node)}
    assert leading <= {(one.source, one.target) for one in drawn.arrows}
