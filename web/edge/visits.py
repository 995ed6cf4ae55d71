"""Who visits: the signed-in principal of a request, and the CSRF check on whatever changes something."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Form, Header, Request
from sqlalchemy.orm import Session

from crm.access import service as access
from crm.access.permissions import Permission, Principal
from crm.core.db import Scope
from crm.core.errors import InvalidError
from crm.drafts import service as drafts
from crm.drafts.places import Place
from web.edge.i18n import chosen
from web.wiring import Runtime

COOKIE = "filodiretto_session"


class SignInNeededError(Exception):
    """Nobody is signed in; `back` is where to go afterwards."""

    def __init__(self, back: str) -> None:
        super().__init__("sign-in needed")
        self.back = back


class CsrfError(Exception):
    """A form came without the token of its session: the page is stale, or the form is somebody else's."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Where somebody has the keys of the pages: those that he moved, by their names; or that he wants none."""

    moved: Mapping[str, str] = field(default_factory=dict)
    off: bool = False


@dataclass(frozen=True, slots=True)
class Writing:
    """The form that a request comes from, and which showing of it: what is typed into it is a draft."""

    place: Place
    showing: UUID


@dataclass(frozen=True, slots=True)
class Visit:
    """A signed-in request. `coverage`: the enti that each contract of his covers."""

    principal: Principal
    csrf_token: str
    language: str
    coverage: Mapping[int, frozenset[int]] = field(default_factory=dict, hash=False)
    keys: Keys = field(default_factory=Keys, hash=False)
    writing: Writing | None = None

    def sent(self, session: Session) -> None:
        """The form of this request is done with: nothing of it is a draft any more."""
        if self.writing is not None:
            drafts.forget(session, self.principal, place=self.writing.place, writing=self.writing.showing)

    def scope(self, permission: Permission) -> Scope:
        """What the visitor may see for this purpose. Raises `ForbiddenError` when it is nothing."""
        self.principal.require(permission)
        return access.scope_of(self.coverage, self.principal, permission)

    def granted_scope(self, *permissions: Permission) -> Scope:
        """The same with the enti that keep the visitor away: they are told of what he does all the same.

        For changes to a contract, or to others' roles; never for reading. Raises `ForbiddenError` when it is nothing.
        """
        held = [one for one in permissions if self.principal.can(one)]
        if not held:
            self.principal.require(permissions[0])
        scopes = [access.granted_scope_of(self.coverage, self.principal, one) for one in held]
        enti = (one.enti or frozenset() for one in scopes)
        return Scope.of_enti(frozenset().union(*enti), frozenset().union(*(one.contracts for one in scopes)))


def runtime_of(request: Request) -> Runtime:
    """The process's parts."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def visit_of(runtime: Runtime, token: str | None) -> Visit | None:
    """The visit behind a session cookie."""
    if not token:
        return None
    with runtime.database.begin(Scope.nothing()) as session:
        signed_in = access.resume(session, token)
    if signed_in is None:
        return None
    principal = signed_in.principal
    keys = _keys(signed_in.shortcuts)
    return Visit(principal, signed_in.csrf_token, chosen(principal.language), signed_in.coverage, keys)


def _keys(kept: Mapping[str, Any]) -> Keys:
    return Keys(kept.get("keys", {}), bool(kept.get("off")))


def visitor(request: Request) -> Visit:
    """Whoever is signed in. Raises `SignInNeededError`."""
    visit = visit_of(runtime_of(request), request.cookies.get(COOKIE))
    if visit is None:
        raise SignInNeededError(quote(request.url.path))
    return visit


def changing_visitor(
    request: Request,
    csrf: Annotated[str, Form()] = "",
    x_csrf_token: Annotated[str, Header()] = "",
) -> Visit:
    """Whoever is signed in and proves that the form is his own page's."""
    visit = visitor(request)
    if not hmac.compare_digest((x_csrf_token or csrf).encode(), visit.csrf_token.encode()):
        raise CsrfError
    return replace(visit, writing=_writing(request))


def _writing(request: Request) -> Writing | None:
    """As the page says it beside the form's own fields (`drafts.js`)."""
    try:
        return Writing(Place.parse(request.headers["x-draft"]), UUID(request.headers["x-draft-showing"]))
    except (KeyError, ValueError, InvalidError):
        return None


async def _runtime(request: Request) -> Runtime:
    """Asynchronous for it has nothing to wait for: a plain function would be sent to another thread and back."""
    return runtime_of(request)


RuntimeDep = Annotated[Runtime, Depends(_runtime)]
VisitDep = Annotated[Visit, Depends(visitor)]
ChangeDep = Annotated[Visit, Depends(changing_visitor)]
