"""Users: who they are, what they may do where, how they sign in, and what was done to them."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Annotated, TypeVar

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access import queries, users
from crm.access.authority import Subject
from crm.access.models import Role
from crm.access.permissions import Permission
from crm.access.queries import SHOWN, Filter
from crm.access.service import scope_for
from crm.access.users import Person
from crm.core.db import Scope
from crm.core.errors import FieldError
from crm.enti import queries as enti
from crm.staff import queries as staff
from web.edge.fields import day_of, id_of
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.people.answers import done
from web.wiring import Runtime

router = APIRouter(prefix="/people", include_in_schema=False)
T = TypeVar("T")
TextField = Annotated[str, Form()]
EYELID = timedelta(microseconds=1)  # a role ends at midnight: its last day is the one before


@router.get("")
def people(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The users, and the form that makes another."""
    return _list(request, runtime, visit, Filter(), 0)


@router.post("/search")
def search(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, text: TextField = "", role: TextField = "",
    ente: TextField = "", active: TextField = "yes", offset: Annotated[int, Form(ge=0)] = 0,
) -> Response:  # fmt: skip
    """Some of the users. A search is sent, not written into an address: it may hold a name."""
    wanted = Filter(
        text[:100], Role(role) if role in set(Role) else None, id_of(ente),
        {"yes": True, "no": False}.get(active),
    )  # fmt: skip
    return _list(request, runtime, visit, wanted, offset)


@router.post("")
def create(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, username: TextField = "", name: TextField = "",
    qualification: TextField = "", email: TextField = "",
) -> Response:  # fmt: skip
    """Another user. His page comes next: it gives him roles, and the link by which he chooses his password."""
    person = Person(username, name, qualification, email)
    made = _change(runtime, visit, lambda session: users.create(session, visit.principal, person=person))
    return done(request, f"/people/{made}")


@router.get("/{user_id}")
def person(request: Request, runtime: RuntimeDep, visit: VisitDep, user_id: int) -> Response:
    """One user."""
    scope = visit.granted_scope(Permission.USER_MANAGE)
    with runtime.database.begin(scope) as session:
        account = queries.account(session, visit.principal, user_id=user_id)
        names = enti.badges(session)
        contracts = {one: enti.contract_name(session, one) for one in _contracts(account.grants, scope)}
        readable = scope_for(session, visit.principal, Permission.ACCESS_READ).enti or frozenset()
        away = [
            one
            for ente_id in sorted(readable & (scope.enti or frozenset()))
            for one in staff.removed(session, visit.principal, ente_id)
            if one.user_id == user_id
        ]
    return page(
        request, "people/person.html", visit.language, visit=visit, csrf=visit.csrf_token, account=account,
        user=account.user, roles=list(Role), enti=names, contracts=contracts, own=user_id == visit.principal.user_id,
        mine=scope, away=away, role_of=Role, eyelid=EYELID,
        providers={one.key: one for one in runtime.settings.oidc_providers},
    )  # fmt: skip


@router.post("/{user_id}")
def edit(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, user_id: int, username: TextField = "",
    name: TextField = "", qualification: TextField = "", email: TextField = "",
) -> Response:  # fmt: skip
    """Another name, user name, qualification or address."""
    person = Person(username, name, qualification, email)
    _change(runtime, visit, lambda session: users.edit(session, visit.principal, user_id=user_id, person=person))
    return done(request, f"/people/{user_id}")


@router.post("/{user_id}/link")
def link(request: Request, runtime: RuntimeDep, visit: ChangeDep, user_id: int) -> Response:
    """A one-time link, shown once: nobody can ask for the same again."""
    token = _change(runtime, visit, lambda session: users.make_link(session, visit.principal, user_id=user_id))
    address = f"{runtime.settings.public_url}/welcome/{token}"
    html = fragment(
        "people/link.html", visit.language, address=address, hours=int(users.LINK_LIFE.total_seconds() // 3600)
    )
    if "hx-request" in request.headers:
        return Response(html, media_type="text/html")
    return page(request, "people/link_page.html", visit.language, visit=visit, csrf=visit.csrf_token, link=html,
                user_id=user_id)  # fmt: skip


@router.post("/{user_id}/active")
def set_active(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, user_id: int, active: Annotated[bool, Form()]
) -> Response:
    """Disable or enable an account."""

    def work(session: Session) -> None:
        users.set_active(session, visit.principal, user_id=user_id, active=active)

    _change(runtime, visit, work)
    return done(request, f"/people/{user_id}")


@router.post("/{user_id}/sign-out")
def end_sessions(request: Request, runtime: RuntimeDep, visit: ChangeDep, user_id: int) -> Response:
    """End every session of somebody's."""
    _change(runtime, visit, lambda session: users.end_sessions(session, visit.principal, user_id=user_id))
    return done(request, f"/people/{user_id}")


@router.post("/{user_id}/second-factor/reset")
def reset_second_factor(request: Request, runtime: RuntimeDep, visit: ChangeDep, user_id: int) -> Response:
    """Somebody lost his telephone and his codes."""
    _change(runtime, visit, lambda session: users.reset_second_factor(session, visit.principal, user_id=user_id))
    return done(request, f"/people/{user_id}")


@router.post("/{user_id}/grants")
def grant(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, user_id: int, role: TextField = "", on: TextField = "",
    starts_on: TextField = "", ends_on: TextField = "",
) -> Response:  # fmt: skip
    """A role. `on` is `ente:ID` or `contract:ID`."""
    if role not in set(Role):
        raise FieldError("Scegli un ruolo.", "role")
    begins, ends = _day(starts_on, "starts_on"), _day(ends_on, "ends_on")
    subject = _subject(on)

    def work(session: Session) -> None:
        users.grant(
            session, visit.principal, user_id=user_id, role=Role(role), on=subject, starts_on=begins, ends_on=ends
        )

    _change(runtime, visit, work)
    return done(request, f"/people/{user_id}")


@router.post("/grants/{grant_id}/revoke")
def revoke(request: Request, runtime: RuntimeDep, visit: ChangeDep, grant_id: int) -> Response:
    """End a role now."""
    whose = _change(runtime, visit, lambda session: users.revoke(session, visit.principal, grant_id=grant_id))
    return done(request, f"/people/{whose}")


@router.post("/{user_id}/identities")
def link_identity(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, user_id: int, provider: TextField = "",
    subject: TextField = "",
) -> Response:  # fmt: skip
    """Somebody is known at an identity provider by this subject."""
    if provider not in runtime.oidc:
        raise FieldError("Scegli un servizio di accesso.", "provider")
    issuer = runtime.oidc[provider].provider.issuer

    def work(session: Session) -> None:
        users.link_identity(
            session, visit.principal, user_id=user_id, provider=provider, issuer=issuer, subject=subject
        )

    _change(runtime, visit, work)
    return done(request, f"/people/{user_id}")


@router.post("/{user_id}/identities/{identity_id}/unlink")
def unlink_identity(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, user_id: int, identity_id: int
) -> Response:
    """Somebody no longer signs in through a provider."""

    def work(session: Session) -> None:
        users.unlink_identity(session, visit.principal, user_id=user_id, identity_id=identity_id)

    _change(runtime, visit, work)
    return done(request, f"/people/{user_id}")


def _list(request: Request, runtime: Runtime, visit: Visit, wanted: Filter, offset: int) -> Response:
    scope = visit.granted_scope(Permission.USER_MANAGE)
    with runtime.database.begin(scope) as session:
        found, more = queries.users(session, visit.principal, wanted=wanted, offset=offset)
        names, mine = enti.badges(session), enti.badges(session, scope.enti)
        all_grants = [one for user in found for one in user.grants]
        contracts = {one: enti.contract_name(session, one) for one in _contracts(all_grants, scope)}
    return page(
        request, "people/list.html", visit.language, visit=visit, csrf=visit.csrf_token, users=found, more=more,
        wanted=wanted, offset=offset, shown=SHOWN, roles=list(Role), enti=names, mine=mine, contracts=contracts,
        eyelid=EYELID,
    )  # fmt: skip


def _change(runtime: Runtime, visit: Visit, work: Callable[[Session], T]) -> T:
    return runtime.database.transact(visit.granted_scope(Permission.USER_MANAGE), work)


def _contracts(grants: Iterable[queries.Grant], scope: Scope) -> list[int]:
    named = {one.contract_id for one in grants if one.contract_id is not None} | set(scope.contracts)
    return sorted(named)


def _subject(text: str) -> Subject:
    kind, _, number = text.partition(":")
    if kind not in {"ente", "contract"} or (on := id_of(number)) is None:
        raise FieldError("Scegli dove vale il ruolo.", "on")
    return Subject(ente_id=on) if kind == "ente" else Subject(contract_id=on)


def _day(text: str, field: str) -> date | None:
    if not text.strip():
        return None
    try:
        return day_of(text)
    except ValueError:
        raise FieldError("La data non esiste: scrivila come giorno, mese e anno.", field) from None
