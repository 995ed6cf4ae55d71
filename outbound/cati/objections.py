"""Who wants no more surveys of an ente: a fact that each survey is judged by."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    any_,
    bindparam,
    exists,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from crm.contacts import consents
from crm.contacts.models import Purpose as Consented
from crm.core.db import table_of
from outbound.cati.aapor import Disposition
from outbound.cati.models import Interview, InterviewState, SurveyCase

ASKED_TWICE = 2  # refusals of one survey: it is over, and says nothing of the next one
_CASE, _I = table_of(SurveyCase), table_of(Interview)


def _refused(contact_ids: ColumnElement[Any]) -> Select[int, datetime]:
    """The person himself, at whatever interview of the ente's, so that nobody was to go on with it."""
    asked_twice = exists().where(
        _CASE.c.campaign_id == _I.c.campaign_id, _CASE.c.contact_id == _I.c.contact_id, _CASE.c.refusals >= ASKED_TWICE
    )
    return select(_I.c.contact_id, _I.c.ended_at).where(
        _I.c.contact_id == contact_ids, _I.c.state == InterviewState.DONE,
        _I.c.disposition == Disposition.RESPONDENT_REFUSAL, ~asked_twice,
    )  # fmt: skip


_REFUSED = _refused(any_(bindparam("contacts", type_=ARRAY(BigInteger))))


def objecting(session: Session, persons: Mapping[int, Collection[int]]) -> set[int]:
    """Of these persons (each with the contacts that are his) whoever withdrew his consent to surveys, or refused one
    for good, and has not consented since.
    """
    said: dict[int, list[tuple[datetime, bool]]] = {}
    everyone = {row for his in persons.values() for row in his}
    for one in consents.of_contacts(session, everyone):
        if one.text.purpose is Consented.SURVEY and not one.annulled:
            said.setdefault(one.contact_id, []).append((one.occurred_at, not one.given))
    for contact_id, at in session.execute(_REFUSED, {"contacts": sorted(everyone)}):
        said.setdefault(contact_id, []).append((at, True))
    latest = {key: max((one for row in his for one in said.get(row, ())), default=None) for key, his in persons.items()}
    return {key for key, one in latest.items() if one is not None and one[1]}


def heard_of(contact_ids: ColumnElement[Any]) -> CompoundSelect[int]:
    """Selects those of these contacts who have ever said anything about surveys: nobody else can object to them."""
    return union_all(
        consents.said(contact_ids, Consented.SURVEY), _refused(contact_ids).with_only_columns(_I.c.contact_id)
    )
