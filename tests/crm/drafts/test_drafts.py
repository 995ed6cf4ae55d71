"""What somebody types into a form is his until he sends it, and nobody else's ever."""

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError, InvalidError, NotFoundError
from crm.core.secrecy import SecrecyError
from crm.drafts import service
from crm.drafts.models import FormDraft
from crm.drafts.places import FormKind, Place
from tests.cast import Cast, principal_of

REACH = {"kind": ["phone"], "value": ["0571 700999"]}
parts = st.text("abcdefghijklmnopqrstuvwxyz0123456789_", max_size=30)


@given(st.sampled_from(FormKind), st.integers(0, 10**18 - 1), parts)
def test_a_place_is_read_as_it_was_written(form: FormKind, about: int, part: str) -> None:
    place = Place(form, about, part)
    assert Place.parse(str(place)) == place
    assert len(str(place)) <= 80


@given(st.text(max_size=40))
def test_any_other_text_is_no_place(text_: str) -> None:
    with suppress(InvalidError):
        assert str(Place.parse(text_)) == text_


@pytest.mark.parametrize(
    "written", ["", "opinion/1/", "reach", "card-reach/", "card-reach/-1", "card-reach/٣", "x/1", "opinion/1/A B"]
)
def test_no_place(written: str) -> None:
    with pytest.raises(InvalidError):
        Place.parse(written)


@pytest.mark.integration
class TestKept:
    """Anna types a telephone number of Mario's into his card."""

    @pytest.fixture(autouse=True)
    def _typed(self, everything: Session, cast: Cast, database: Database) -> None:
        self.session, self.cast, self.database = everything, cast, database
        self.anna, self.luca = (principal_of(everything, one) for one in (cast.anna, cast.luca))
        self.place, self.showing = Place(FormKind.REACH, cast.mario), uuid4()
        self.save()

    def save(self, **fields: str) -> None:
        typed = {**REACH, **{name: [value] for name, value in fields.items()}}
        service.save(self.session, self.anna, place=self.place, writing=self.showing, fields=typed)

    def kept(self) -> dict[Place, dict[str, list[str]]]:
        return service.kept(self.session, self.anna, [self.place])

    def test_it_is_there_for_her_and_for_nobody_else(self) -> None:
        assert self.kept() == {self.place: REACH}
        assert service.of_contacts(self.session, self.anna, [self.cast.mario]) == {self.place: REACH}
        assert service.kept(self.session, self.luca, [self.place]) == {}

    def test_what_is_typed_later_takes_its_place(self) -> None:
        self.showing = uuid4()  # in another tab
        self.save(value="0571 1")
        assert self.kept()[self.place]["value"] == ["0571 1"]

    def test_nothing_typed_keeps_nothing(self) -> None:
        self.save(kind=" ", value="")
        assert self.kept() == {}

    def test_once_sent_it_is_forgotten_also_if_it_is_saved_once_more_on_its_way(self) -> None:
        service.forget(self.session, self.anna, place=self.place, writing=self.showing)
        self.save()
        assert self.kept() == {}
        self.showing = uuid4()  # the form, shown anew
        self.save()
        assert self.kept() == {self.place: REACH}

    def test_the_database_holds_nothing_that_can_be_read_and_no_row_can_be_put_in_the_place_of_another(self) -> None:
        row = self.session.scalars(select(FormDraft)).one()
        assert row.sealed is not None
        assert b"0571" not in row.sealed
        self.session.execute(update(FormDraft).values(user_id=self.cast.luca))
        with pytest.raises(SecrecyError):
            service.kept(self.session, self.luca, [self.place])

    def test_it_is_bounded(self) -> None:
        many = {f"f{n}": ["x" * 9000] * 99 for n in range(99)}
        service.save(self.session, self.anna, place=self.place, writing=self.showing, fields=many)
        found = self.kept()[self.place]
        assert (len(found), len(found["f0"]), len(found["f0"][0])) == (40, 40, 8000)

    def test_of_an_opinion_that_was_given_nothing_says_whose_it_was(self) -> None:
        about = Place(FormKind.OPINION, 7)
        service.save(self.session, self.anna, place=about, writing=self.showing, fields={"why": ["Mancano le date"]})
        service.forget(self.session, self.anna, place=about, writing=self.showing)
        assert self.session.scalars(select(FormDraft.place)).all() == [str(self.place)]

    def test_after_a_week_it_is_gone(self) -> None:
        about = Place(FormKind.OPINION, 7)
        service.save(self.session, self.anna, place=about, writing=uuid4(), fields={"why": ["Mancano le date"]})
        self.session.commit()
        assert service.forget_old(self.database) == 0
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            session.execute(update(FormDraft).values(saved_at=FormDraft.saved_at - timedelta(days=8)))
        assert service.forget_old(self.database) == 2

    def test_who_may_not_write_of_somebody_keeps_nothing_of_him(self) -> None:
        vera = principal_of(self.session, self.cast.vera)  # of the ente, who looks
        with pytest.raises(ForbiddenError):
            service.save(self.session, vera, place=self.place, writing=uuid4(), fields=REACH)
        elsewhere = Place(FormKind.REACH, self.cast.stranger_in_siena)
        with pytest.raises(NotFoundError):
            service.save(self.session, self.anna, place=elsewhere, writing=uuid4(), fields=REACH)

    def test_another_ente_sees_nothing_of_it_in_raw_sql(self) -> None:
        self.session.commit()
        with self.database.begin(Scope.of_enti([self.cast.siena])) as session:
            assert session.execute(text("SELECT 1 FROM form_draft")).all() == []
