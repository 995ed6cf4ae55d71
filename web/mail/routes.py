"""The inbox: its folders, one correspondence beside them, who writes and what he is answered."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.drafts import service as drafts
from crm.drafts.places import FormKind, Place
from crm.enti import queries as enti
from telephony.calls.choices import Topic
from telephony.mail import deeds, enclosing, queries, requests
from telephony.mail.queries import Folder
from web.contacts.box import look
from web.drafts.written import Written
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.requests import content_security_policy
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.mail import live, replies
from web.mail.live import Which
from web.wiring import Runtime

router = APIRouter(prefix="/mail", include_in_schema=False)
FieldText = Annotated[str, Form()]
MOST_TYPED = 7_000  # of what an answer may hold: the signature, and more, comes below


@router.get("")
def inbox(
    request: Request, runtime: RuntimeDep, visit: VisitDep, folder: Folder = Folder.OPEN, box: str = "",
    after: str = "", last: Annotated[UUID | None, Query()] = None,
) -> Response:  # fmt: skip
    """A folder."""
    return _page(request, runtime, visit, folder=folder, box=box, after=_place(after, last))


@router.post("/search")
def search(request: Request, runtime: RuntimeDep, visit: ChangeDep, q: FieldText = "") -> Response:
    """The correspondences with a code or an address, which stand in no address of ours."""
    return _page(request, runtime, visit, asked=q.strip()[:254])


@router.get("/{thread}")
def one(
    request: Request, runtime: RuntimeDep, visit: VisitDep, thread: UUID, folder: Folder = Folder.OPEN, box: str = ""
) -> Response:  # fmt: skip
    """A correspondence, beside its folder."""
    return _page(request, runtime, visit, folder=folder, box=box, thread=thread)


@router.post("/{thread}/answer")
def answer(
    runtime: RuntimeDep, visit: ChangeDep, thread: UUID, version: Annotated[int, Form()],
    once: Annotated[UUID, Form()], text: FieldText = "", sure: Annotated[bool, Form()] = False,
    copied: Annotated[tuple[str, ...], Form()] = (), quotes: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """Write back."""
    words = translations(visit.language)

    def work(session: Session) -> None:
        deeds.answer(
            session, visit.principal, thread_id=thread, version=version, text=text, once=once, sure=sure,
            copied=copied, quotes=quotes,
        )  # fmt: skip
        visit.sent(session)

    return _do(
        runtime, visit, work, words.gettext("Parte fra qualche secondo: finché non è partita la puoi annullare.")
    )


@router.post("/{thread}/answering")
def answering(runtime: RuntimeDep, visit: ChangeDep, thread: UUID) -> Response:
    """He has begun to write: colleagues see it."""
    work = _with(visit, deeds.begin, thread_id=thread)
    runtime.database.transact(visit.scope(Permission.MAIL_ANSWER), work)
    return Response(status_code=204)


@router.post("/{thread}/undo")
def undo(runtime: RuntimeDep, visit: ChangeDep, thread: UUID, mail: Annotated[UUID, Form()]) -> Response:
    """Take an answer back."""
    words = translations(visit.language)

    def work(session: Session) -> None:
        text = deeds.undo(session, visit.principal, mail_id=mail)
        drafts.save(session, visit.principal, place=place_of(thread), writing=uuid4(), fields={"text": [text]})

    return _do(
        runtime, visit, work, words.gettext("Annullata: non è partita. Il testo è di nuovo sotto, da correggere.")
    )


@router.post("/{thread}/assign")
def assign(runtime: RuntimeDep, visit: ChangeDep, thread: UUID, to: FieldText = "") -> Response:
    """Somebody looks after it, or nobody in person."""
    words = translations(visit.language)
    agent_id = int(to) if to.isdecimal() and len(to) < 18 else None
    return _do(
        runtime, visit, _with(visit, deeds.assign, thread_id=thread, agent_id=agent_id), words.gettext("Salvato.")
    )


@router.post("/{thread}/topic")
def topic(runtime: RuntimeDep, visit: ChangeDep, thread: UUID, topic: FieldText = "") -> Response:
    """What it is about."""
    words = translations(visit.language)
    chosen = Topic(topic) if topic in set(Topic) else None
    return _do(runtime, visit, _with(visit, deeds.about, thread_id=thread, topic=chosen), words.gettext("Salvato."))


@router.post("/{thread}/identify")
def identify(runtime: RuntimeDep, visit: ChangeDep, thread: UUID, contact: Annotated[int, Form()]) -> Response:
    """Who writes."""
    words = translations(visit.language)
    return _do(
        runtime, visit, _with(visit, deeds.identify, thread_id=thread, contact_id=contact), words.gettext("Salvato.")
    )


@router.post("/{thread}/disown")
def disown(runtime: RuntimeDep, visit: ChangeDep, thread: UUID) -> Response:
    """It is somebody else."""
    words = translations(visit.language)
    return _do(runtime, visit, _with(visit, deeds.disown, thread_id=thread), words.gettext("Salvato."))


@router.post("/{thread}/close")
def close(runtime: RuntimeDep, visit: ChangeDep, thread: UUID) -> Response:
    """Nothing more is to be done."""
    words = translations(visit.language)
    return _do(runtime, visit, _with(visit, deeds.close, thread_id=thread), words.gettext("Chiusa."), at="/mail")


@router.post("/{thread}/reopen")
def reopen(runtime: RuntimeDep, visit: ChangeDep, thread: UUID) -> Response:
    """Somebody is to answer after all."""
    words = translations(visit.language)
    return _do(runtime, visit, _with(visit, deeds.reopen, thread_id=thread), words.gettext("Riaperta."))


@router.post("/{thread}/search")
def who(
    runtime: RuntimeDep, visit: ChangeDep, thread: UUID, q: FieldText = "", follows: Annotated[bool, Form()] = False
) -> Response:  # fmt: skip
    """Who may be writing, in the ente of the mailbox, or all of its contract."""
    visit.principal.require(Permission.MAIL_ANSWER)
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        _, box = queries.thread(session, visit.principal, thread)
        among = frozenset({box.ente_id}) if box.ente_id is not None else enti.enti_of(session, box.contract_id)
        found = look(session, visit, q, follows=follows, among=among)
    return HTMLResponse(fragment("mail/_results.html", visit.language, look=found, thread=thread))


def place_of(thread: UUID) -> Place:
    """Where what is typed as an answer is kept."""
    return Place(FormKind.MAIL, 0, thread.hex)


def frames(runtime: Runtime) -> str:
    """The policy of the page: it shows a letter's HTML in a frame of our own, which may do nothing."""
    return f"{content_security_policy(runtime.carrier.origins())}; frame-src 'self'"


def _page(
    request: Request, runtime: Runtime, visit: Visit, *, folder: Folder = Folder.OPEN, box: str = "",
    after: tuple[datetime, UUID] | None = None, thread: UUID | None = None, asked: str = "",
) -> Response:  # fmt: skip
    by, which = visit.principal, Which(folder, box, thread)
    with runtime.database.begin(visit.scope(Permission.MAIL_ANSWER)) as session:
        said = live.listing(session, by, which, after=after)
        if asked:
            said |= {"rows": queries.found(session, asked, boxes=[one.id for one in said["boxes"]]), "more": False}
        shown: dict[str, Any] = {"found": None, "names": {}}
        if thread is not None:
            found = deeds.look(session, by, thread)
            place, colleagues = place_of(thread), live.colleagues(session, found)
            shown = {
                "case": requests.of_thread(session, found.thread),
                "found": found, "place": str(place), "written": Written.of(session, visit, [place]),
                "colleagues": colleagues, "names": {one.id: one.name for one in colleagues},
                "may_tell": queries.may_be_told(session, found.thread),
                "others": queries.others(queries.last_of(session, found.thread), found.box),
                "replies": replies.offered(session, by, found), "enclosed": enclosing.written(session, by, thread),
                "most_bytes": enclosing.MOST_BYTES, "most_text": MOST_TYPED,
            }  # fmt: skip
    answer = page(
        request, "mail/page.html", visit.language, visit=visit, csrf=visit.csrf_token, folders=Folder, topics=Topic,
        once=uuid4(), live="" if asked or after else which.socket, **(said | {"asked": asked} | shown),
    )  # fmt: skip
    answer.headers["content-security-policy"] = frames(runtime)
    return answer


def _place(after: str, last: UUID | None) -> tuple[datetime, UUID] | None:
    try:
        at = datetime.fromisoformat(after)
    except ValueError:
        return None
    return (at, last) if last is not None and at.tzinfo is not None else None


def _with(visit: Visit, deed: Callable[..., object], **about: Any) -> Callable[[Session], object]:
    return lambda session: deed(session, visit.principal, **about)


def _do(
    runtime: Runtime, visit: Visit, work: Callable[[Session], object], said: str, *, at: str | None = None
) -> Response:  # fmt: skip
    runtime.database.transact(visit.scope(Permission.MAIL_ANSWER), work)
    return shown_anew(said, at=at)
