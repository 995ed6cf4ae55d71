"""What goes with the e-mail that announces a report: the report, for offices whose people have no account here."""

from crm.core.db import Database, Scope
from crm.messages.outbox import Leased
from crm.reports import queries
from crm.reports.report import without_remarks
from crm.reports.service import report_of
from telephony.messages.mail import Attached
from web.edge.i18n import chosen
from web.reports import files
from web.reports.files import FileKind

KINDS = (FileKind.PDF, FileKind.XLSX)
MOST_BYTES = 7_000_000  # in all: many mailboxes refuse 10 MB, and an e-mail adds a third; the link leads to the rest


def enclosed(database: Database, one: Leased) -> tuple[Attached, ...]:
    """The files of the report that a message announces, without what was noted on single calls."""
    with database.begin(Scope.of_enti([one.ente_id])) as session:
        made, report = queries.get(session, report_of(one.cause))
    found: list[Attached] = []
    left = MOST_BYTES
    for kind in KINDS:
        file = files.whole(made, without_remarks(report), kind, chosen(one.language))
        if len(file.contents) <= left:
            left -= len(file.contents)
            found.append(Attached(file.name, file.media_type, file.contents))
    return tuple(found)
