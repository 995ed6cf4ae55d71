"""The steps of a request to the ente, without signing in: what about, what happened, papers, who sends it, all of it.

They are made as those of a booking are (`web.booking`): a step's address holds the token of the draft and nothing about
anybody; each button sends what is typed, so that nothing is lost; no cookie, and no script is needed.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from crm.agendas import pace
from crm.agendas.pace import Ask
from crm.agendas.sites import REQUESTS, Site
from crm.cases.documents import MOST_BYTES
from crm.cases.lifecycle import Topic
from crm.cases.submissions import drafts, following, rules
from crm.cases.submissions.drafts import Draft
from crm.core.errors import ConflictError, DomainError, FieldError, InvalidError
from web.booking.place import CitizensRoute, onward, require_pace, shown, site_of, spoken, work
from web.cases import files
from web.edge.errors import status_of
from web.edge.i18n import said
from web.edge.visits import RuntimeDep
from web.wiring import Runtime

PATH, FOLLOW = REQUESTS, "segui"
STEPS = ("tema", "racconto", "allegati", "contatti", "riepilogo")
LONGEST = rules.MOST_REASONS * 2  # characters of a field that is kept as typed
FIELDS = {"racconto": ("reasons", "asked"), "contatti": tuple(rules.LONGEST)}
router = APIRouter(prefix=PATH, include_in_schema=False, route_class=CitizensRoute)
Text = Annotated[str, Form()]


@router.get("/{slug}")
def ask_topic(request: Request, runtime: RuntimeDep, slug: str, lang: str = "", draft: str = "") -> Response:
    """Step 1: what about, and what becomes of what he writes. Whoever comes back from a later step brings his draft."""
    return _topic(request, runtime, site_of(runtime, slug), spoken(request, lang), draft)


@router.post("/{slug}")
def begin(
    request: Request, runtime: RuntimeDep, slug: str, topic: Text = "", lang: Text = "", draft: Text = ""
) -> Response:  # fmt: skip
    """It is chosen: what happened follows."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.BEGIN)
    language = spoken(request, lang)
    if topic not in {one.value for one in rules.ANONYMOUS}:
        wrong = {"topic": said(language, str(InvalidError("Scegli di che cosa si tratta.")))}
        return _topic(request, runtime, site, language, draft, wrong=wrong, status=422)
    about = {"topic": Topic(topic), "language": language, "again": draft}
    token = work(runtime, site, lambda s: drafts.begin(s, ente_id=site.ente_id, **about))  # type: ignore[arg-type]
    return onward(_at(site, token, "racconto"))


@router.get("/{slug}/{token}/racconto")
def ask_story(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """Step 2: what happened, what is asked for."""
    return _step(request, runtime, site_of(runtime, slug), token, "racconto")


@router.post("/{slug}/{token}/racconto")
def tell_story(
    request: Request, runtime: RuntimeDep, slug: str, token: str, reasons: Text = "", asked: Text = ""
) -> Response:  # fmt: skip
    """What he writes, with what is wrong beside each field."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.WRITE)
    _jot(runtime, site, token, reasons=reasons, asked=asked)
    try:
        rules.story(rules.Told(reasons=reasons, asked=asked))
    except InvalidError as error:
        return _step(request, runtime, site, token, "racconto", error=error)
    return onward(_at(site, token, "allegati"))


@router.get("/{slug}/{token}/allegati")
def ask_files(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """Step 3: papers and pictures, if there are any."""
    return _step(request, runtime, site_of(runtime, slug), token, "allegati")


@router.post("/{slug}/{token}/allegati")
def tell_files(
    request: Request, runtime: RuntimeDep, slug: str, token: str, file: UploadFile | None = None, do: Text = "",
    drop: Text = "",
) -> Response:  # fmt: skip
    """A file is added (`do` is `add`, or he goes on with one chosen), or one taken away (`drop`)."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.FILE)
    if drop:
        work(
            runtime, site,
            lambda s: drafts.drop_file(s, ente_id=site.ente_id, token=token, file_id=_uuid(drop)),
        )  # fmt: skip
        return onward(_at(site, token, "allegati"))
    try:
        if file is not None and file.filename:
            _take(runtime, site, token, file)
        elif do == "add":
            raise FieldError("Prima scegli un file dal tuo dispositivo.", "file")
    except DomainError as error:
        return _step(request, runtime, site, token, "allegati", error=error)
    return onward(_at(site, token, "allegati" if do == "add" else "contatti"))


@router.get("/{slug}/{token}/contatti")
def ask_sender(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """Step 4: who he is, and where he is answered; nothing of it where the topic may be anonymous."""
    return _step(request, runtime, site_of(runtime, slug), token, "contatti")


@router.post("/{slug}/{token}/contatti")
def tell_sender(
    request: Request, runtime: RuntimeDep, slug: str, token: str, given_name: Text = "", surname: Text = "",
    codice_fiscale: Text = "", email: Text = "", phone: Text = "",
) -> Response:  # fmt: skip
    """Who he is, with what is wrong beside each field."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.WRITE)
    typed = {
        "given_name": given_name, "surname": surname, "codice_fiscale": codice_fiscale, "email": email, "phone": phone,
    }  # fmt: skip
    _jot(runtime, site, token, **typed)
    draft = _read(runtime, site, token)
    try:
        rules.sender(rules.Told(**typed), draft.topic)
    except InvalidError as error:
        return _step(request, runtime, site, token, "contatti", error=error)
    return onward(_at(site, token, "riepilogo"))


@router.get("/{slug}/{token}/riepilogo")
def summary(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """Step 5: all of it, once more."""
    return _step(request, runtime, site_of(runtime, slug), token, "riepilogo")


@router.post("/{slug}/{token}/riepilogo")
def send(request: Request, runtime: RuntimeDep, slug: str, token: str, answer: Text = "") -> Response:
    """It is sent. `answer` is that of the puzzle, where a browser has solved it."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.SEND if pace.solved(token, answer) else Ask.SEND_UNSOLVED)
    follow_at = follow_page(site, runtime.settings.public_url)
    try:
        work(runtime, site, lambda s: drafts.send(s, ente_id=site.ente_id, token=token, follow_at=follow_at))
    except InvalidError as error:
        wrong = {part.field for part in error.parts or (error,)}
        step = "racconto" if wrong & set(FIELDS["racconto"]) else "contatti"
        return _step(request, runtime, site, token, step, error=error)
    return onward(_at(site, token, "inviata"))


@router.get("/{slug}/{token}/inviata")
def done(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """It was sent: its number, and the code to follow it, to be kept."""
    site = site_of(runtime, slug)
    draft = _read(runtime, site, token)
    sent = draft.sent
    if sent is None:
        return onward(_at(site, token, "riepilogo"))
    followed = work(runtime, site, lambda s: following.view(s, case_id=sent.case_id))
    reached = work(runtime, site, lambda s: following.reached(s, case_id=sent.case_id))
    return shown(
        request, site, "done.html", draft.language, folder="submissions", sent=sent, followed=followed,
        topic=draft.topic, reached=reached, follow_at=follow_page(site, runtime.settings.public_url),
    )  # fmt: skip


@router.post("/{slug}/{token}/salva")
def keep(
    request: Request, runtime: RuntimeDep, slug: str, token: str, step: Text = "", to: Text = "", lang: Text = "",
    reasons: Text = "", asked: Text = "", given_name: Text = "", surname: Text = "", codice_fiscale: Text = "",
    email: Text = "", phone: Text = "",
) -> Response:  # fmt: skip
    """Keep what is typed on a step, as it is; then go `to` another, or on in another language."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.WRITE)
    typed = {
        "reasons": reasons, "asked": asked, "given_name": given_name, "surname": surname,
        "codice_fiscale": codice_fiscale, "email": email, "phone": phone,
    }  # fmt: skip
    at = to if to in STEPS else step if step in STEPS else "racconto"

    def write(session: Session) -> str:
        kept = {name: typed[name][:LONGEST] for name in FIELDS.get(step, ())}
        drafts.jot(session, ente_id=site.ente_id, token=token, **kept)
        return drafts.speak(session, ente_id=site.ente_id, token=token, language=lang) if lang else token

    token = work(runtime, site, write)
    if at == "tema":
        return onward(f"{PATH}/{site.slug}?lang={_read(runtime, site, token).language}&draft={token}")
    return onward(_at(site, token, at))


def follow_page(site: Site, public_url: str) -> str:
    """Where a request is followed, seen from outside."""
    return f"{site.page(public_url, PATH)}/{FOLLOW}"


def _at(site: Site, token: str, step: str) -> str:
    return f"{PATH}/{site.slug}/{token}/{step}"


def _read(runtime: Runtime, site: Site, token: str) -> Draft:
    return work(runtime, site, lambda s: drafts.read(s, ente_id=site.ente_id, token=token))


def _jot(runtime: Runtime, site: Site, token: str, **typed: str) -> None:
    kept = {name: value[:LONGEST] for name, value in typed.items()}
    work(runtime, site, lambda s: drafts.jot(s, ente_id=site.ente_id, token=token, **kept))


def _take(runtime: Runtime, site: Site, token: str, file: UploadFile) -> None:
    """Its draft is asked for before anything is stored."""
    if len(_read(runtime, site, token).files) >= rules.MOST_FILES:
        raise ConflictError(f"Ci sono già {rules.MOST_FILES} file: per aggiungerne un altro togline uno.")
    content, brought = files.checked(runtime, file)
    files.store(runtime, site.ente_id, content, brought)
    work(runtime, site, lambda s: drafts.add_file(s, ente_id=site.ente_id, token=token, brought=brought))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidError("Questa scelta non esiste: ricarica la pagina.") from None


def _topic(
    request: Request, runtime: Runtime, site: Site, language: str, again: str, *,
    wrong: dict[str, str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    before = None
    if again:
        try:
            before = _read(runtime, site, again)
        except DomainError:
            before = None
    return shown(
        request, site, "topic.html", language, folder="submissions", status=status, step="tema", steps=STEPS,
        wrong=wrong or {}, topics=list(rules.ANONYMOUS.items()), again=before.token if before else "",
        chosen=before.topic if before else None,
    )  # fmt: skip


def _step(
    request: Request, runtime: Runtime, site: Site, token: str, step: str, *, error: DomainError | None = None
) -> Response:  # fmt: skip
    draft = _read(runtime, site, token)
    if draft.sent is not None:
        return onward(_at(site, token, "inviata"))
    if step == "riepilogo" and (left := _left(draft)):
        return onward(_at(site, token, left))
    parts = (error.parts or (error,)) if isinstance(error, InvalidError) else ()
    return shown(
        request, site, f"{PAGES[step]}.html", draft.language, folder="submissions",
        status=status_of(error) if error else 200, step=step, steps=STEPS, draft=draft, values=draft.told,
        at=f"{PATH}/{site.slug}/{draft.token}", anonymous=rules.ANONYMOUS[draft.topic], rules=rules,
        most_bytes=MOST_BYTES, wrong={part.field: said(draft.language, str(part)) for part in parts if part.field},
        message=said(draft.language, str(error)) if error else "",
    )  # fmt: skip


PAGES = {"racconto": "story", "allegati": "files", "contatti": "sender", "riepilogo": "summary"}


def _left(draft: Draft) -> str:
    """The step at which something is still to be said; empty: none."""
    try:
        rules.story(draft.told)
    except InvalidError:
        return "racconto"
    try:
        rules.sender(draft.told, draft.topic)
    except InvalidError:
        return "contatti"
    return ""
