"""What the pages of visits have in common: a form's fields, days, files, and how what was done is told."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Request, Response, UploadFile

from crm.core.errors import InvalidError
from web.edge.answers import shown_anew
from web.edge.fields import day_of
from web.edge.i18n import translations
from web.edge.visits import Visit
from web.files.documents import POLICIES


async def typed(request: Request) -> dict[str, str]:
    """All fields of the form that are no files."""
    sent = await request.form()
    return {name: value for name, value in sent.items() if isinstance(value, str)}


TypedDep = Annotated[dict[str, str], Depends(typed)]


class Days:
    """Reads a form's days, and keeps what is wrong with them."""

    def __init__(self, fields: dict[str, str]) -> None:
        self._fields = fields
        self._wrong: list[InvalidError] = []

    def wished(self, name: str) -> date | None:
        """A day that may be left out."""
        return self.needed(name) if self._fields.get(name, "").strip() else None

    def needed(self, name: str) -> date:
        """A day."""
        try:
            return day_of(self._fields.get(name, ""))
        except ValueError:
            self._wrong.append(InvalidError("Scrivi la data come giorno, mese e anno.", field=name))
            return date.min

    def check(self) -> None:
        """Raise `InvalidError` where a day was none."""
        if self._wrong:
            raise InvalidError("Controlla i campi segnati.", parts=self._wrong)


def content_of(file: UploadFile | None, most: int) -> bytes:
    """What was sent, up to a byte more than may be: whoever keeps it refuses what is too long."""
    return file.file.read(most + 1) if file is not None else b""


def told_anew(sentence: str, visit: Visit, *, at: str | None = None) -> Response:
    """It was done: the page is shown anew and says so."""
    return shown_anew(translations(visit.language).gettext(sentence), at=at)


def pdf(content: bytes, name: str) -> Response:
    """A PDF that was made now."""
    return inline(content, "application/pdf", f"{name}.pdf")


def inline(content: bytes, media: str, name: str) -> Response:
    """Something to be looked at in the browser, by who asked for it alone."""
    return Response(
        content, media_type=media,
        headers={
            "content-disposition": f'inline; filename="{name}"', "content-security-policy": POLICIES[media],
            "cache-control": "no-store", "cross-origin-resource-policy": "same-origin",
        },
    )  # fmt: skip
