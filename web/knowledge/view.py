"""What a call is given to be talked through and written up with, its places filled in."""

import re
from dataclasses import dataclass

from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from crm.core import clock
from crm.knowledge import queries
from crm.knowledge.filling import Situation, fill
from crm.knowledge.markup import plain, rendered, steps
from crm.knowledge.queries import PieceView, Where


@dataclass(frozen=True, slots=True)
class Script:
    """A script, ready to be said: its steps are safe HTML."""

    title: str
    steps: tuple[Markup, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A note template, ready to be put into the note."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Guide:
    """The scripts and note templates of a call. `follows` changes with what articles are of use to it."""

    opening: Script | None = None
    script: Script | None = None
    notes: tuple[Template, ...] = ()
    follows: str = ""


NO_GUIDE = Guide()


def guide_of(session: Session, where: Where, *, agent: str, ente: str, queue: str, who: str) -> Guide:
    """What a call's agent is given. `who` is the caller's name once he is identified, and empty before."""
    situation = Situation(clock.now(session), agent.split(" ", maxsplit=1)[0], ente, queue, who)
    opening, script = queries.scripts(session, where)
    return Guide(
        _script(opening, situation), _script(script, situation),
        tuple(Template(one.title, fill(one.body, situation.values)) for one in queries.notes(session, where)),
        f"{where.contract_id}:{where.ente_id}:{where.topic}",
    )  # fmt: skip


def html_of(one: PieceView, situation: Situation | None = None) -> Markup:
    """A piece's text as safe HTML; its places stay as they are where there is no call."""
    return Markup(rendered(one.body, situation.values if situation else None))  # noqa: S704  # made safe there


def excerpt_of(one: PieceView) -> Markup:
    """The part of a text in which something was found, marked."""
    pieces = re.split("[\x02\x03]", plain(one.excerpt))
    return Markup("").join(Markup("<mark>{}</mark>").format(text) if place % 2 else escape(text)
                           for place, text in enumerate(pieces))  # fmt: skip


def _script(piece: PieceView | None, situation: Situation) -> Script | None:
    if piece is None:
        return None
    return Script(piece.title, tuple(Markup(one) for one in steps(piece.body, situation.values)))  # noqa: S704
