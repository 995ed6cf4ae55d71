"""In the head of live pages: what somebody has to read of evaluations."""

from functools import partial

from crm.access.permissions import Permission
from crm.core import topics
from telephony.quality import queries
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.live.hub import Render, Rendered
from web.wiring import Runtime


def badge(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """The part that live pages of agents and evaluators have in their head."""
    if not (visit.principal.can(Permission.CALLS_ANSWER) or visit.principal.can(Permission.QUALITY_EVALUATE)):
        return []
    return [(f"quality-news:{visit.principal.user_id}:{visit.language}", partial(render, runtime, visit))]


def render(runtime: Runtime, visit: Visit) -> Rendered:
    """How many agents' replies he has not read, else how many evaluations of his own conversations."""
    by, replies, own = visit.principal, 0, 0
    if by.can(Permission.QUALITY_EVALUATE):
        with runtime.database.begin(visit.scope(Permission.QUALITY_EVALUATE)) as session:
            replies = queries.replies_unread(session, by)
    if not replies and by.can(Permission.CALLS_ANSWER):
        with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
            own = queries.unseen(session, by)
    html = fragment("quality/badge.html", visit.language, replies=replies, own=own)
    return Rendered({"quality-news": html}, frozenset({topics.quality(by.user_id)}))
