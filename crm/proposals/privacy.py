"""What proposals hold of a person: values and words go; that something was proposed, and what became of it, stays."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, func, null, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from crm.privacy.holders import Holder, Person, TableHolder
from crm.proposals.lifecycle import State
from crm.proposals.models import Proposal, ProposalExport, ProposalVoice

_PROPOSAL, _VOICE, _EXPORT = table_of(Proposal), table_of(ProposalVoice), table_of(ProposalExport)
ON_ITS_WAY = "C'è una proposta ancora da decidere o da consegnare al gestionale: prima va conclusa."
HANDED_OVER_WITHIN = timedelta(days=7)  # a feed of which nobody says that it arrived

_NOBODYS: Mapping[str, Any] = {
    "value_key": func.concat("#", cast(_PROPOSAL.c.id, Text)), "now": null(), "proposed": null(), "reference": None,
    "act_number": None, "since": None, "note": "", "evidence": "", "reason": "",
}  # fmt: skip


class _Proposals(TableHolder):
    """An export's content is not stored: once somebody in it is emptied it is not written again, and says so."""

    def obstacles(self, session: Session, person: Person) -> list[str]:
        """What is not decided, or perhaps not handed over yet: others go in the same feed."""
        on_its_way = exists().where(
            _EXPORT.c.ente_id == _PROPOSAL.c.ente_id, _EXPORT.c.id == _PROPOSAL.c.export_id,
            _EXPORT.c.delivered_at.is_(None), _EXPORT.c.made_at > clock.now(session) - HANDED_OVER_WITHIN,
        )  # fmt: skip
        undecided = _PROPOSAL.c.state.in_((State.MADE, State.APPROVED))
        waits = undecided | (_PROPOSAL.c.state == State.EXPORTED) & on_its_way
        found = select(_PROPOSAL.c.id).where(*self.of(person), waits).limit(1)
        return [ON_ITS_WAY] if session.execute(found).one_or_none() else []


class _Voices(TableHolder):
    """Who else heard the same: found by the proposal, and deleted."""

    def of(self, person: Person) -> tuple[ColumnElement[bool], ...]:
        """Of his proposals."""
        his = _PROPOSAL.c.ente_id == person.ente_id, _PROPOSAL.c.contact_id.in_(person.contact_ids)
        return (_VOICE.c.ente_id == person.ente_id, _VOICE.c.proposal_id.in_(select(_PROPOSAL.c.id).where(*his)))


HOLDERS: tuple[Holder, ...] = (
    _Voices(_VOICE, "Proposte ripetute", hidden=frozenset({"said_by"})),
    _Proposals(
        _PROPOSAL, "Proposte al gestionale", emptied=_NOBODYS,
        why="Resta che è stata fatta una proposta, e il suo esito.",
        hidden=frozenset({"value_key", "made_by", "decided_by"}),
    ),
)  # fmt: skip
