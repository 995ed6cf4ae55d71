"""A flow changed node by node."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from telephony.ivr import editing
from telephony.ivr.checks import Flaw, problems
from telephony.ivr.definition import Flow, NodeKind
from telephony.ivr.editing import Control, Field
from telephony.ivr.languages import Language
from telephony.ivr.service import parse
from tests.telephony.ivr.test_walk import QUEUES, TRILINGUAL, flows

IT = Language.ITALIAN
DRAFT: dict[str, Any] = TRILINGUAL.model_dump(mode="json")


def typed(node: dict[str, Any], fields: tuple[Field, ...], before: str = "") -> dict[str, str]:
    """What a browser sends of a node's form."""
    sent: dict[str, str] = {}
    for field in fields:
        name, value = f"{before}{field.name}", node[field.name]
        match field.control:
            case Control.ROWS:
                for n, row in enumerate(value):
                    sent |= typed(row, field.rows, f"{name}.{n}.")
            case Control.TEXT:
                sent |= {f"{name}.{code}": words for code, words in (value or {}).items()}
            case Control.WORDS:
                sent |= {f"{name}.{code}": ", ".join(words) for code, words in value.items()}
            case Control.BOX:
                sent |= {name: "yes"} if value else {}
            case _:
                sent[name] = "" if value is None else str(value)
    return sent


@given(flows)
def test_a_form_that_is_sent_back_as_it_came_changes_nothing(flow: Flow) -> None:
    stored = flow.model_dump(mode="json")
    for node_id, node in stored["nodes"].items():
        kind = NodeKind(node["kind"])
        sent = typed(node, editing.fields_of(kind))
        assert parse(editing.put(stored, node_id, editing.filled(kind, sent, flow.languages))) == flow


def test_so_do_the_words_of_three_languages() -> None:
    menu = DRAFT["nodes"]["menu"]
    sent = typed(menu, editing.fields_of(NodeKind.MENU))
    assert parse(editing.put(DRAFT, "menu", editing.filled(NodeKind.MENU, sent, tuple(Language)))) == TRILINGUAL


@pytest.mark.parametrize("kind", NodeKind)
def test_a_new_node_of_any_kind_is_a_flow_with_things_to_fill_in(kind: NodeKind) -> None:
    after, made = editing.added(DRAFT, kind, "Menù  nuovo!", 1)
    assert made == "menu-nuovo"
    flow = parse(after)
    assert flow.nodes["menu-nuovo"].kind is kind
    found = {one.flaw for one in problems(flow, queues=QUEUES) if one.node == "menu-nuovo"}
    assert found <= {
        Flaw.UNREACHED,
        Flaw.NO_TEXT,
        Flaw.OTHER_LANGUAGES,
        Flaw.NO_NUMBER,
        Flaw.QUEUE_AT_NIGHT,
        Flaw.NO_FORM,
    }


@pytest.mark.parametrize("name", ["", "  ", "!?", "menu"])
def test_a_node_has_a_name_of_its_own(name: str) -> None:
    with pytest.raises(FieldError):
        editing.added(DRAFT, NodeKind.MESSAGE, name, 1)


def test_what_led_to_a_node_that_was_removed_is_told_so() -> None:
    after = parse(editing.removed(DRAFT, "code"))
    assert [(one.node, one.field) for one in problems(after, queues=QUEUES) if one.flaw is Flaw.LEADS_NOWHERE] == [
        ("menu", "choices.0.next")
    ]
    for kept in ("language", "queue"):  # the beginning, the operator
        with pytest.raises(ConflictError):
            editing.removed(DRAFT, kept)
    with pytest.raises(NotFoundError):
        editing.removed(DRAFT, "nowhere")


def digits(do: str) -> list[str]:
    after = editing.rows_changed(DRAFT["nodes"]["language"], do, DRAFT)
    return [one["digit"] for one in after["choices"]]


@pytest.mark.parametrize(
    ("do", "left"),
    [
        ("save", ["1", "2", "3"]), ("add", ["1", "2", "3", "4"]), ("remove:1", ["1", "3"]), ("up:2", ["1", "3", "2"]),
        ("down:0", ["2", "1", "3"]), ("up:0", ["1", "2", "3"]), ("down:2", ["1", "2", "3"]),
        ("remove:9", ["1", "2", "3"]), ("remove:-1", ["1", "2", "3"]), ("up:x", ["1", "2", "3"]),
    ],
)  # fmt: skip
def test_choices_are_added_removed_and_moved(do: str, left: list[str]) -> None:
    assert digits(do) == left


def test_what_is_no_number_is_refused_at_its_field() -> None:
    sent = typed(DRAFT["nodes"]["code"], editing.fields_of(NodeKind.COLLECT)) | {"least": "molte"}
    with pytest.raises(InvalidError) as refused:
        parse(editing.put(DRAFT, "code", editing.filled(NodeKind.COLLECT, sent, tuple(Language))))
    assert [(one.field, str(one)) for one in refused.value.parts] == [("nodes.code.collect.least", "qui va un numero")]


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=10), st.sampled_from(NodeKind))
def test_whatever_is_sent_is_refused_or_a_flow(sent: dict[str, str], kind: NodeKind) -> None:
    filled = editing.filled(kind, sent, (IT,))
    with suppress(InvalidError):
        parse(editing.put(DRAFT, "menu", filled))
    json.dumps(filled)
