"""Whether an agent may act, and the ties that keep him away."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.field.agents.standing import (
    REQUIRED,
    Accredited,
    Decision,
    Obstacle,
    Paper,
    Worker,
    obstacles,
    taken,
    terms,
    valid_until,
)
from outbound.field.agents.ties import Known, Sign, excluded, signs

TODAY = date(2026, 11, 23)  # a Monday
EMPOLI = (11, 30)  # its patron saint's day
FABIO = Worker(date(2027, 6, 30), photo=True, papers={**dict.fromkeys(REQUIRED), Paper.LICENCE: date(2026, 12, 31)})
APPROVED = Accredited(Decision.APPROVED, notified_on=date(2026, 11, 20), proved=True)


def test_who_is_approved_and_notified_with_his_papers_in_order_may_act() -> None:
    assert obstacles(FABIO, APPROVED, TODAY) == ()
    assert valid_until(FABIO) == date(2026, 12, 31)


@pytest.mark.parametrize(
    ("worker", "accredited", "why"),
    [
        (FABIO, None, Obstacle.NOT_PROPOSED),
        (FABIO, Accredited(Decision.PROPOSED), Obstacle.WAITING),
        (FABIO, Accredited(Decision.REFUSED), Obstacle.REFUSED),
        (FABIO, Accredited(Decision.WITHDRAWN), Obstacle.WITHDRAWN),
        (FABIO, Accredited(Decision.APPROVED), Obstacle.NOT_NOTIFIED),
        (FABIO, replace(APPROVED, proved=False), Obstacle.NOT_NOTIFIED),
        (FABIO, replace(APPROVED, notified_on=date(2026, 11, 24)), Obstacle.NOT_NOTIFIED),
        (FABIO, replace(APPROVED, unfit_on=TODAY), Obstacle.UNFIT),
        (replace(FABIO, photo=False), APPROVED, Obstacle.NO_PHOTO),
        (replace(FABIO, badge_until=date(2026, 11, 22)), APPROVED, Obstacle.BADGE_EXPIRED),
        (replace(FABIO, badge_until=None), APPROVED, Obstacle.BADGE_EXPIRED),
        (replace(FABIO, ended_on=date(2026, 11, 22)), APPROVED, Obstacle.ENDED),
        (replace(FABIO, papers={Paper.LICENCE: None}), APPROVED, Obstacle.PAPER_MISSING),
        (replace(FABIO, papers={**FABIO.papers, Paper.LICENCE: date(2026, 11, 22)}), APPROVED, Obstacle.PAPER_EXPIRED),
    ],
)
def test_each_thing_that_is_missing_keeps_him_from_acting(
    worker: Worker, accredited: Accredited | None, why: Obstacle
) -> None:
    assert why in obstacles(worker, accredited, TODAY)


def test_removal_and_substitute_are_owed_in_working_days() -> None:
    owed = terms(date(2026, 11, 27), EMPOLI)  # a Friday; Monday is the patron's day
    assert (owed.removal, owed.substitute) == (date(2026, 12, 1), date(2026, 12, 3))
    assert taken(date(2026, 11, 27), date(2026, 12, 1), EMPOLI) == 1
    assert taken(TODAY, TODAY, EMPOLI) == 0


@given(st.dates(date(2024, 1, 1), date(2028, 12, 31)))
def test_whoever_keeps_the_terms_took_no_more_than_they_say(found: date) -> None:
    owed = terms(found, EMPOLI)
    assert taken(found, owed.removal, EMPOLI) == 1
    assert taken(found, owed.substitute, EMPOLI) == 3


AGENT = Known("LTTFBA80A01D403X", frozenset({"Lotti", "De Rosa"}), frozenset({"via roma 1"}), frozenset({"+39333"}))
ROSSI = Known("RSSMRA70A01D403Y", frozenset({"Rossi"}))


def test_ties_are_found_in_the_records_and_in_what_he_declared() -> None:
    assert signs(AGENT, ROSSI, ()) == ()
    assert signs(AGENT, ROSSI, (ROSSI.codice_fiscale,)) == (Sign.DECLARED,)
    assert signs(AGENT, replace(ROSSI, homes=AGENT.homes), ()) == (Sign.SAME_HOME,)
    assert signs(AGENT, replace(ROSSI, phones=AGENT.phones), ()) == (Sign.SAME_PHONE,)
    assert signs(AGENT, replace(ROSSI, others=frozenset({AGENT.codice_fiscale})), ()) == (Sign.HIMSELF,)


def test_the_same_surname_asks_and_does_not_exclude() -> None:
    assert signs(AGENT, replace(ROSSI, surnames=frozenset({"LOTTI"})), ()) == (Sign.SAME_SURNAME,)
    assert signs(AGENT, replace(ROSSI, surnames=frozenset({"Rosa"})), ()) == ()  # not De Rosa
    assert not excluded({Sign.SAME_SURNAME})
    assert excluded({Sign.SAME_SURNAME, Sign.SAME_HOME})
