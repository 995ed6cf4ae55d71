"""Answers to a form that was saved: the page says what was done, and is shown anew where nobody may be speaking."""

from urllib.parse import quote

from fastapi import Response

NO_CONTENT = 204


def shown_anew(sentence: str, *, at: str | None = None) -> Response:
    """The page with the form, where it was scrolled to, or the one `at` an address.

    `sentence`, in the visitor's language, is told there.
    """
    where = {"HX-Redirect": at} if at else {"HX-Refresh": "true"}
    return Response(status_code=NO_CONTENT, headers={"HX-Notice": quote(sentence), **where})


def told(sentence: str) -> Response:
    """The page stays as it is, and says so: one with a telephone in it would end the conversation by being loaded."""
    return Response(status_code=NO_CONTENT, headers={"HX-Notice": quote(sentence)})
