"""The first page of a person's copy."""

from crm.privacy.archive import Copy
from web.edge.i18n import DEFAULT
from web.edge.templating import fragment


def readable(copy: Copy) -> str:
    """The copy as people read it, by itself: it is opened from a disk, without our style sheets."""
    return fragment("privacy/archive.html", DEFAULT, copy=copy)
