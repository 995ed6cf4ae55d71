"""One's own page: language, password, second factor, and where one is signed in."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access import queries, second_factor, users
from crm.access import service as access
from crm.access.errors import SignInError
from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.continuity import notices
from crm.core.db import Scope
from crm.core.errors import FieldError
from crm.enti import queries as enti
from crm.monitoring import queries as monitoring
from crm.monitoring.lock import Use
from telephony.agents import queries as agents
from telephony.quality import queries as quality
from telephony.queues.figures import figures_locked
from telephony.staffing import queries as staffing
from web.edge.templating import THEME_COOKIE, THEMES, fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.people import answers
from web.people.routes import EYELID
from web.sign_in.parts import SEE_OTHER, browser_of, set_cookie
from web.sign_in.steps import qr_code
from web.wiring import Runtime

router = APIRouter(prefix="/me", include_in_schema=False)
TextField = Annotated[str, Form()]
LANGUAGES = {"it": "Italiano", "en": "English"}  # each in its own words
A_YEAR_S = 365 * 86_400


@router.get("")
def me(request: Request, runtime: RuntimeDep, visit: VisitDep, done: str = "") -> Response:
    """Everything of one's own."""
    by = visit.principal
    with runtime.database.begin(Scope.nothing()) as session:
        user = session.get_one(User, by.user_id)
        grants = [one for one in queries.grants(session, [by.user_id]) if one.in_force is not False]
        contracts = {one.contract_id: enti.contract_name(session, one.contract_id) for one in grants if one.contract_id}
        context: dict[str, Any] = {
            "user": user, "grants": grants, "contracts": contracts, "enti": enti.badges(session),
            "sessions": queries.sessions(session, user_id=by.user_id, this=by.session_id),
            "identities": queries.identities(session, user_id=by.user_id),
            "follows": notices.follows(session, by.user_id),
            "changed": done == "password", "eyelid": EYELID, "factor": second_factor.state(session, by.user_id),
            "day": agents.own_day(session, by), "shifts": staffing.own_days(session, by),
            **_watched(session, by),
            "factor_needed": second_factor.needed(session, by.user_id, runtime.second_factor),
        }  # fmt: skip
    if by.can(Permission.CALLS_ANSWER):
        with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
            context["new_evaluations"] = quality.unseen(session, by)
    providers = {one.key: one.label for one in runtime.settings.oidc_providers}
    return page(
        request,
        "me/page.html",
        visit.language,
        languages=LANGUAGES,
        visit=visit,
        csrf=visit.csrf_token,
        providers=providers,
        **context,
    )


@router.post("/theme")
def theme(runtime: RuntimeDep, _visit: ChangeDep, theme: Annotated[str, Form()]) -> Response:
    """Light or dark in this browser from now on, or as the device has it."""
    response = RedirectResponse("/me", SEE_OTHER)
    if theme in THEMES:
        set_cookie(runtime, response, THEME_COOKIE, theme, A_YEAR_S)
    else:
        response.delete_cookie(THEME_COOKIE)
    return response


@router.post("/password")
def change_password(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, current: TextField = "", password: TextField = "",
    repeated: TextField = "",
) -> Response:  # fmt: skip
    """Another password; every other session ends."""
    by = visit.principal
    user = _confirmed(request, runtime, visit, current)
    hashed = users.checked_hash(user, password, repeated)

    def work(session: Session) -> None:
        users.set_password(session, user_id=by.user_id, password_hash=hashed, keep_session=by.session_id)

    runtime.database.transact(Scope.nothing(), work)
    return answers.done(request, "/me?done=password")


@router.post("/sessions/others/end")
def end_others(request: Request, runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Sign out every other browser."""
    runtime.database.transact(Scope.nothing(), lambda session: users.end_other_sessions(session, visit.principal))
    return answers.done(request, "/me")


@router.post("/sessions/{session_id}/end")
def end_one(request: Request, runtime: RuntimeDep, visit: ChangeDep, session_id: int) -> Response:
    """Sign out one browser."""

    def work(session: Session) -> None:
        users.end_own_session(session, visit.principal, session_id=session_id)

    runtime.database.transact(Scope.nothing(), work)
    return answers.done(request, "/me")


@router.post("/second-factor")
def begin_factor(request: Request, runtime: RuntimeDep, visit: ChangeDep, current: TextField = "") -> Response:
    """Show the secret, to whoever knows the password: a page left open is not enough."""
    _confirmed(request, runtime, visit, current)
    by = visit.principal

    def work(session: Session) -> second_factor.Enrolment:
        return second_factor.enrol(session, user_id=by.user_id, session_id=by.session_id)

    told = runtime.database.transact(Scope.nothing(), work)
    return _piece(request, visit, "me/enrol.html", secret=told.secret, qr=qr_code(told.uri))


@router.post("/second-factor/confirm")
def confirm_factor(request: Request, runtime: RuntimeDep, visit: ChangeDep, code: TextField = "") -> Response:
    """The first code. Shows the recovery codes, once."""
    by = visit.principal

    def work(session: Session) -> list[str]:
        return second_factor.confirm(session, user_id=by.user_id, session_id=by.session_id, code=code)

    return _piece(request, visit, "me/codes.html", codes=runtime.database.transact(Scope.nothing(), work))


@router.post("/second-factor/codes")
def renew_codes(request: Request, runtime: RuntimeDep, visit: ChangeDep, code: TextField = "") -> Response:
    """Other recovery codes."""
    _counted(request, runtime, visit)

    def work(session: Session) -> list[str]:
        codes = second_factor.renew_codes(session, visit.principal, code=code)
        access.forgive_codes(session, user_id=visit.principal.user_id)
        return codes

    return _piece(request, visit, "me/codes.html", codes=runtime.database.transact(Scope.nothing(), work))


@router.post("/second-factor/off")
def factor_off(request: Request, runtime: RuntimeDep, visit: ChangeDep, code: TextField = "") -> Response:
    """Do without a second factor, where that is allowed."""
    _counted(request, runtime, visit)

    def work(session: Session) -> None:
        second_factor.take_off(session, visit.principal, code=code, policy=runtime.second_factor)
        access.forgive_codes(session, user_id=visit.principal.user_id)

    runtime.database.transact(Scope.nothing(), work)
    return answers.done(request, "/me")


def _watched(session: Session, by: Principal) -> dict[str, Any]:
    """What may be looked at of his work."""
    return {
        "watched": monitoring.told_to(session, by), "works": by.can(Permission.CALLS_ANSWER), "uses": tuple(Use),
        "figures_open": figures_locked(session, [by.user_id])[by.user_id] is None,
    }  # fmt: skip


def _confirmed(request: Request, runtime: Runtime, visit: Visit, current: str) -> User:
    """The visitor's user, once he has said his password again; attempts are counted as when signing in."""
    browser = browser_of(request)
    with runtime.database.begin(Scope.nothing()) as session:
        user = session.execute(select(User).where(User.id == visit.principal.user_id)).scalar_one()
        known = access.attempt(session, username=user.username, address=browser.address, device=browser.device)
    try:
        access.check(known, current)
    except SignInError:
        raise FieldError("La password di adesso non è giusta.", "current") from None
    with runtime.database.begin(Scope.nothing()) as session:
        access.forgive(session, username=user.username, device=browser.device)
    return user


def _counted(request: Request, runtime: Runtime, visit: Visit) -> None:
    with runtime.database.begin(Scope.nothing()) as session:
        access.attempt_code(session, user_id=visit.principal.user_id, address=browser_of(request).address)


def _piece(request: Request, visit: Visit, template: str, **context: object) -> Response:
    """A part of the page for htmx; the same on a page of its own without scripts."""
    html = fragment(template, visit.language, csrf=visit.csrf_token, **context)
    if "hx-request" in request.headers:
        return HTMLResponse(html)
    return page(request, "me/piece.html", visit.language, visit=visit, csrf=visit.csrf_token, piece=html)
