"""Sara writes for all enti of her contract, or for one; agents see what is published, each what is theirs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.knowledge import queries, service
from crm.knowledge.models import KnowledgePiece, KnowledgeVote, PieceKind
from crm.knowledge.queries import Where
from crm.knowledge.standing import Standing
from tests.cast import Cast, principal_of

pytestmark = pytest.mark.integration
T = TypeVar("T")
RATES = {"title": "Pagare a rate", "body": "La dilazione si chiede con il **modulo**.", "keywords": "dividere"}


class Office:
    """Who works on the contract's texts."""

    def __init__(self, database: Database, cast: Cast) -> None:
        self.database, self.cast = database, cast

    def work(self, do: Callable[[Session, Principal], T], who: str = "sara") -> T:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            return do(session, principal_of(session, getattr(self.cast, who)))

    def write(self, *, publish: bool = True, **more: Any) -> int:
        fields: dict[str, Any] = {
            "contract_id": self.cast.contract, "ente_id": None, "kind": PieceKind.ARTICLE, "topic": "instalments",
            **RATES, **more,
        }  # fmt: skip

        def do(session: Session, by: Principal) -> int:
            piece_id = service.write(session, by, **fields)
            if publish:
                service.publish(session, by, piece_id=piece_id, number=1)
            return piece_id

        return self.work(do)

    def titles(self, text: str = "", *, ente: int | None = None, topic: str = "") -> list[str]:
        where = Where(self.cast.contract, ente, topic)
        return self.work(lambda s, _: [one.title for one in queries.articles(s, where, text=text)], "anna")


@pytest.fixture
def office(database: Database, cast: Cast) -> Office:
    return Office(database, cast)


def test_an_article_is_found_by_its_words_their_forms_and_other_words_for_it(office: Office) -> None:
    office.write()
    office.write(title="Fermo dell'auto", body="Perché l'auto è ferma.", keywords="ganasce", topic="precautionary")
    for text in ("rata", "dilazioni", "dividere", "DILAZ", "pagare a rate modulo"):
        assert office.titles(text)[0] == "Pagare a rate", text
    assert office.titles("ganasce") == ["Fermo dell'auto"]
    assert office.titles("modulo ganasce") == ["Fermo dell'auto", "Pagare a rate"]  # none has both: any will do
    assert office.titles("ricorso") == []
    found = office.work(lambda s, _: queries.articles(s, Where(office.cast.contract), text="modulo"))
    assert "\x02modulo\x03" in found[0].excerpt


def test_it_follows_the_topic_and_the_ente_of_the_call(office: Office) -> None:
    cast = office.cast
    office.write()
    office.write(title="Solo a Empoli", ente_id=cast.empoli, topic="payment")
    assert office.titles(topic="instalments") == ["Pagare a rate"]
    assert office.titles() == ["Pagare a rate"]
    assert office.titles(ente=cast.empoli) == ["Solo a Empoli", "Pagare a rate"]
    assert office.titles(ente=cast.vinci, topic="payment") == ["Pagare a rate"]  # nothing of the topic: all


def test_an_ente_s_own_script_replaces_its_contract_s(office: Office) -> None:
    cast = office.cast
    usual = {"kind": PieceKind.SCRIPT, "topic": "", "body": "Buongiorno", "keywords": ""}
    office.write(**{**usual, "title": "Per tutti"})
    office.write(**{**usual, "title": "Empoli"}, ente_id=cast.empoli)
    office.write(**{**usual, "title": "Rate", "topic": "instalments"})

    def said(ente: int | None, topic: str = "") -> list[str | None]:
        where = Where(cast.contract, ente, topic)
        return office.work(lambda s, _: [one.title if one else None for one in queries.scripts(s, where)], "anna")

    assert said(None) == ["Per tutti", None]
    assert said(cast.empoli, "instalments") == ["Empoli", "Rate"]
    assert said(cast.vinci, "payment") == ["Per tutti", None]
    with pytest.raises(FieldError):
        office.write(**{**usual, "title": "Un altro"})


def test_a_draft_is_seen_by_nobody_until_it_is_published_and_an_older_version_can_be_gone_back_to(
    office: Office,
) -> None:
    piece = office.write()
    number = office.work(
        lambda s, by: service.revise(s, by, piece_id=piece, topic="", title="Due", body="Nuovo", based_on=1)
    )
    assert number == 2
    assert office.titles() == ["Pagare a rate"]
    office.work(lambda s, by: service.publish(s, by, piece_id=piece, number=2))
    assert office.titles() == ["Due"]
    office.work(lambda s, by: service.publish(s, by, piece_id=piece, number=1))
    assert office.titles() == ["Pagare a rate"]
    whole = office.work(lambda s, _: queries.whole(s, piece))
    assert [(one.number, one.title, one.published_at is not None) for one in whole.versions] == [
        (2, "Due", True), (1, "Pagare a rate", True),
    ]  # fmt: skip
    kinds = office.work(
        lambda s, _: s.scalars(select(AuditEntry.kind).where(AuditEntry.kind.like("knowledge.%"))).all()
    )
    assert sorted(kinds) == ["knowledge.published"] * 3 + ["knowledge.written"]


def test_what_was_published_never_changes_and_two_editors_do_not_overwrite_each_other(office: Office) -> None:
    piece = office.write()

    def revise(based_on: int) -> int:
        return office.work(
            lambda s, by: service.revise(s, by, piece_id=piece, topic="", title="T", body="B", based_on=based_on)
        )

    assert revise(1) == 2  # another version, for the first is published
    with pytest.raises(ConflictError):
        revise(1)
    assert revise(2) == 2
    assert office.work(lambda s, by: service.discard(s, by, piece_id=piece))
    with pytest.raises(ConflictError):
        office.work(lambda s, by: service.discard(s, by, piece_id=piece))
    never = office.write(publish=False)
    assert not office.work(lambda s, by: service.discard(s, by, piece_id=never))


def test_what_cannot_be_said_is_not_published(office: Office) -> None:
    for body in ("", "Buongiorno {nessuno}"):
        piece = office.write(publish=False, body=body)
        with pytest.raises(InvalidError):
            office.work(lambda s, by, one=piece: service.publish(s, by, piece_id=one, number=1))
    with pytest.raises(InvalidError):
        office.write(title=" ")


def test_opinions_have_no_name_and_the_editors_see_what_is_useless_or_old(office: Office) -> None:
    useless, old, good = (office.write(title=one) for one in ("Inutile", "Vecchio", "Buono"))
    for who, why in (("anna", "Manca l'importo"), ("luca", ""), ("marta", "")):
        office.work(lambda s, by, why=why: service.opine(s, by, piece_id=useless, number=1, useful=False, why=why), who)
    assert not {"user_id", "said_by", "at"} & {column.name for column in KnowledgeVote.__table__.columns}
    assert office.work(lambda s, _: [why for _, _, why in queries.reasons(s, useless)]) == ["Manca l'importo"]

    def lines(session: Session, _: Principal) -> dict[int, Standing]:
        at = clock.business_day(clock.now(session))
        session.get_one(KnowledgePiece, old).review_by = at - timedelta(days=1)
        session.flush()
        found = queries.lines(session, {office.cast.contract}, (), today=at)
        return {one.id: one.standing for one in found}

    assert office.work(lines) == {useless: Standing.USELESS, old: Standing.OLD, good: Standing.GOOD}
    office.work(lambda s, by: service.confirm(s, by, piece_id=old))
    assert office.work(
        lambda s, _: s.get_one(KnowledgePiece, old).review_by
    ) > office.work(lambda s, _: clock.business_day(clock.now(s)))  # fmt: skip


def test_an_opinion_is_about_what_was_read(office: Office) -> None:
    piece = office.write()
    with pytest.raises(ConflictError):
        office.work(lambda s, by: service.opine(s, by, piece_id=piece, number=2, useful=True), "anna")


def test_what_is_retired_is_shown_to_nobody_and_comes_back_as_it_was(office: Office) -> None:
    piece = office.write()
    office.work(lambda s, by: service.retire(s, by, piece_id=piece))
    assert office.titles() == []
    with pytest.raises(NotFoundError):
        office.work(lambda s, _: queries.piece(s, piece))
    office.work(lambda s, by: service.restore(s, by, piece_id=piece))
    assert office.titles() == ["Pagare a rate"]


def test_an_agent_writes_nothing_and_an_ente_s_editor_only_his_ente_s(office: Office) -> None:
    cast = office.cast
    piece = office.write()
    with pytest.raises(ForbiddenError):
        office.work(lambda s, by: service.retire(s, by, piece_id=piece), "anna")
    only_empoli = Principal(cast.vera, "", "it", frozenset({Held(Role.SUPERVISOR, cast.empoli, None)}))

    def write(ente_id: int | None) -> int:
        with office.database.begin(Scope.of_enti([cast.empoli])) as session:
            return service.write(
                session, only_empoli, contract_id=cast.contract, ente_id=ente_id, kind=PieceKind.ARTICLE, topic="",
                title="T", body="B",
            )  # fmt: skip

    assert write(cast.empoli)
    for ente_id in (None, cast.vinci, cast.siena):
        with pytest.raises(ForbiddenError):
            write(ente_id)


def test_who_serves_one_ente_reads_what_is_for_all_and_says_whether_it_was_useful_and_others_read_nothing(
    office: Office,
) -> None:
    cast, piece = office.cast, office.write()
    clerk = Principal(cast.vera, "", "it", frozenset({Held(Role.DESK_CLERK, cast.empoli, None)}))
    with office.database.begin(Scope.of_enti([cast.empoli])) as session:
        assert queries.piece(session, piece).title == "Pagare a rate"
        service.opine(session, clerk, piece_id=piece, number=1, useful=True)
    with office.database.begin(Scope.of_enti([cast.siena], [cast.other_contract])) as session:
        assert queries.articles(session, Where()) == []
        with pytest.raises(NotFoundError):
            queries.piece(session, piece)
