"""How the forms of these pages are answered: htmx stays on the page, a browser without scripts goes to it again."""

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

SEE_OTHER = 303
NO_CONTENT = 204


def done(request: Request, path: str) -> Response:
    """It was done: show the page anew."""
    if "hx-request" in request.headers:
        return Response(status_code=NO_CONTENT, headers={"HX-Redirect": path})
    return RedirectResponse(path, SEE_OTHER)
