"""Whatever the audit is told has a sentence of its own in the access log, and no sentence tells of nothing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from crm.access.models import EventKind
from crm.agendas.models import AppointmentDeed
from crm.cases.lifecycle import Deed
from crm.contacts.models import Verification
from crm.contacts.told import Detail
from crm.follow_ups.models import FollowUpState
from crm.levels.remarks import BECOMES
from outbound.campaigns.lifecycle import Deed as CampaignDeed
from web.audit.fields import FIELDS
from web.audit.sentences import SENTENCES

ROOT = Path(__file__).parents[2]
KIND = re.compile(r"[a-z_]+\.[a-z_]+")
WRITES = re.compile(r"\b(note|note_once|trace)\(|\bhistory\.record\(|(?<!\.)\brecord\(session")
AUDITS = re.compile(r"crm\.audit import service|crm\.enti\.administration import")
NO_KINDS = {"audit.seal", "booking.code", "proposals.export"}  # locks and keys
FILES = (".html", ".jpg", ".jsonl", ".csv")
# Kinds that the code puts together: the constant part as it stands there, and what it comes to.
PUT_TOGETHER = {
    "appointment.*": {f"appointment.{one.value}" for one in AppointmentDeed},
    "case.*": {f"case.{one.value}" for one in Deed},
    "campaign.*": {f"campaign.{one.value}" for one in CampaignDeed},
    "follow_up.*": {f"follow_up.{one.value}" for one in (FollowUpState.DONE, FollowUpState.CANCELLED)},
    "penalty.exclusion_*": {f"penalty.exclusion_{one.value}" for one in BECOMES.values()},
    "*.told": {f"{one.value}.told" for one in Detail},
    "*.tried": {f"{one.value}.tried" for one in Detail},
    "*.removed": {f"{one.value}.removed" for one in Detail},
    "*.*": {f"{one.value}.{found.value}" for one in Detail for found in Verification},
}


def told() -> Iterator[str]:
    """What looks like a kind among the arguments of calls in modules that write the audit.

    One put together has a star for each part that varies.
    """
    for package in ("crm", "telephony", "outbound", "web"):
        for path in (ROOT / package).rglob("*.py"):
            source = path.read_text()
            others_notes = package == "telephony" and not AUDITS.search(source)  # a call's own log
            for node in ast.walk(ast.parse(source)) if WRITES.search(source) and not others_notes else ():
                if isinstance(node, ast.Call):
                    yield from _kinds(node)


def _kinds(call: ast.Call) -> Iterator[str]:
    for argument in (*call.args, *(one.value for one in call.keywords)):
        for node in _outside_calls(argument):
            if isinstance(node, ast.JoinedStr):
                text = "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)  # type: ignore[misc]
                if re.fullmatch(r"[a-z_*]+\.[a-z_*]+", text):
                    yield text
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value):
                yield node.value


def _outside_calls(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it, but not inside another call's or a text's."""
    yield node
    if not isinstance(node, ast.Call | ast.JoinedStr):
        for one in ast.iter_child_nodes(node):
            yield from _outside_calls(one)


def test_every_kind_has_its_sentence_and_every_sentence_its_kind() -> None:
    found = {one.value for one in EventKind} | {"file.searched", "file.refreshed"}  # constants'
    put_together = set()
    for kind in told():
        if kind.endswith(FILES):
            continue
        (put_together if "*" in kind else found).add(kind)
    found -= NO_KINDS
    put_together -= NO_KINDS
    assert put_together == set(PUT_TOGETHER)
    found |= {one for kinds in PUT_TOGETHER.values() for one in kinds}
    assert found - set(SENTENCES) == set()
    assert set(SENTENCES) - found == set()
    assert len(found) > 90  # the collector sees them


def test_every_field_that_changed_has_a_name() -> None:
    named = set()
    for package in ("crm", "telephony", "outbound", "web"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    given = [one.value for one in node.keywords if one.arg in {"before", "after"}]
                    named |= {key for value in given for key in _keys(value)}
    assert named - set(FIELDS) == set()
    assert len(named) > 30  # the collector sees them


def _keys(value: ast.AST) -> Iterator[str]:
    """Of what is written as a dictionary there, and the columns that are named to `as_json`."""
    for node in ast.walk(value):
        keys = node.keys if isinstance(node, ast.Dict) else node.elts if isinstance(node, ast.Tuple) else ()
        yield from (one.value for one in keys if isinstance(one, ast.Constant) and isinstance(one.value, str))
