"""An alert as a sentence, in a language: on the board, in a mail, in a notification. It names no person."""

from decimal import Decimal

from sqlalchemy.orm import Session

from crm.contacts.phone import spaced
from crm.enti.queries import contract_name
from crm.levels.metrics import METRICS, MetricName
from telephony.alerts.models import AlertRule
from telephony.lines import queries as lines
from telephony.queues import queries as queues
from web.alerts.words import SAID
from web.edge.i18n import LANGUAGES, translations
from web.edge.words import word_for


def say(session: Session, rule: AlertRule, measured: Decimal, language: str) -> str:
    """What was passed."""
    known = language if language in LANGUAGES else "it"
    gettext = translations(known).gettext
    if rule.line:
        found = lines.line(session, rule.line)
        where = found.label if found is not None else spaced(rule.line)
    elif rule.queue_id is not None:
        where = queues.queue(session, rule.queue_id).name
    else:
        where = contract_name(session, rule.contract_id)
    level = gettext(word_for(MetricName(rule.metric))) if rule.metric in METRICS else rule.metric
    return gettext(SAID[rule.kind]).format(where=where, figure=int(measured), limit=int(rule.threshold), level=level)
