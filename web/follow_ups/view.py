"""What the pages of follow-ups show, read in one transaction."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.core import clock, topics
from crm.core.errors import InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.follow_ups import queries
from crm.follow_ups.models import FollowUpKind
from crm.follow_ups.queries import Colleague, FollowUpView, ListView
from crm.follow_ups.service import To
from crm.follow_ups.when import Day, Lateness
from crm.messages import queries as messages
from crm.messages.queries import MessageView
from crm.messages.templates import MessageTemplate
from web.edge.fields import id_of
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.live.hub import Rendered
from web.wiring import Runtime


class Whose(StrEnum):
    MINE = "mine"
    LIST = "list"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Which:
    """Which follow-ups a page shows."""

    whose: Whose
    list_id: int | None = None

    @property
    def socket(self) -> str:
        """The name of its live socket."""
        return {Whose.MINE: "follow-ups", Whose.ALL: "follow-ups-all"}.get(self.whose, f"list-{self.list_id}")


@dataclass(frozen=True, slots=True)
class Choices:
    """To whom a follow-up can be given."""

    me: int
    lists: tuple[ListView, ...]
    colleagues: tuple[Colleague, ...]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that did not arrive at somebody who is no contact."""

    message: MessageView
    template: MessageTemplate


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page's follow-ups by how late they are, and the other pages there are."""

    which: Which
    of_list: ListView | None
    groups: tuple[tuple[Lateness, tuple[FollowUpView, ...]], ...]
    shown: int
    full: bool  # there may be more
    mine: int
    lists: tuple[ListView, ...]
    undelivered: tuple[Undelivered, ...] = ()


def contracts(session: Session, by: Principal) -> frozenset[int]:
    """The contracts on whose follow-ups somebody works: his, and those of his single enti."""
    single = (enti.contracts_of(session, one) for one in by.enti_for(Permission.CONTACT_RECORD))
    return by.contracts_for(Permission.CONTACT_RECORD).union(*single)


def render(runtime: Runtime, visit: Visit, which: Which) -> Rendered:
    """The page's one region."""
    scope = visit.scope(Permission.CONTACT_RECORD)
    with runtime.database.begin(scope) as session:
        sheet = read(session, visit.principal, which)
        badges, at = enti.badges(session), clock.now(session)
        watched = contracts(session, visit.principal)
    html = fragment(
        "follow_ups/todo.html", visit.language, sheet=sheet, badges=badges, now=at, visit=visit, most=queries.MOST
    )
    return Rendered({"todo": html}, frozenset(topics.follow_ups(one) for one in watched))


def read(session: Session, by: Principal, which: Which) -> Sheet:
    """Raises `ForbiddenError` and `NotFoundError` for what is not `by`'s to see."""
    held = contracts(session, by)
    lists = queries.lists(session, held)
    of_list = next((one for one in lists if one.id == which.list_id), None)
    owed = queries.of_owner(session, by.user_id)
    match which.whose:
        case Whose.MINE:
            found = owed
        case Whose.LIST:
            if of_list is None:
                raise NotFoundError("Questo elenco non esiste, o è stato chiuso.")
            found = queries.of_list(session, of_list.id)
        case Whose.ALL:
            by.require(Permission.FOLLOW_UP_MANAGE)
            found = queries.of_all(session, by.contracts_for(Permission.FOLLOW_UP_MANAGE))
    lost: tuple[Undelivered, ...] = ()
    if which.whose is Whose.ALL:
        seen_to = frozenset().union(
            *(enti.enti_of(session, one) for one in by.contracts_for(Permission.FOLLOW_UP_MANAGE))
        )
        found_lost = messages.undelivered(session, seen_to)
        lost = tuple(Undelivered(one, MessageTemplate(one.template)) for one in found_lost)
    groups = tuple((late, tuple(some)) for late, some in groupby(found, key=lambda one: one.late))
    return Sheet(which, of_list, groups, len(found), len(found) == queries.MOST, len(owed), tuple(lists), lost)


def choices(session: Session, by: Principal, ente_id: int) -> Choices:
    """To whom a follow-up of an ente can be given."""
    held = contracts(session, by) & enti.contracts_of(session, ente_id)
    people = queries.colleagues(session, contract_ids=held, ente_id=ente_id)
    return Choices(
        by.user_id, tuple(queries.lists(session, held)), tuple(one for one in people if one.id != by.user_id)
    )


def assignee(by: Principal, text: str) -> To:
    """What was chosen: `me`, `user:5` or `list:3`. Raises `InvalidError`."""
    if text == "me":
        return To(user_id=by.user_id)
    kind, _, number = text.partition(":")
    if kind in {"user", "list"} and (id_ := id_of(number)) is not None:
        return To(user_id=id_) if kind == "user" else To(list_id=id_)
    raise InvalidError("Scegli a chi tocca.", field="to")


KINDS = tuple(one for one in FollowUpKind if one is not FollowUpKind.CASE)  # a request is registered as such
DAYS = tuple(Day)
