"""Conversations drawn, heard and scored; the agent sees it and replies; and who gets at nothing of it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.clock import start_of_day
from crm.core.db import Database, Scope
from crm.core.errors import NotFoundError
from crm.monitoring import service as monitoring
from crm.monitoring.lock import Use
from crm.privacy.holders import Person
from telephony.calls.models import AgentLeg, Call, LegRole, LegState
from telephony.quality import forms, privacy, queries, sampling, service
from telephony.quality.drawing import Candidate, draw
from telephony.quality.forms import Rule
from telephony.quality.models import Evaluation, EvaluationWord, SampleDraw, SamplingRule, Spread, Word
from telephony.quality.presets import COLLECTION
from telephony.quality.scoring import Scale
from telephony.recording.models import Purpose, Recording, RecordingSetting
from tests.cast import Cast, lock_again, principal_of
from tests.crm.monitoring.test_lock import ENTERED, admin
from tests.telephony.recording.test_recordings import ON, wants
from tests.telephony.recording.test_recordings import sara as supervisor
from tests.web.conftest import Desk
from tests.web.test_drafts import Tab
from tests.web.test_proposals import Browser, becomes
from tests.web.test_recordings import kept
from web.edge.visits import COOKIE, visit_of
from web.quality.news import badge
from web.wiring import Runtime

pytestmark = pytest.mark.integration
WELL = {f"mark-{one.key}": "5" if one.scale is Scale.FIVE else "yes" for one in COLLECTION}
TWO = Rule(None, 2, 0, frozenset({Spread.TOPIC, Spread.LENGTH}), frozenset(), 10)
ANSWERS = {key.removeprefix("mark-"): {"mark": mark, "note": ""} for key, mark in WELL.items()}


@pytest.fixture
def conversation(desk: Desk, runtime: Runtime) -> UUID:
    """Mario's conversation with Anna, of last week, recorded; and a rule that draws two of each agent."""
    return a_conversation(desk, runtime)


def a_conversation(desk: Desk, runtime: Runtime, purpose: Purpose = Purpose.QUALITY) -> UUID:
    """Its caller was told that it is recorded for this."""
    wants(desk.stage, replace(ON, purpose=purpose))
    call, _ = kept(desk, runtime)
    desk.stage.work(lambda s: s.execute(update(Call).values(arrived_at=last_week(s), talked_ms=200_000)))
    sara = supervisor(desk.stage)
    desk.stage.work(lambda s: forms.begin_rule(s, sara, contract_id=desk.stage.cast.contract, wanted=TWO))
    desk.stage.work(lambda s: s.execute(update(SamplingRule).values(written_at=start_of_day(date(2020, 1, 1)))))
    return call


def last_week(session: Session) -> datetime:
    """A Tuesday whose recordings are all in."""
    at = clock.now(session)
    return start_of_day(sampling.week_drawn(at) + timedelta(days=1)) + timedelta(hours=10)


def drawn(desk: Desk) -> int:
    """What the engine draws now."""
    return sampling.run(desk.stage.database)


def given(desk: Desk) -> UUID:
    assert drawn(desk) == 1
    return desk.stage.work(lambda s: s.scalars(select(Evaluation.id).where(Evaluation.calibrates.is_(None))).one())


# -- drawing ------------------------------------------------------------------------------------------------------


def test_what_is_drawn_is_drawn_once_and_can_be_computed_again(desk: Desk, conversation: UUID) -> None:
    """Rule: drawn, not aimed."""
    assert drawn(desk) == 1
    assert drawn(desk) == 0
    made = desk.stage.work(lambda s: s.scalars(select(SampleDraw)).one())
    found = [Candidate(UUID(call), agent, tuple(kind)) for call, agent, kind in made.candidates]
    assert [str(one.call_id) for one in draw(found, TWO.per_agent, made.seed)] == made.drawn == [str(conversation)]
    row = desk.stage.work(lambda s: s.scalars(select(Evaluation)).one())
    assert (row.agent_id, row.evaluator_id) == (desk.stage.cast.anna, desk.stage.cast.sara)


@pytest.mark.parametrize("why", ["locked", "unread", "late", "evidence", "gone", "colleague", "rule", "ended", "short"])
def test_what_may_not_be_judged_is_not_drawn(desk: Desk, conversation: UUID, why: str) -> None:
    stage, at = desk.stage, desk.stage.work(clock.now)
    if why == "locked":
        lock_again(stage.database)
    elif why in {"unread", "late"}:  # she had not read the agreement then
        anew = replace(ENTERED, uses=frozenset(Use))
        made = stage.work(
            lambda s: monitoring.enter(s, admin(stage.cast), contract_id=stage.cast.contract, entered=anew)
        )
        if why == "late":
            anna = stage.principal(stage.cast.anna)
            stage.work(lambda s: monitoring.confirm(s, anna, agreement_id=made))
    elif why == "evidence":
        stage.work(lambda s: s.execute(update(RecordingSetting).values(purpose=Purpose.EVIDENCE)))
    elif why == "gone":
        stage.work(lambda s: s.execute(update(Recording).values(deleted_at=at, sha256=None)))
    elif why == "colleague":
        leg = AgentLeg(
            id=uuid4(), call_id=conversation, contract_id=stage.cast.contract, ente_id=stage.cast.empoli,
            agent_id=stage.cast.luca, role=LegRole.PARTY, state=LegState.ENDED, offered_at=at, answered_at=at,
        )  # fmt: skip
        stage.work(lambda s: s.add(leg))
    elif why == "rule":
        stage.work(lambda s: s.execute(update(SamplingRule).values(written_at=at)))
    elif why == "ended":
        sara = supervisor(stage)
        (rule,) = stage.work(lambda s: forms.rules(s, stage.cast.contract))
        stage.work(lambda s: forms.end_rule(s, sara, rule_id=rule.id))
    else:
        stage.work(lambda s: s.execute(update(SamplingRule).values(least_s=300)))
    assert drawn(desk) == 0


def test_what_was_recorded_for_something_else_is_not_judged_once_the_ente_records_for_quality(
    desk: Desk, runtime: Runtime
) -> None:
    a_conversation(desk, runtime, Purpose.EVIDENCE)
    desk.stage.work(lambda s: s.execute(update(RecordingSetting).values(purpose=Purpose.QUALITY)))
    assert drawn(desk) == 0


def test_one_contract_s_trouble_keeps_no_other_from_being_drawn(
    database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def troubled(_: Session, *, contract_id: int) -> int:
        tried.append(contract_id)
        raise RuntimeError

    monkeypatch.setattr(sampling, "_of_contract", troubled)
    with pytest.raises(ExceptionGroup):
        sampling.run(database)
    assert tried == sorted([cast.contract, cast.other_contract])


def test_nobody_is_given_his_own_conversation(desk: Desk, runtime: Runtime, conversation: UUID) -> None:
    becomes(runtime.database, desk.stage.cast.sara, Role.AGENT, contract_id=desk.stage.cast.contract)
    becomes(runtime.database, desk.stage.cast.anna, Role.SUPERVISOR, contract_id=desk.stage.cast.contract)
    assert drawn(desk) == 0
    assert desk.stage.work(lambda s: s.scalars(select(Evaluation)).all()) == []


# -- hearing and scoring, on the pages ----------------------------------------------------------------------------


def test_sara_hears_scores_anna_replies_and_sara_corrects(desk: Desk, runtime: Runtime, conversation: UUID) -> None:
    evaluation = given(desk)
    at, mine = f"/quality/{evaluation}", f"/me/quality/{evaluation}"
    recording = desk.stage.work(lambda s: s.scalars(select(Recording.id)).one())
    assert desk.client.get(mine).status_code == 404, "not submitted yet"
    sara = Browser(desk.client, "sara", "/quality")
    assert at in sara.get("/quality")
    page = sara.get(at)
    assert f'src="{at}/sound/{recording}"' in page
    assert 'data-seek="' in page
    assert desk.client.get(f"{at}/sound/{recording}").status_code == 200
    assert sara.post(f"{at}/draft", **{"mark-identity": "yes", "comment": "Bene fin qui"})[0] == 200
    page = sara.get(at)
    assert "Bene fin qui" in page
    assert 'value="yes" checked' in page
    status, said = sara.post(f"{at}/submit", **{"mark-identity": "yes"})
    assert status == 422
    assert "mark-pressure" in said
    assert sara.post(f"{at}/submit", **{**WELL, "mark-identity": "no", "note-identity": "a 0:12"})[0] == 204
    assert sara.post(f"{at}/submit", **WELL)[0] == 409
    page = sara.get(at)
    assert "non superata" in page
    assert "80" in page

    anna = Browser(desk.client, "anna", "/me")
    assert "1 nuova" in anna.get("/me")
    assert "nuova" in anna.get("/me/quality")
    page = anna.get(mine)
    assert "1 nuova" not in anna.get("/me")
    assert "a 0:12" in page
    assert desk.client.get(f"{mine}/sound/{recording}").status_code == 200
    assert anna.post(f"{mine}/reply", words="")[0] == 422
    assert anna.post(f"{mine}/reply", words="Le domande le ho fatte al minuto 1.")[0] == 204
    assert anna.post(f"{at}/correct", **WELL, words="Ha ragione")[0] == 403

    sara = Browser(desk.client, "sara", "/quality")
    assert "Le domande le ho fatte" in sara.get(at)
    assert sara.post(f"{at}/correct", **WELL, words="")[0] == 422
    assert sara.post(f"{at}/correct", **WELL, words="Riascoltata: è vero.")[0] == 204
    assert sara.post(f"{at}/answer", answer="Grazie.")[0] == 204
    page = Browser(desk.client, "anna", "/me").get(mine)
    for shown in ("Riascoltata: è vero.", "Le domande le ho fatte", "Grazie.", "100"):
        assert shown in page
    words = desk.stage.work(lambda s: s.scalars(select(EvaluationWord).order_by(EvaluationWord.id)).all())
    assert [one.kind for one in words] == [Word.REPLY, Word.CORRECTION, Word.ANSWER]
    assert words[1].before is not None
    assert (words[1].before["score"], words[1].before["passed"]) == ("80.0", False)
    heard = desk.stage.work(
        lambda s: s.scalars(select(AuditEntry.actor_id).where(AuditEntry.kind == "evaluation.heard")).all()
    )
    assert sorted(heard) == sorted([desk.stage.cast.sara, desk.stage.cast.anna])
    assert drawn(desk) == 0


def test_a_reply_an_answer_and_a_correction_half_written_are_there_again(
    desk: Desk, runtime: Runtime, conversation: UUID
) -> None:
    evaluation, sara = given(desk), supervisor(desk.stage)
    desk.stage.work(lambda s: service.submit(s, sara, evaluation_id=evaluation, answers=ANSWERS, comment=""))
    at, mine = f"/quality/{evaluation}", f"/me/quality/{evaluation}"
    for who, path, form, typed, sent, last in (
        ("anna", mine, "quality", {"words": "Le domande"}, f"{mine}/reply", {"words": "Le domande le ho fatte."}),
        ("sara", at, "quality", {"answer": "Ha rag"}, f"{at}/answer", {"answer": "Ha ragione."}),
        ("sara", at, "quality-correction", {"words": "Riasc"}, f"{at}/correct", {**WELL, "words": "Riascoltata."}),
    ):
        desk.sit_down(who)
        tab = Tab(desk, form, f"{form}/0/{evaluation.hex}")
        assert tab.types(**typed) == 204
        assert tab.shows(path) == {name: [value] for name, value in typed.items()}, who
        assert tab.sends(sent, **last).status_code == 204
        assert tab.shows(path) == {}, who
    desk.sit_down("vera")  # of the ente, who answers no calls
    assert Tab(desk, "quality", f"quality/0/{evaluation.hex}").types(words="x") == 403


def test_an_agents_reply_is_new_to_its_evaluator_until_he_has_read_it(
    desk: Desk, runtime: Runtime, conversation: UUID
) -> None:
    evaluation, sara, stage = given(desk), supervisor(desk.stage), desk.stage
    at, anna = f"/quality/{evaluation}", stage.principal(stage.cast.anna)

    def news(who: str) -> str:
        browser = Browser(desk.client, who, "/quality" if who == "sara" else "/me")
        (_, render), *_ = badge(runtime, visit_of(runtime, browser.client.cookies[COOKIE]) or pytest.fail("no session"))
        html = render().regions["quality-news"]
        return "" if " hidden>" in html else html

    def replies(words: str) -> None:
        stage.work(lambda s: service.reply(s, anna, evaluation_id=evaluation, words=words))

    assert (news("sara"), news("anna")) == ("", "")
    stage.work(lambda s: service.submit(s, sara, evaluation_id=evaluation, answers=ANSWERS, comment=""))
    assert "1 valutazione nuova" in news("anna")
    replies("Le domande le ho fatte.")
    replies("Al minuto 1.")
    assert "1 risposta da leggere" in news("sara")  # of one evaluation
    assert 'href="/quality#s-done"' in news("sara")
    assert "risposta da leggere</strong>" in Browser(desk.client, "sara", "/quality").get("/quality")
    stage.work(lambda s: service.see(s, anna, evaluation_id=evaluation))
    luca = stage.principal(stage.cast.luca)
    with pytest.raises(NotFoundError):
        stage.work(lambda s: service.read_replies(s, luca, evaluation_id=evaluation))
    assert "Al minuto 1." in Browser(desk.client, "sara", "/quality").get(at)
    assert (news("sara"), news("anna")) == ("", "")
    page = Browser(desk.client, "sara", "/quality").get("/quality")
    assert "con risposte" in page
    assert "risposta da leggere" not in page
    replies("E ancora.")
    assert "1 risposta da leggere" in news("sara")
    lock_again(runtime.database)
    assert news("sara") == "", "what is locked is not counted: it could not be opened"


def test_locked_again_the_evaluator_sees_nothing_and_the_agent_what_is_his(
    desk: Desk, runtime: Runtime, conversation: UUID
) -> None:
    """Rule: no watching without an agreement."""
    evaluation = given(desk)
    sara = supervisor(desk.stage)
    desk.stage.work(lambda s: service.submit(s, sara, evaluation_id=evaluation, answers=ANSWERS, comment=""))
    recording = desk.stage.work(lambda s: s.scalars(select(Recording.id)).one())
    lock_again(runtime.database)
    browser = Browser(desk.client, "sara", "/quality")
    page = browser.get("/quality")
    assert "Bloccato." in page
    assert str(evaluation) not in page
    for path in (f"/quality/{evaluation}", f"/quality/{evaluation}/sound/{recording}"):
        assert desk.client.get(path).status_code == 403
    assert browser.post(f"/quality/{evaluation}/draft", comment="x")[0] == 403
    Browser(desk.client, "anna", "/me")
    assert desk.client.get(f"/me/quality/{evaluation}").status_code == 200


def test_others_get_at_nothing(desk: Desk, runtime: Runtime, conversation: UUID) -> None:
    evaluation, cast, client = given(desk), desk.stage.cast, desk.client
    sara = supervisor(desk.stage)
    desk.stage.work(lambda s: service.submit(s, sara, evaluation_id=evaluation, answers=ANSWERS, comment=""))
    recording = desk.stage.work(lambda s: s.scalars(select(Recording.id)).one())
    the_draw = desk.stage.work(lambda s: s.scalars(select(SampleDraw.id)).one())
    own, at = f"/me/quality/{evaluation}", f"/quality/{evaluation}"
    luca = Browser(client, "luca", "/me")  # a colleague
    for path in (own, f"{own}/sound/{recording}"):
        assert client.get(path).status_code == 404, path
    assert luca.post(f"{own}/reply", words="Anch'io")[0] == 404
    assert client.get(at).status_code == 403
    assert str(conversation) not in luca.get(f"/quality/draws/{the_draw}"), "each sees his own of a draw"
    assert str(conversation) in Browser(client, "anna", "/me").get(f"/quality/draws/{the_draw}")
    becomes(runtime.database, cast.marta, Role.SUPERVISOR, contract_id=cast.contract)  # another evaluator
    marta = Browser(client, "marta", "/quality")
    assert str(evaluation) not in marta.get("/quality")
    for path in (at, f"{at}/sound/{recording}", f"/quality/{uuid4()}"):
        assert client.get(path).status_code == 404, path
    for what in ("draft", "submit", "correct"):
        assert marta.post(f"{at}/{what}", **WELL, words="x")[0] == 404
    becomes(runtime.database, cast.marta, Role.SUPERVISOR, contract_id=cast.other_contract)  # of another contract
    marta = Browser(client, "marta", "/quality")
    for path in (at, f"/quality/setup/{cast.contract}", f"/quality/draws/{the_draw}"):
        assert client.get(path).status_code == 404, path
    assert marta.post(f"/quality/setup/{cast.contract}/rules", per_agent="1", least_s="0", days="5")[0] == 403
    assert (
        marta.post(f"/quality/setup/{cast.contract}/form", **{"words-0": "x", "weight-0": "1", "pass_mark": "1"})[0]
        == 403
    )
    Browser(client, "vera", "/ente")  # the ente is no employer
    assert client.get("/quality").status_code == 403
    assert client.get(at).status_code == 403


def test_a_second_evaluator_sees_no_marks_until_both_have_finished(
    desk: Desk, runtime: Runtime, conversation: UUID
) -> None:
    evaluation, cast = given(desk), desk.stage.cast
    becomes(runtime.database, cast.vera, Role.SUPERVISOR, contract_id=cast.contract)
    sara = Browser(desk.client, "sara", "/quality")
    at = f"/quality/{evaluation}"
    assert sara.post(f"{at}/submit", **{**WELL, "mark-answer": "2", "comment": "Risposta a metà"})[0] == 204
    assert sara.post(f"{at}/calibrate", evaluator=str(cast.luca))[0] == 422, "Luca may not"
    assert sara.post(f"{at}/calibrate", evaluator=str(cast.vera))[0] == 204
    assert sara.post(f"{at}/calibrate", evaluator=str(cast.vera))[0] == 409
    second = desk.stage.work(lambda s: s.scalars(select(Evaluation.id).where(Evaluation.calibrates.is_not(None))).one())
    assert "Chiesta a Vera" in sara.get(at)
    vera = Browser(desk.client, "vera", "/quality")
    assert "Risposta a metà" not in vera.get(f"/quality/{second}")
    assert desk.client.get(at).status_code == 404
    assert vera.post(f"/quality/{second}/submit", **WELL)[0] == 204
    page = Browser(desk.client, "sara", "/quality").get(at)
    assert "1 criterio diverso" in page
    anna = Browser(desk.client, "anna", "/me")
    assert str(second) not in anna.get("/me/quality")
    assert desk.client.get(f"/me/quality/{second}").status_code == 404


def test_what_is_drawn_and_by_which_form_is_written_on_a_page(desk: Desk, runtime: Runtime, conversation: UUID) -> None:
    cast = desk.stage.cast
    sara, at = Browser(desk.client, "sara", "/quality"), f"/quality/setup/{cast.contract}"
    assert "2 conversazioni per operatore" in sara.get(at)
    status, said = sara.post(f"{at}/rules", per_agent="99", least_s="x", days="5")
    assert status == 422
    assert "per_agent" in said
    assert "least_s" in said
    assert sara.post(f"{at}/rules", per_agent="1", least_s="30", days="5", evaluators=str(cast.luca))[0] == 422
    assert sara.post(f"{at}/rules", per_agent="1", least_s="30", days="5", queue=str(cast.notices))[0] == 204
    page = sara.get(at)
    assert "Avvisi" in page
    wrong = {"words-3": "Cortesia", "weight-3": "0", "scale-3": "five", "pass_mark": "60"}
    status, said = sara.post(f"{at}/form", **wrong)
    assert status == 422
    assert "weight-3" in said
    assert sara.post(f"{at}/form", **{**wrong, "weight-3": "10", "critical-3": "1"})[0] == 204
    form = desk.stage.work(lambda s: forms.form(s, cast.contract))
    assert (form.version, form.pass_mark, [one.words for one in form.criteria]) == (1, 60, ["Cortesia"])
    evaluation = given(desk)
    assert "Cortesia" in Browser(desk.client, "sara", "/quality").get(f"/quality/{evaluation}")


# -- sums, and what goes ------------------------------------------------------------------------------------------


def three_of(desk: Desk, evaluation: UUID) -> None:
    """Beside Anna's, Luca and Marta have one each, worse ones."""
    cast = desk.stage.cast

    def work(session: Session) -> None:
        one = session.get_one(Evaluation, evaluation)
        for agent, score in ((cast.luca, 50), (cast.marta, 75)):
            call = session.get_one(Call, one.call_id)
            values = {c.name: getattr(call, c.name) for c in Call.__table__.columns}
            other = Call(**{**values, "id": uuid4(), "carrier_sid": f"CA{agent}", "agent_id": agent})
            session.add(other)
            session.flush()
            session.add(
                Evaluation(
                    id=uuid4(), contract_id=one.contract_id, ente_id=one.ente_id, call_id=other.id, agent_id=agent,
                    evaluator_id=cast.sara, form_id=one.form_id, answers={"note": {"mark": "no", "note": ""}},
                    comment="", score=Decimal(score), passed=score > 60, assigned_at=one.assigned_at,
                    due_on=one.due_on, submitted_at=one.submitted_at, keep_until=one.keep_until,
                )
            )  # fmt: skip

    desk.stage.work(work)


def test_of_fewer_than_three_agents_there_is_no_sum(desk: Desk, runtime: Runtime, conversation: UUID) -> None:
    evaluation, cast = given(desk), desk.stage.cast
    sara = supervisor(desk.stage)
    desk.stage.work(lambda s: service.submit(s, sara, evaluation_id=evaluation, answers=ANSWERS, comment=""))
    since = start_of_day(date(2020, 1, 1))

    def team() -> queries.Team:
        return desk.stage.work(lambda s: queries.team(s, sara, contract_id=cast.contract, since=since))

    assert team().whole is None
    assert list(team().agents) == ["Anna"], "the agreement allows single figures"
    three_of(desk, evaluation)
    found = team().whole
    assert found is not None
    assert (found.evaluations, found.agents, found.mean, found.passed) == (3, 3, Decimal("75.0"), 2)
    assert found.missed == {"note": 2}

    only_scores = replace(ENTERED, uses=frozenset({Use.SCORES, Use.RECORDINGS}))
    desk.stage.work(lambda s: monitoring.enter(s, admin(cast), contract_id=cast.contract, entered=only_scores))
    assert team().whole is not None
    assert team().agents == {}


def test_a_score_goes_when_its_time_is_over_and_a_sound_before(
    desk: Desk, runtime: Runtime, conversation: UUID
) -> None:
    evaluation = given(desk)
    sara = supervisor(desk.stage)
    desk.stage.work(lambda s: service.submit(s, sara, evaluation_id=evaluation, answers=ANSWERS, comment="Bene"))
    at = desk.stage.work(clock.now)
    recording = desk.stage.work(lambda s: s.scalars(select(Recording.id)).one())
    gone = {"deleted_at": at, "gone": "expired", "sha256": None, "key": None}
    desk.stage.work(lambda s: s.execute(update(Recording).values(**gone)))
    page = Browser(desk.client, "sara", "/quality").get(f"/quality/{evaluation}")
    assert "il suono è stato cancellato" in page
    assert "Bene" in page
    assert desk.client.get(f"/quality/{evaluation}/sound/{recording}").status_code == 404
    desk.stage.work(lambda s: s.execute(update(Evaluation).values(keep_until=date(2020, 1, 1))))
    drawn(desk)
    assert desk.stage.work(lambda s: s.scalars(select(Evaluation)).all()) == []


def test_an_erased_taxpayer_takes_what_was_written_and_leaves_the_marks(desk: Desk, conversation: UUID) -> None:
    evaluation, cast = given(desk), desk.stage.cast
    sara, anna = supervisor(desk.stage), desk.stage.principal(cast.anna)
    noted = {**ANSWERS, "note": {"mark": "no", "note": "Il signor Bianchi"}}
    desk.stage.work(lambda s: service.submit(s, sara, evaluation_id=evaluation, answers=noted, comment="Bianchi"))
    desk.stage.work(lambda s: service.reply(s, anna, evaluation_id=evaluation, words="Bianchi era in ritardo"))
    (holder,) = privacy.HOLDERS
    person = Person(cast.empoli, (cast.mario,))
    (copied,) = desk.stage.work(lambda s: holder.export(s, person))
    assert [row["comment"] for row in copied.rows] == ["Bianchi"]
    desk.stage.work(lambda s: holder.erase(s, person))
    row = desk.stage.work(lambda s: s.get_one(Evaluation, evaluation, populate_existing=True))
    assert (row.comment, row.answers["note"]) == ("", {"mark": "no", "note": ""})
    assert row.score is not None
    assert desk.stage.work(lambda s: s.scalars(select(EvaluationWord.words)).all()) == [""]


def test_siena_s_scope_holds_no_evaluation(desk: Desk, conversation: UUID, database: Database, cast: Cast) -> None:
    evaluation = given(desk)
    with database.begin(Scope.of_contract(cast.other_contract)) as session:
        sara = principal_of(session, cast.sara)
        with pytest.raises(NotFoundError):
            service.given(session, sara, evaluation)
