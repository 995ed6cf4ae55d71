"""Quality in the demonstration: a rule that draws. There is something to score once conversations were recorded."""

from sqlalchemy.orm import Session

from telephony.quality import forms
from telephony.quality.forms import Rule
from telephony.quality.models import Spread
from web.demo.accounts import SUPERVISOR
from web.demo.enti import person

WANTED = Rule(None, 2, 60, frozenset({Spread.TOPIC, Spread.LENGTH}), frozenset(), 10)


def draws(session: Session, *, contract_id: int) -> None:
    """Write it, once."""
    if not forms.rules(session, contract_id):
        forms.begin_rule(session, person(session, SUPERVISOR.username), contract_id=contract_id, wanted=WANTED)
