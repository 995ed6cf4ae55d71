"""Answers to a form that was saved: the page is shown anew, and says what was done."""

from urllib.parse import quote

from fastapi import Response

NO_CONTENT = 204


def shown_anew(sentence: str, *, at: str | None = None) -> Response:
    """The page with the form, where it was scrolled to, or the one `at` an address.

    `sentence`, in the visitor's language, is told there.
    """
    where = {"HX-Redirect": at} if at else {"HX-Refresh": "true"}
    return Response(status_code=NO_CONTENT, headers={"HX-Notice": quote(sentence), **where})
