"""Where somebody puts the keys of his pages; or that he wants none."""

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.access import service as access
from crm.core.db import Scope
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.enti.forms import TypedDep
from web.shortcuts.keys import Key, moved
from web.shortcuts.words import WORDS

router = APIRouter(prefix="/me/keys", include_in_schema=False)


@router.get("")
def keys(request: Request, visit: VisitDep) -> Response:
    """All keys, each where it is now."""
    return page(
        request, "me/keys.html", visit.language, visit=visit, csrf=visit.csrf_token, keys=tuple(Key),
        moved=visit.keys.moved, off=visit.keys.off,
    )  # fmt: skip


@router.post("")
def choose(runtime: RuntimeDep, visit: ChangeDep, fields: TypedDep) -> Response:
    """Put them where he wants."""
    say = translations(visit.language).gettext
    called = {str(key): say(words) for key, words in WORDS[Key].items()}
    wanted = {str(key): fields.get(f"key-{key}", "") for key in Key}
    return _choose(runtime, visit, {"off": "on" not in fields, "keys": moved(wanted, called)}, say("Salvato."))


@router.post("/reset")
def reset(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """As everybody has them."""
    say = translations(visit.language).gettext
    return _choose(runtime, visit, {}, say("I tasti sono di nuovo quelli di tutti."))


def _choose(runtime: RuntimeDep, visit: Visit, shortcuts: dict[str, object], sentence: str) -> Response:
    def work(session: Session) -> None:
        access.choose_shortcuts(session, visit.principal, shortcuts=shortcuts)

    runtime.database.transact(Scope.nothing(), work)
    return shown_anew(sentence)
