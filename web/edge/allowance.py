"""How much a request may send: a form's worth, and a file's from whoever may send that file."""

import re
from collections.abc import Collection

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import Scope as ASGIScope

from crm.access.permissions import Permission
from crm.agendas import sites
from crm.cases import documents, rights
from crm.cases.submissions import codes
from crm.core.db import Scope
from crm.enti import logo
from crm.monitoring import service as monitoring
from crm.proposals import acknowledgements
from outbound.cati.questionnaire import workbook
from outbound.field.agents import files, photos
from outbound.field.visits import devices
from outbound.lists import sheets
from telephony.mail import enclosing
from telephony.selfservice import administration
from web.edge.visits import COOKIE, visit_of
from web.field import places, rounds_forms
from web.letters import forms as letters
from web.wiring import Runtime

FORM_BYTES = 64 * 1024
FEED_BYTES = 2 * 1024**3
ARCHIVE_BYTES = 200 * 1024**2
# What is larger than a form: where it is sent, who of any of these may send it, and how large it is.
_UPLOADS: tuple[tuple[str, Collection[Permission], int], ...] = (
    (r"/imports", [Permission.COLLECTION_IMPORT], FEED_BYTES),
    (r"/files/documents", [Permission.COLLECTION_IMPORT], ARCHIVE_BYTES),
    (r"/proposals/acknowledgements", [Permission.COLLECTION_IMPORT], acknowledgements.MAX_BYTES),
    (r"/lists/file", [Permission.LIST_MANAGE], sheets.MOST_BYTES),
    (r"/enti/\d+/logo", [Permission.ENTE_MANAGE], logo.MAX_BYTES),
    (r"/enti/\d+/pins", [Permission.ENTE_MANAGE], administration.MOST_BYTES),
    (r"/monitoring/\d+", [Permission.MONITORING_MANAGE], monitoring.MOST_BYTES),
    (r"/cases/\d+/documents", list(rights.OF.values()), documents.MOST_BYTES),
    (r"/mail/[^/]+/files", [Permission.MAIL_ANSWER], enclosing.MOST_BYTES),
    (
        r"/(campaigns/\d+/letters/returns|letters/answers/\d+/returns/file)",
        [Permission.CAMPAIGN_MANAGE],
        letters.MOST_UPLOAD,
    ),
    (r"/questionnaires(/\d+/versions)?", [Permission.QUESTIONNAIRE_WRITE], workbook.MOST_BYTES),
    (r"/field/agents/\d+/photo", [Permission.FIELD_MANAGE], photos.MOST_BYTES),
    (r"/field/(agents/\d+/papers|accreditations/\d+/proof)", [Permission.FIELD_MANAGE], files.MOST_BYTES),
    (r"/field/places", [Permission.FIELD_MANAGE], places.MOST_UPLOAD),
    (r"/field/rounds/\d+/matrix", [Permission.FIELD_MANAGE], rounds_forms.MOST_BYTES),
)
UPLOADS = tuple((re.compile(path), permissions, most + FORM_BYTES) for path, permissions, most in _UPLOADS)
OUTBOX, OUTBOX_BYTES = "/door/outbox", 4 * 1024**2  # a visit's pictures, from a telephone that we know

# A citizen's papers, from a page whose address holds a token of ours; what is somewhat too large is refused in words.
SENT = re.compile(r"/segnala/([a-z0-9-]{1,40})/(?:segui/)?(x[a-z2-7]{52}(?:\.[a-z]{2})?)(?:/allegati|/salva)?")
CITIZENS_BYTES = 3 * documents.MOST_BYTES


async def allowance(runtime: Runtime, request: ASGIScope) -> int:
    """How many bytes a request may send."""
    path = request["path"]
    if path == OUTBOX:
        known = await run_in_threadpool(_telephone, runtime, Headers(scope=request).get("x-door-token", ""))
        return OUTBOX_BYTES if known else FORM_BYTES
    if sent := SENT.fullmatch(path):
        known = request["method"] == "POST" and await run_in_threadpool(_citizen, runtime, *sent.groups())
        return CITIZENS_BYTES if known else FORM_BYTES
    found = next(((who, most) for one, who, most in UPLOADS if one.fullmatch(path)), None)
    if found is None or request["method"] != "POST":
        return FORM_BYTES
    permissions, most = found
    visit = await run_in_threadpool(visit_of, runtime, Request(request).cookies.get(COOKIE))
    return most if visit and any(visit.principal.can(one) for one in permissions) else FORM_BYTES


def _citizen(runtime: Runtime, slug: str, token: str) -> bool:
    """Whether somebody has begun to write to an ente on its pages, or follows what he sent."""
    with runtime.database.begin(Scope.nothing()) as session:
        site = sites.by_slug(session, slug)
        return site is not None and codes.known(session, ente_id=site.ente_id, token=token)


def _telephone(runtime: Runtime, token: str) -> bool:
    with runtime.database.begin(Scope.nothing()) as session:
        return devices.known(session, token)
