"""Within how many days a mail is answered: what the contract promises for its mailbox, else what the law says. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from crm.cases.deadlines import Span
from crm.cases.terms import GENERAL, span_of
from crm.levels.agreement import Promise
from crm.levels.metrics import MetricName as N

_PEC = (N.PEC_REPLY, N.EMAIL_REPLY, N.INFORMATION_REPLY, N.MEAN_MAIL_REPLY)
_EMAIL = (N.EMAIL_REPLY, N.INFORMATION_REPLY, N.MEAN_MAIL_REPLY)


@dataclass(frozen=True, slots=True)
class Term:
    """How long there is; `metric`: the level that says so, empty where it is the law (L. 241/1990, art. 2, c. 2)."""

    metric: str
    span: Span


BY_LAW = Term("", Span(GENERAL.days))


def term_of(promises: Mapping[str, Promise], *, certified: bool) -> Term:
    """The term of a mailbox: of a certified one, else as any other; where mails are promised nothing of their own, as
    requests for information are, or what is promised in the mean.
    """
    metric = next((one for one in (_PEC if certified else _EMAIL) if one in promises), None)
    return BY_LAW if metric is None else Term(metric.value, span_of(promises[metric]))
