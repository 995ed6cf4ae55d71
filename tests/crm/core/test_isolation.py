"""Tenant isolation, attacked in raw SQL as the roles that the product runs as."""

from collections.abc import Callable, Iterator
from datetime import time, timedelta
from typing import Any, LiteralString, cast
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access import service as access
from crm.access.models import EnteExclusion, Role, RoleGrant, User
from crm.access.permissions import PERMISSIONS, Held, Permission, Principal
from crm.agendas.bulk.models import BulkChange, BulkItem, BulkKind, BulkState, ItemState
from crm.agendas.models import (
    AgendaWindow,
    Appointment,
    AppointmentDeed,
    AppointmentEvent,
    AppointmentSetting,
    AppointmentState,
    BookableService,
    BookingDraft,
    BookingPace,
    BookingSite,
    ChannelQuota,
    Desk,
    OfficeAgenda,
    OfficeException,
    ServiceClerk,
    ServiceOffice,
)
from crm.agendas.ratings.models import BookingRating
from crm.agendas.rules import Channel
from crm.agendas.wishes.models import BookingOffer, BookingWish, Outcome, Part, WishState
from crm.audit import sealing, searches
from crm.audit import service as audit
from crm.audit.models import ExpiryReason, ReadingAlert, ReadingRule
from crm.collection.models import (
    CollectionSource,
    FeedState,
    ImportNamed,
    ImportRefusal,
    ImportRun,
    ImportState,
    Of,
    Reconciliation,
    SourceKind,
    SourceReading,
    WaitingRecord,
    WithdrawnKey,
)
from crm.contacts.addresses import Address
from crm.contacts.disclosure import Matter, RelationKind
from crm.contacts.models import (
    AddressKind,
    Collected,
    ConditionKind,
    Consent,
    ConsentText,
    Contact,
    ContactAddress,
    ContactCondition,
    ContactMerge,
    ContactPreference,
    DisclosureRule,
    Mandate,
    PersonKind,
    Purpose,
    Relation,
    Source,
)
from crm.continuity.models import Cause, Interruption, InterruptionRemark
from crm.continuity.models import RemarkState as AskedState
from crm.core import configuration, jobs
from crm.core.db import Base, Database, Scope
from crm.documents.models import Document, DocumentContent, DocumentKind
from crm.duplicates import service as duplicates
from crm.duplicates.likeness import Why
from crm.duplicates.models import DuplicateCandidate
from crm.enti.models import Closure, EnteLogo, Office, PaymentWay, ServiceTopic, SpecialDay
from crm.files import service as files
from crm.files.gate import Check
from crm.files.models import GateQuestion
from crm.files.models import Purpose as FilePurpose
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpList
from crm.knowledge.models import KnowledgePiece, KnowledgeVersion, KnowledgeVote, PieceKind
from crm.levels.agreement import Period
from crm.levels.metering import Callers
from crm.levels.models import ClosedPeriod, ContractEvent, ContractEventKind, PenaltyRemark, RemarkState
from crm.messages.models import Message, MessageChannel, MessageSetting, MessageState, MessageStop
from crm.positions.models import PositionAlias
from crm.privacy.models import (
    Breach,
    ErasedPerson,
    ErasureState,
    ExportState,
    PersonErasure,
    PersonExport,
    Risk,
)
from crm.proposals import exports
from crm.proposals import service as proposals
from crm.proposals.models import AnswerRefusal
from crm.proposals.service import Told
from crm.proposals.subjects import ProposalKind, Subject
from crm.reports.models import ReportWish, ServiceReport
from crm.staff import notices
from crm.staff import service as staff
from crm.staff.models import StaffChange
from crm.tokens.models import ApiToken
from crm.turns.models import DeskSeat, FirstFree, Turn, TurnEvent, TurnState
from crm.turns.times import Deed
from telephony.callbacks.models import Callback, CallbackState
from telephony.calls.models import Call, CallSetting
from telephony.history.models import ImportedCall, PastOutcome
from telephony.ivr.models import EmergencyMessage
from telephony.lines import queries as lines
from telephony.quality import forms
from telephony.quality.models import Evaluation, EvaluationWord, Word
from telephony.recording.models import Purpose as RecordedFor
from telephony.recording.models import Recording, RecordingListening, RecordingSetting
from telephony.selfservice.models import CallerCode, CallerPin, FactorFailure, SelfServiceSetting
from telephony.surveys.models import SurveyAnswer
from telephony.texts import reception as texts
from telephony.texts.models import TextReading, TextSetting, TextThread
from telephony.texts.reception import Received
from telephony.voicemail.models import Voicemail
from tests.cast import AS_OF, EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, STRANGER, Cast, principal_of
from tests.servers import DatabaseUrls, PostgresServer
from tests.telephony.stage import Stage, build

pytestmark = pytest.mark.integration

Connection = psycopg.Connection[Any]
OWNER, APP, ROUTING = "filodiretto_owner", "filodiretto_app", "filodiretto_routing"

# Tables that name an ente and yet stand outside row-level security, each with its reason.
OUTSIDE = {
    "role_grant": "it says what a scope is, so it is read before there is one",
    "ente_exclusion": "it takes an ente out of a scope, so it is read before there is one",
    "contract_ente": "a scope is made of it; it names no taxpayer",
    "ente_end": "policies read it to let the rows of an ended ente go; it names no taxpayer",
    "phone_line": "a webhook learns from it which contract a called number belongs to; the numbers are published",
}
# Tables that name no ente: nothing in them may be a taxpayer's. A new table must be put somewhere on purpose.
OF_NOBODY = {
    "access_link", "agent_fact", "agent_presence", "agent_release", "agent_time", "alembic_version", "alert",
    "alert_rule", "app_user", "broadcast", "broadcast_reader", "carrier_command", "carrier_standing",
    "configuration_version", "continuity_run", "contract", "contract_agreement", "contract_level",
    "contract_terms", "ente", "follow_up_list", "forecast_day", "heartbeat", "interruption", "ivr_flow",
    "ivr_publication", "ivr_version", "known_day", "name_stump", "office_screen", "pause_limit",
    "practice_debrief", "practice_session", "push_notice", "push_subscription", "quality_form", "queue",
    "queue_member", "recovery_code", "reinforcement", "roster_week", "sample_draw", "sampling_rule",
    "second_factor", "service_follower", "service_notice", "service_spell", "shift", "sign_in_attempt",
    "staffing_setting", "text_desk", "text_setting", "timer", "user_event", "user_identity", "user_session",
    "wall", "worker_agreement", "worker_agreement_document", "worker_agreement_reading",
}  # fmt: skip
# By the enti themselves; they name no taxpayer.
PUBLISHED = (
    "agenda_window", "appointment_setting", "bookable_service", "booking_site", "channel_quota", "closure",
    "desk", "emergency_message", "ente_logo", "file_setting", "gate_question", "office", "office_agenda",
    "office_exception", "opening_hours", "payment_way", "recording_setting", "self_service_setting",
    "service_office", "service_topic", "special_day",
)  # fmt: skip
APPEND_ONLY = ("audit_entry", "audit_expiry", "audit_seal", "call_event", "service_fact")
NEVER_ALTERED = (  # what somebody agreed to, and his key, go with him alone
    "appointment_event", "audit_entry", "audit_expiry", "audit_seal", "audit_unsealed", "closed_period", "consent",
    "consent_text", "person_key", "report_wish", "service_fact", "service_report", "turn_event",
)  # fmt: skip
# What the cross-ente role may look into; nothing else, and so no table that a later migration adds.
OPEN_TO_ROUTING = (
    "agent_fact", "agent_leg", "agent_presence", "call", "call_event", "callback", "carrier_command",
    "carrier_standing", "configuration_version", "phone_line", "queue", "queue_entry", "queue_member", "recording",
    "text_event", "text_message", "text_setting", "text_thread", "timer", "voicemail",
)  # fmt: skip


def a_document(ente_id: int, contact_id: int) -> Document:
    """What a feed lists."""
    return Document(
        ente_id=ente_id, contact_id=contact_id, reference="D-1", position_reference="E-1", kind=DocumentKind.ACT,
        title="Ingiunzione", dated=None, media_type="application/pdf", size=1, sha256="0" * 64, as_of=AS_OF, digest="x",
    )  # fmt: skip


def plain(url: str) -> str:
    """SQLAlchemy's address as libpq's."""
    return url.replace("postgresql+psycopg:", "postgresql:")


def query(text: str, *names: str) -> sql.Composed:
    """SQL with the names of tables put in."""
    return sql.SQL(cast("LiteralString", text)).format(*(sql.Identifier(name) for name in names))


@pytest.fixture
def superuser(postgres: PostgresServer, database_urls: DatabaseUrls) -> Iterator[Connection]:
    """Sees everything, to know what there is to be seen."""
    with psycopg.connect(postgres.dsn, dbname=database_urls.name, autocommit=True) as connection:
        yield connection


Login = Callable[[str], Connection]


@pytest.fixture
def login(database_urls: DatabaseUrls) -> Iterator[Login]:
    """Connects as one of the product's roles."""
    opened: list[Connection] = []

    def connect(role: str) -> Connection:
        url = {OWNER: database_urls.owner, APP: database_urls.app, ROUTING: database_urls.routing}[role]
        opened.append(psycopg.connect(plain(url)))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def scoped(connection: Connection, *, enti: str, contracts: str = "") -> Connection:
    """As the product opens a transaction."""
    connection.rollback()
    connection.execute(
        "SELECT set_config('app.enti', %s, true), set_config('app.contracts', %s, true)", [enti, contracts]
    )
    return connection


def denied(connection: Connection, statement: sql.Composed, *args: object) -> str:
    """The refusal; the transaction goes on."""
    with pytest.raises(errors.InsufficientPrivilege) as refusal, connection.transaction():
        connection.execute(statement, args)
    return str(refusal.value)


@pytest.fixture
def lived_in(database: Database, cast: Cast) -> Iterator[Stage]:
    """A database in which each tenant table has rows of Empoli's, and some are nobody's yet."""
    stage = build(database, cast)
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.caller_leaves(call)
    stage.engine.fold_counters()
    stage.caller_leaves(stage.queues(sid="CAagain"))
    stage.queues(STRANGER, REGIONAL_LINE, sid="CAunknown")
    with database.begin(Scope.of_contract(cast.contract)) as session:
        jobs.enqueue(session, ente_id=cast.empoli, kind="import", argument={})
        audit.note(session, None, kind="file.opened", ente_id=cast.empoli, contact_id=cast.mario, reason="chiamata")
        sealing.seal(session, cast.empoli)
        sealing.note_expiry(session, cast.empoli, through=1, entries=1, reason=ExpiryReason.CONTRACT_ENDED)
        duplicates.ask(session, None, ente_id=cast.empoli)
        session.add(
            Callback(
                call_id=call, contract_id=cast.contract, ente_id=cast.empoli, number=STRANGER,
                state=CallbackState.FULFILLED, asked_at=AS_OF, expires_at=AS_OF,
            )
        )  # fmt: skip
        session.add(
            Voicemail(
                call_id=call, contract_id=cast.contract, ente_id=cast.empoli, carrier_sid="RE1", seconds=9,
                left_at=AS_OF, keep_until=AS_OF,
            )
        )  # fmt: skip
        session.add(
            Recording(
                id=uuid4(), call_id=call, contract_id=cast.contract, ente_id=cast.empoli, carrier_sid="RE2",
                began_at=AS_OF, keep_until=AS_OF,
            )
        )  # fmt: skip
        session.add(
            RecordingListening(call_id=call, ente_id=cast.empoli, user_id=cast.sara, reason="x", began_at=AS_OF)
        )
        session.add(
            SurveyAnswer(
                id=uuid4(), contract_id=cast.contract, ente_id=cast.empoli, queue_id=cast.operator,
                day=AS_OF.date(), score=5,
            )
        )  # fmt: skip
        an_evaluation(session, cast, call)
        _writes(session, cast)
        session.add(PositionAlias(ente_id=cast.empoli, reference="E-1", key="2023/7"))
        session.add(GateQuestion(ente_id=cast.empoli, place=1, key="born", text="?", checks=Check.BORN))
        session.add(a_document(cast.empoli, cast.mario))
        session.add(DocumentContent(ente_id=cast.empoli, sha256="0" * 64, received_at=AS_OF))
        files.open_file(
            session, principal_of(session, cast.sara), contact_id=cast.mario, purpose=FilePurpose.QUALITY, reason=""
        )
        audit.note(session, None, kind="file.opened", ente_id=cast.empoli, contact_id=cast.mario)
        _propose(session, cast)
        notices.add(
            session, None, ente_id=cast.empoli, user=session.get_one(User, cast.anna), change=StaffChange.CHANGED
        )
        vera = Principal(cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, cast.empoli, None)}))
        staff.ask_replacement(session, vera, ente_id=cast.empoli, user_id=cast.anna, reason="Modi sgarbati")
        feeds(session, cast.empoli)
        at = session.info["now"]
        asked = {"ente_id": cast.empoli, "contact_id": cast.mario, "asked_by": cast.sara, "asked_at": at}
        erasure = PersonErasure(state=ErasureState.WAITING, protocol="7/2026", outcome={}, **asked)
        session.add_all([erasure, PersonExport(state=ExportState.WAITING, parts=0, parts_made=0, **asked)])
        session.flush()
        session.add(ErasedPerson(ente_id=cast.empoli, mark=b"x", erasure_id=erasure.id, erased_at=at))
        session.add(
            Breach(
                ente_id=cast.empoli, what="", known_at=at, data="", consequences="", measures="", risk=Risk.UNKNOWN,
                late_reason="", persons_not_told="", recorded_by=cast.sara, recorded_at=at,
            )
        )  # fmt: skip
        session.add(
            ReadingAlert(
                ente_id=cast.empoli, user_id=cast.anna, day=at.date(), rule=ReadingRule.DAY, count=200, usual=100,
                raised_at=at,
            )
        )  # fmt: skip
        session.add_all(told(session, cast))
        searches.note(session, principal_of(session, cast.anna), [cast.empoli])
        _knows(session, cast)
        _receives(session, cast)
        session.add_all(
            [
                CallSetting(ente_id=cast.empoli),
                EnteLogo(ente_id=cast.empoli, media_type="image/png", content=b"", sha256=""),
                Office(
                    ente_id=cast.empoli, name="URP", address="Via Roma 1", competent_for="", accessibility="", hours=[]
                ),
                PaymentWay(ente_id=cast.empoli, place=0, words="Con pagoPA"),
                ServiceTopic(contract_id=cast.contract, ente_id=cast.empoli, topic="payment"),
                SpecialDay(contract_id=cast.contract, ente_id=cast.empoli, day=at.date()),
                EmergencyMessage(contract_id=cast.contract, ente_id=cast.empoli, text={"it": "Allerta."}, ends=True),
            ]
        )  # fmt: skip
        stopped = Interruption(cause=Cause.DATABASE, began_at=at, ended_at=at, found_at=at, apologies=0)
        session.add(stopped)
        session.flush()
        session.add_all(
            [
                InterruptionRemark(
                    contract_id=cast.contract, ente_id=cast.empoli, interruption_id=stopped.id, words="Guasto.",
                    state=AskedState.ASKED, said_by=cast.sara, said_at=at, decision="",
                ),
                PenaltyRemark(
                    contract_id=cast.contract, ente_id=cast.empoli, metric="x", subject="x", words="Guasto.",
                    state=RemarkState.NOTE, said_by=cast.sara, said_at=at, decision="",
                ),
                ServiceReport(
                    contract_id=cast.contract, ente_id=cast.empoli, period=Period.MONTH, first=at.date(),
                    last=at.date(), version=1, made_at=at, seal="", kept={},
                ),
                ReportWish(ente_id=cast.empoli, user_id=cast.vera, wished_at=at),
                ApiToken(
                    ente_id=cast.empoli, name="x", digest="x", scopes=["reports"], made_by=cast.sara, made_at=at,
                    expires_at=at,
                ),
                ClosedPeriod(
                    contract_id=cast.contract, ente_id=cast.empoli, first=at.date(), last=at.date(), closed_at=at,
                    seal="", kept={},
                ),
                ContractEvent(
                    contract_id=cast.contract, ente_id=cast.empoli, kind=ContractEventKind.QUEUE_OVER, metric="x",
                    subject="x", limit=5, measured=6, occurred_at=at, recorded_at=at,
                ),
                ImportedCall(
                    id=uuid4(), contract_id=cast.contract, ente_id=cast.empoli, callers=Callers.MOBILE,
                    outcome=PastOutcome.CLOSED, started_at=at, ended_at=at, waited_ms=0,
                ),
            ]
        )  # fmt: skip
        session.add(
            Closure(
                contract_id=cast.contract,
                ente_id=cast.empoli,
                starts_at=at,
                ends_at=at,
                reason="",
                declared_by=cast.sara,
                declared_at=at,
            )
        )
    yield stage
    stage.matcher.close()
    stage.dispatcher.close()


def _knows(session: Session, cast: Cast) -> None:
    """An article of Empoli's, and one for all enti of its contract; somebody found them useful."""
    for ente_id in (cast.empoli, None):
        piece = KnowledgePiece(contract_id=cast.contract, ente_id=ente_id, kind=PieceKind.ARTICLE)
        session.add(piece)
        session.flush()
        of: Any = {"piece_id": piece.id, "contract_id": cast.contract, "ente_id": ente_id, "number": 1}
        session.add(KnowledgeVersion(**of, title="Rate", body="A rate.", words="'rat':1", written_at=AS_OF))
        session.add(KnowledgeVote(**of, useful=True, day=AS_OF.date()))


def _receives(session: Session, cast: Cast) -> None:
    """An office of Empoli's with a desk, an agenda, and an appointment of Mario's."""
    ente: Any = {"ente_id": cast.empoli}
    office = Office(**ente, name="Tributi", address="Via Roma 1", competent_for="", accessibility="", hours=[])
    service = BookableService(**ente, name={"it": "TARI"}, description={}, bring={}, duration=20, step=20)
    session.add_all([office, service])
    session.flush()
    at: Any = {**ente, "office_id": office.id}
    desk = Desk(**at, name="1", services=[])
    agenda = OfficeAgenda(**at, version=1, valid_from=AS_OF.date())
    session.add_all([desk, agenda])
    session.flush()
    appointment = Appointment(
        **at, id=uuid4(), contact_id=cast.mario, desk_id=desk.id, place=0, service_id=service.id, starts_at=AS_OF,
        ends_at=AS_OF + timedelta(minutes=20), free_at=AS_OF + timedelta(minutes=20), code="CCDDFFGG",
        state=AppointmentState.BOOKED, channel=Channel.WEB, made_at=AS_OF, changed_at=AS_OF,
    )  # fmt: skip
    change = BulkChange(
        **at, id=uuid4(), kind=BulkKind.CANCEL, state=BulkState.DONE, reason="Sciopero", made_at=AS_OF,
        made_by=cast.sara,
    )  # fmt: skip
    wish = BookingWish(
        **ente, id=uuid4(), service_id=service.id, offices=[], weekdays=[], part=Part.ANY, until=AS_OF.date(),
        state=WishState.WAITING, mark=b"x", contact_id=cast.mario, given_name="Mario", surname="Bianchi",
        language="it", made_at=AS_OF,
    )  # fmt: skip
    session.add(wish)
    turn = Turn(
        **at, service_id=service.id, day=AS_OF.date(), letter="A", number=1, state=TurnState.WAITING,
        contact_id=cast.mario, arrived_at=AS_OF,
    )  # fmt: skip
    session.add(turn)
    session.flush()
    session.add_all(
        [
            TurnEvent(**ente, turn_id=turn.id, deed=Deed.ARRIVED, at=AS_OF, detail={}),
            DeskSeat(**at, desk_id=desk.id, user_id=cast.anna, day=AS_OF.date(), since=AS_OF),
            FirstFree(**at, service_id=service.id, day=AS_OF.date(), working_days=3, sampled_at=AS_OF),
            ServiceOffice(**at, service_id=service.id), ServiceClerk(**ente, service_id=service.id, user_id=cast.anna),
            AgendaWindow(
                **ente, agenda_id=agenda.id, desk_id=desk.id, weekday=0, opens=time(9), closes=time(13), services=[]
            ),
            OfficeException(
                **at, first=AS_OF.date(), last=AS_OF.date(), closed=True, words="", written_at=AS_OF
            ),
            BookingSite(**ente, slug="empoli", framed_by=[]), BookingPace(**ente, mark=b"x", since=AS_OF, asked=1),
            BookingDraft(**at, id=uuid4(), service_id=service.id, language="it", changed_at=AS_OF),
            BookingOffer(
                **at, id=uuid4(), wish_id=wish.id, hold_id=uuid4(), starts_at=AS_OF, outcome=Outcome.MISSED,
                made_at=AS_OF, until=AS_OF,
            ),
            BookingRating(
                **ente, id=uuid4(), service_id=service.id, month=AS_OF.date().replace(day=1), stars=4
            ),
            ChannelQuota(**at, channel=Channel.WEB, share=50), appointment, change,
            AppointmentSetting(**ente, kept_days=30),
            AppointmentEvent(
                **ente, appointment_id=appointment.id, deed=AppointmentDeed.BOOKED, at=AS_OF, channel=Channel.WEB,
                detail={},
            ),
        ]
    )  # fmt: skip
    session.flush()
    session.add(
        BulkItem(
            **ente, change_id=change.id, appointment_id=appointment.id, rank=0, was_at=AS_OF, was_desk_id=desk.id,
            state=ItemState.DONE, why="",
        )
    )  # fmt: skip


def an_evaluation(session: Session, cast: Cast, call: UUID) -> None:
    """Sara heard Anna's conversation, and Anna replied."""
    form = forms.ensure(session, cast.contract, cast.sara)
    evaluation = Evaluation(
        id=uuid4(), contract_id=cast.contract, ente_id=cast.empoli, call_id=call, agent_id=cast.anna,
        evaluator_id=cast.sara, form_id=form.id, answers={}, comment="x", assigned_at=AS_OF, due_on=AS_OF.date(),
        keep_until=AS_OF.date(),
    )  # fmt: skip
    session.add(evaluation)
    session.flush()
    session.add(
        EvaluationWord(
            evaluation_id=evaluation.id, ente_id=cast.empoli, kind=Word.REPLY, said_by=cast.anna, said_at=AS_OF,
            words="x",
        )
    )  # fmt: skip


def _writes(session: Session, cast: Cast) -> None:
    """Somebody writes who is known, and somebody of whom it is not known for which ente."""
    wanted = {"most": 3, "beside_calls": True, "idle_min": 15, "close_h": 8, "kept_days": 365}
    session.add(TextSetting(contract_id=cast.contract, queue_id=cast.operator, **wanted))
    session.flush()
    configuration.changed(session)
    for number, citizen in ((EMPOLI_LINE, MARIO_MOBILE), (REGIONAL_LINE, STRANGER)):
        found = lines.line(session, number)
        assert found is not None
        assert texts.receive(session, Received(f"SM{number}", citizen, "Buongiorno"), found)
    for thread in session.execute(select(TextThread)).scalars():
        of = {"thread_id": thread.id, "contract_id": thread.contract_id, "ente_id": thread.ente_id}
        session.add(TextReading(**of, user_id=cast.sara, reason="Reclamo", began_at=AS_OF))


def _propose(session: Session, cast: Cast) -> None:
    """Two agents report the same of Mario, the ente approves, it is exported; and somebody is still typing."""
    anna, luca = (principal_of(session, user_id) for user_id in (cast.anna, cast.luca))
    approver = Principal(cast.vera, "", "it", frozenset({Held(Role.ENTE_APPROVER, cast.empoli, None)}))
    for by in (anna, luca):
        made = proposals.propose_correction(
            session, by, contact_id=cast.mario, subject=Subject.EMAIL, instead_of=None,
            fields={"value": "mario@example.it"}, told=Told(),
        )  # fmt: skip
    proposals.decide(session, approver, proposal_ids=[made.proposal_id], approve=True)
    exports.export(session, None, ente_id=cast.empoli)
    unread = AnswerRefusal(ente_id=cast.empoli, proposal="", reason="", heard_at=session.info["now"])
    session.add(unread)
    proposals.save_draft(session, anna, contact_id=cast.mario, kind=ProposalKind.CORRECTION, fields={"value": "0571"})


def feeds(session: Session, ente_id: int) -> None:
    """A row in each table of the feeds."""
    at = session.info["now"]
    run = ImportRun(
        ente_id=ente_id,
        file_name="feed",
        file_bytes=1,
        state=ImportState.RUNNING,
        started_at=at,
        moved_at=at,
        totals=[],
    )
    source = CollectionSource(ente_id=ente_id, kind=SourceKind.FOLDER, name="inbox")
    session.add_all([run, source])
    session.flush()
    known: Any = {"ente_id": ente_id, "of": Of.POSITION, "key": "T-1"}
    session.add_all(
        [
            ImportRefusal(ente_id=ente_id, run_id=run.id, line=1, reason="", taken=False),
            ImportNamed(run_id=run.id, **known), WithdrawnKey(as_of=at, **known), FeedState(ente_id=ente_id),
            WaitingRecord(
                ente_id=ente_id, of=Of.POSITION, reference="T-2", codice_fiscale="BNCMRA62A01D403X", as_of=at,
                present_as_of=at, digest="", content={},
            ),
            SourceReading(ente_id=ente_id, source_id=source.id, started_at=at),
            Reconciliation(
                ente_id=ente_id, run_id=run.id, as_of=at, made_at=at, matches=True, lines=[], newer=0
            ),
        ]
    )  # fmt: skip
    session.flush()


def told(session: Session, cast: Cast) -> list[Base]:
    """A row of Mario's in each table of what people tell."""
    his: dict[str, Any] = {"ente_id": cast.empoli, "contact_id": cast.mario}
    at, home = session.info["now"], Address("Via Roma 2", "50053", "Empoli")
    other = Contact(
        ente_id=cast.empoli, codice_fiscale="BNCMRA62A01D403Y", kind=PersonKind.NATURAL, surname="BIANCHI",
        given_name="MARIO", name_key="BIANCHI MARIO", as_of=at, digest="x",
    )  # fmt: skip
    text = ConsentText(ente_id=cast.empoli, purpose=Purpose.SURVEY, version=1, text="Acconsento.", published_at=at)
    mandate = Mandate(
        ente_id=cast.empoli, name="Studio Verdi", document="Prot. 1", covers=[Matter.ACTS], valid_from=at.date(),
        written_at=at, written_by=cast.anna,
    )  # fmt: skip
    todo = FollowUpList(contract_id=cast.contract, name="Da richiamare")
    session.add_all([other, text, mandate, todo])
    session.flush()
    return [
        ContactAddress(**his, kind=AddressKind.DOMICILE, street=home.street, place_key=home.key),
        ContactCondition(
            **his, kind=ConditionKind.INSOLVENT, source=Source.TAXPAYER, note="", told_at=at, told_by=cast.anna
        ),
        ContactPreference(**his, weekdays=[0], do_not_call_why="", written_at=at, written_by=cast.anna),
        Consent(**his, text_id=text.id, given=True, collected=Collected.SPOKEN, occurred_at=at),
        Relation(
            **his, kind=RelationKind.ACCOUNTANT, who_key="STUDIO VERDI", name="Studio Verdi", mandate_id=mandate.id
        ),
        DisclosureRule(ente_id=cast.empoli, relation=RelationKind.HEIR, matters=[Matter.ACTS]),
        ContactMerge(
            ente_id=cast.empoli, kept_id=cast.mario, merged_id=other.id, merged_at=at, merged_by=cast.sara, reason="x"
        ),
        DuplicateCandidate(
            ente_id=cast.empoli, one_id=cast.mario, other_id=other.id, score=80, why=[Why.NAME_AND_BIRTH], found_at=at
        ),
        Message(
            **his,
            id=uuid4(),
            cause="x",
            channel=MessageChannel.SMS,
            template="how_to_pay",
            language="it",
            address=STRANGER,
            subject="",
            body="",
            state=MessageState.SENT,
            made_at=at,
            due_at=at,
            expires_at=at,
        ),
        RecordingSetting(
            ente_id=cast.empoli, is_on=False, purpose=RecordedFor.QUALITY, workers="", share=1, keep_days=1, pause_s=30
        ),
        SelfServiceSetting(ente_id=cast.empoli, is_on=True, pins=True, codes=True),
        CallerPin(**his, mark=b"x", set_at=at),
        CallerCode(**his, call_id=uuid4(), notice_mark=b"x", mark=b"x", sent_at=at, expires_at=at),
        FactorFailure(contract_id=cast.contract, ente_id=cast.empoli, caller_mark=b"x", notice_mark=b"x", failed_at=at),
        MessageStop(ente_id=cast.empoli, channel=MessageChannel.SMS, address=STRANGER, stopped_at=at),
        MessageSetting(ente_id=cast.empoli, quiet_from=time(20), quiet_until=time(9)),
        FollowUp(
            **his, list_id=todo.id, kind=FollowUpKind.CALL_BACK, due_at=at, note="", made_at=at, made_by=cast.anna
        ),
    ]


def tables_of_enti(superuser: Connection) -> list[str]:
    """The tables that name an ente, as the catalogue knows them."""
    rows = superuser.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'ente_id'"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1"
    )
    return [name for (name,) in rows if name not in OUTSIDE]


def all_tables(superuser: Connection) -> list[str]:
    """Every table there is."""
    rows = superuser.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    return [name for (name,) in rows]


# -- what the catalogue says --------------------------------------------------------------------------------------


def test_every_table_that_names_an_ente_is_behind_a_forced_policy(superuser: Connection) -> None:
    tables = tables_of_enti(superuser)
    assert {"contact", "position", "call", "timeline_entry", "service_count"} <= set(tables)
    rows = superuser.execute(
        "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity, p.polcmd, p.polpermissive,"
        "       p.polqual IS NOT NULL, p.polwithcheck IS NOT NULL"
        " FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
        " WHERE %s::regrole = ANY (p.polroles) AND c.relname = ANY (%s)",
        [APP, tables],
    ).fetchall()
    scoped_rows = [row for row in rows if row[2] == "*"]
    assert sorted(scoped_rows) == [(table, True, "*", True, True, True) for table in tables]
    assert {row[0] for row in rows if row[2] != "*"} == set(PUBLISHED)
    assert {row[2] for row in rows if row[0] in PUBLISHED} == {"*", "r"}  # read by all, written in scope


def test_no_policy_opens_a_table_to_anybody_else(superuser: Connection) -> None:
    rows = superuser.execute(
        "SELECT DISTINCT r.rolname FROM pg_policy p, unnest(p.polroles) AS role LEFT JOIN pg_roles r ON r.oid = role"
    )
    assert {name for (name,) in rows} == {APP, ROUTING, OWNER}
    owners = superuser.execute(
        "SELECT c.relname, p.polname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
        " WHERE %s::regrole = ANY (p.polroles)",
        [OWNER],
    )
    assert sorted(owners.fetchall()) == [  # to be removed: what was kept for long enough, and an ended ente's
        ("audit_entry", "ended"), ("audit_entry", "old"), ("call_event", "ended"), ("service_fact", "ended"),
    ]  # fmt: skip


def test_every_table_is_a_tenants_or_is_known_to_be_nobodys(superuser: Connection) -> None:
    rows = superuser.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    unprotected = {name for (name,) in rows} - set(tables_of_enti(superuser))
    assert unprotected == OF_NOBODY | set(OUTSIDE)


def test_no_role_of_ours_may_pass_by_row_level_security(superuser: Connection) -> None:
    for role in (OWNER, APP, ROUTING):
        attributes = superuser.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " FROM pg_roles WHERE rolname = %s",
            [role],
        ).fetchone()
        assert attributes == (False,) * 5, role
        assert superuser.execute("SELECT FROM pg_auth_members WHERE member = %s::regrole", [role]).rowcount == 0
        owned = superuser.execute("SELECT FROM pg_class WHERE relowner = %s::regrole", [role]).rowcount
        assert bool(owned) == (role == OWNER)


def test_few_functions_lend_the_owners_rights(superuser: Connection) -> None:
    rows = superuser.execute(
        "SELECT proname, proowner::regrole::text, proconfig, has_function_privilege(%s, oid, 'EXECUTE'),"
        "       has_function_privilege(%s, oid, 'EXECUTE'), has_function_privilege('public', oid, 'EXECUTE')"
        " FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace",
        [APP, ROUTING],
    ).fetchall()
    assert sorted(rows) == [
        ("analyze_collection", OWNER, ["search_path=pg_catalog"], True, False, False),
        ("expire_audit", OWNER, ["search_path=pg_catalog"], True, False, False),
        ("forget_ended", OWNER, ["search_path=pg_catalog"], True, False, False),
        ("raise_configuration_version", OWNER, ["search_path=pg_catalog, public"], False, False, False),
    ]


# -- another ente's rows ------------------------------------------------------------------------------------------


def test_every_tenant_table_has_rows_to_be_attacked(lived_in: Stage, superuser: Connection) -> None:
    for table in tables_of_enti(superuser):
        rows = superuser.execute(query("SELECT FROM {} WHERE ente_id = %s", table), [lived_in.cast.empoli]).rowcount
        assert rows or table == "opening_hours", table


def test_siena_sees_nothing_of_empoli(lived_in: Stage, superuser: Connection, login: Login) -> None:
    cast = lived_in.cast
    app = login(APP)
    for table in set(tables_of_enti(superuser)) - set(PUBLISHED):
        theirs = query("SELECT FROM {} WHERE ente_id = ANY (%s) OR ente_id IS NULL", table)
        scoped(app, enti=str(cast.siena), contracts="")
        assert app.execute(theirs, [[cast.empoli, cast.vinci, 0]]).rowcount == 0, table
        everything = app.execute(query("SELECT ente_id FROM {}", table)).fetchall()
        assert {ente for (ente,) in everything} <= {cast.siena}, table


def test_siena_changes_nothing_of_empoli(lived_in: Stage, superuser: Connection, login: Login) -> None:
    cast = lived_in.cast
    app = login(APP)
    for table in tables_of_enti(superuser):
        scoped(app, enti=str(cast.siena), contracts=str(cast.other_contract))
        take = query("UPDATE {} SET ente_id = %s WHERE ente_id = %s", table)
        delete = query("DELETE FROM {} WHERE ente_id = %s", table)
        if table in NEVER_ALTERED:
            denied(app, take, cast.siena, cast.empoli)
        else:
            assert app.execute(take, [cast.siena, cast.empoli]).rowcount == 0, table
        if table in APPEND_ONLY:
            denied(app, delete, cast.empoli)
        else:
            assert app.execute(delete, [cast.empoli]).rowcount == 0, table


def test_siena_writes_nothing_into_empoli(lived_in: Stage, superuser: Connection, login: Login) -> None:
    cast = lived_in.cast
    app = login(APP)
    for table in tables_of_enti(superuser):
        found = superuser.execute(
            query("SELECT to_jsonb(t)::text FROM {} t WHERE ente_id = %s LIMIT 1", table), [cast.empoli]
        ).fetchone()
        if found is None:
            continue
        scoped(app, enti=str(cast.siena), contracts=str(cast.other_contract))
        refusal = denied(
            app, query("INSERT INTO {} SELECT * FROM jsonb_populate_record(NULL::{}, %s::jsonb)", table, table), *found
        )
        assert "row-level security" in refusal, table


def test_empoli_cannot_hand_its_rows_to_siena(lived_in: Stage, superuser: Connection, login: Login) -> None:
    cast = lived_in.cast
    app = login(APP)
    for table in tables_of_enti(superuser):
        scoped(app, enti=str(cast.empoli), contracts=str(cast.contract))
        give = query("UPDATE {} SET ente_id = %s WHERE ente_id = %s", table)
        if app.execute(query("SELECT FROM {} WHERE ente_id = %s", table), [cast.empoli]).rowcount:
            denied(app, give, cast.siena, cast.empoli)


def test_a_call_of_nobodys_yet_is_seen_by_whoever_holds_the_contract(lived_in: Stage) -> None:
    cast, database = lived_in.cast, lived_in.database

    def seen(scope: Scope) -> int:
        with database.begin(scope) as session:
            return session.execute(
                select(func.count()).select_from(Call).where(Call.carrier_sid == "CAunknown")
            ).scalar_one()

    assert seen(Scope.of_contract(cast.contract)) == 1
    assert seen(Scope.of_enti([cast.empoli], [cast.contract])) == 1
    assert seen(Scope.across_enti()) == 1
    assert seen(Scope.of_enti([cast.empoli, cast.vinci])) == 0  # an ente's own viewer
    assert seen(Scope.of_contract(cast.other_contract)) == 0
    assert seen(Scope.nothing()) == 0


# -- each kind of user --------------------------------------------------------------------------------------------


def signed_in(database: Database, cast: Cast, role: Role, *, on_contract: bool, removed: bool) -> Principal:
    """Somebody who holds one role, on Empoli or on the contract of Empoli and Vinci, as his requests see him."""
    where = {"contract_id": cast.contract} if on_contract else {"ente_id": cast.empoli}
    with database.begin(Scope.nothing()) as session:
        at = session.info["now"]
        user = User(username=f"kind-{role.value}", name=role.value)
        session.add(user)
        session.flush()
        session.add(RoleGrant(user_id=user.id, role=role, valid_from=at, valid_to=None, **where))
        if removed:
            session.add(EnteExclusion(user_id=user.id, ente_id=cast.empoli, reason="x", made_by=cast.vera, made_at=at))
        session.flush()
        found = access.resume(session, access.open_session(session, user.id))
    assert found is not None
    return found.principal


@pytest.mark.parametrize("removed", [False, True], ids=["", "removed"])
@pytest.mark.parametrize("on_contract", [False, True], ids=["ente", "contract"])
def test_for_each_kind_of_user_other_enti_s_rows_do_not_exist(
    lived_in: Stage, superuser: Connection, login: Login, on_contract: bool, removed: bool
) -> None:
    cast, app = lived_in.cast, login(APP)
    his = ({cast.empoli, cast.vinci} if on_contract else {cast.empoli}) - ({cast.empoli} if removed else set())
    tables = set(tables_of_enti(superuser)) - set(PUBLISHED)
    walked: set[tuple[str, str]] = set()  # scopes whose tables were looked at
    for role in Role:
        who = signed_in(lived_in.database, cast, role, on_contract=on_contract, removed=removed)
        for permission in Permission:
            with lived_in.database.begin(Scope.nothing()) as session:
                scope = access.scope_for(session, who, permission)
            held = permission in PERMISSIONS[role]
            assert scope.enti == (his if held else set()), (role, permission)
            enti, contracts = (",".join(map(str, sorted(ids))) for ids in (scope.enti or (), scope.contracts))
            if (enti, contracts) in walked:
                continue
            walked.add((enti, contracts))
            scoped(app, enti=enti, contracts=contracts)
            for table in tables:
                seen = {ente for (ente,) in app.execute(query("SELECT DISTINCT ente_id FROM {}", table))}
                assert seen - {None} <= (his if held else set()), (role, permission, table)
            seen_people = app.execute("SELECT id FROM contact").fetchall()
            assert (cast.stranger_in_siena,) not in seen_people
            assert ((cast.mario,) in seen_people) == (held and cast.empoli in his)
            assert app.execute("SELECT FROM contact WHERE id = %s", [cast.stranger_in_siena]).rowcount == 0
            assert app.execute("UPDATE position SET paid_cents = 1 WHERE ente_id = %s", [cast.siena]).rowcount == 0


# -- getting out of the scope -------------------------------------------------------------------------------------


def test_without_a_scope_there_is_only_a_refusal(lived_in: Stage, superuser: Connection, login: Login) -> None:
    app = login(APP)
    for table in set(tables_of_enti(superuser)) - set(PUBLISHED):
        if superuser.execute(query("SELECT FROM {}", table)).rowcount:
            with pytest.raises(errors.UndefinedObject), app.transaction():
                app.execute(query("SELECT count(*) FROM {}", table))


def test_after_a_commit_or_a_reset_there_is_nothing_to_be_seen(cast: Cast, login: Login) -> None:
    for attempt in ("COMMIT", "RESET app.enti", "RESET ALL", "SET LOCAL app.enti TO DEFAULT"):
        app = scoped(login(APP), enti=str(cast.empoli))
        assert app.execute("SELECT FROM contact").rowcount == 1
        app.execute(attempt)
        try:
            seen = app.execute("SELECT FROM contact").rowcount
        except errors.UndefinedObject:
            seen = 0
        assert seen == 0, attempt


WAYS_OUT: tuple[LiteralString, ...] = (
    "SET ROLE filodiretto_owner", "SET ROLE postgres", "SET SESSION AUTHORIZATION filodiretto_owner",
    "ALTER TABLE contact DISABLE ROW LEVEL SECURITY", "ALTER TABLE contact NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY scope ON contact", "CREATE POLICY mine ON contact USING (true)",
    "ALTER ROLE CURRENT_USER BYPASSRLS", "TRUNCATE contact", "COPY contact TO PROGRAM 'cat'",
    "CREATE TABLE public.loot (x int)", "SELECT pg_read_file('postgresql.conf')",
)  # fmt: skip


@pytest.mark.parametrize("role", [APP, ROUTING])
def test_a_role_cannot_free_itself(cast: Cast, login: Login, role: str) -> None:
    other = sql.SQL("SET ROLE {}").format(sql.Identifier(ROUTING if role == APP else APP))
    connection = scoped(login(role), enti="")
    for attempt in (other, *map(sql.SQL, WAYS_OUT)):
        denied(connection, sql.Composed([attempt]))


def test_switching_row_security_off_makes_queries_fail_not_succeed(cast: Cast, login: Login) -> None:
    app = scoped(login(APP), enti=str(cast.empoli))
    app.execute("SET row_security = off")
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute("SELECT FROM contact")


def test_the_owner_too_sees_no_taxpayer(lived_in: Stage, superuser: Connection, login: Login) -> None:
    owner = scoped(login(OWNER), enti=str(lived_in.cast.empoli), contracts=str(lived_in.cast.contract))
    for table in tables_of_enti(superuser):
        assert owner.execute(query("SELECT FROM {}", table)).rowcount == 0, table


def test_a_pooled_connection_remembers_nobodys_scope(database: Database, cast: Cast) -> None:
    def contacts(scope: Scope) -> int:
        with database.begin(scope) as session:
            return session.execute(select(func.count()).select_from(Contact)).scalar_one()

    assert contacts(Scope.of_enti([cast.empoli])) == 1
    assert contacts(Scope.nothing()) == 0
    assert contacts(Scope.of_contract(cast.contract)) == 2
    assert contacts(Scope.of_contract(cast.other_contract)) == 1


# -- the cross-ente role, and the logs -----------------------------------------------------------------------------


def test_routing_does_not_touch_what_is_not_telephonys(cast: Cast, superuser: Connection, login: Login) -> None:
    routing = login(ROUTING)
    for table in set(all_tables(superuser)) - set(OPEN_TO_ROUTING):
        denied(routing, query("SELECT FROM {}", table))
        granted = superuser.execute(
            "SELECT has_any_column_privilege(%s, %s, 'SELECT, INSERT, UPDATE, REFERENCES')"
            "    OR has_table_privilege(%s, %s, 'DELETE, TRUNCATE, TRIGGER')",
            [ROUTING, table, ROUTING, table],
        ).fetchone()
        assert granted == (False,), table


def test_what_an_agent_did_cannot_be_altered_and_goes_after_two_years(
    lived_in: Stage, superuser: Connection, login: Login
) -> None:
    added = "INSERT INTO agent_fact (agent_id, at, activity) SELECT {}, now() - interval {}, 'ready'"
    for age in ("2 years 1 day", "23 months"):
        superuser.execute(sql.SQL(added).format(sql.Literal(lived_in.cast.anna), sql.Literal(age)))
    app, routing = scoped(login(APP), enti=""), login(ROUTING)
    for role in (app, routing):
        for change in ("UPDATE {} SET at = now()", "TRUNCATE {}"):
            denied(role, query(change, "agent_fact"))
    denied(routing, query("DELETE FROM {}", "agent_fact"))
    assert app.execute("DELETE FROM agent_fact").rowcount == 1


def test_what_was_seen_cannot_be_unseen(lived_in: Stage, login: Login) -> None:
    cast = lived_in.cast
    changes = ("DELETE FROM {}", "UPDATE {} SET occurred_at = now()", "UPDATE {} SET kind = ''", "TRUNCATE {}")
    for role in (APP, ROUTING):
        connection = scoped(login(role), enti=f"{cast.empoli},{cast.vinci}", contracts=str(cast.contract))
        for table in ("audit_entry", "call_event", "service_fact"):
            if role == APP or table in OPEN_TO_ROUTING:  # which it does not even see
                assert connection.execute(query("SELECT FROM {}", table)).rowcount > 0
            for change in changes:
                denied(connection, query(change, table))
