"""Rows for the attacks on isolation: one at the least in each table of enti. A new table is written here, too."""

from datetime import time, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.agendas.bulk.models import BulkChange, BulkItem, BulkKind, BulkState, ItemState
from crm.agendas.external.models import BusyTime, ExternalCalendar
from crm.agendas.feeds.models import CalendarFeed
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
from crm.cases.consigning.models import ConsignedDocument, Consignment
from crm.cases.gestionale.models import CaseProposal, GestionaleDays
from crm.cases.instalments.models import InstalmentRules
from crm.cases.lifecycle import Channel as CaseChannel
from crm.cases.lifecycle import Deed as CaseDeed
from crm.cases.lifecycle import Outcome as CaseOutcome
from crm.cases.lifecycle import State as CaseState
from crm.cases.lifecycle import Topic as CaseTopic
from crm.cases.models import (
    Case,
    CaseDocument,
    CasePause,
    CasePosition,
    CaseStep,
    CaseTeam,
    CaseTeamMember,
    CaseTerm,
    CaseWorker,
    PauseReason,
)
from crm.cases.protocol.models import CaseRegistration
from crm.cases.submissions.models import CaseSender, SubmissionDraft, SubmissionFile
from crm.cases.terms import TermKind
from crm.collection.models import (
    CollectionSource,
    ContactLookup,
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
from crm.collection.sources.port import Lookup
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
from crm.documents.models import Document, DocumentContent, DocumentKind, Scan
from crm.documents.scanning import NOT_SCANNED
from crm.drafts import service as drafts
from crm.drafts.places import FormKind, Place
from crm.duplicates import service as duplicates
from crm.duplicates.likeness import Why
from crm.duplicates.models import DuplicateCandidate
from crm.enti.models import (
    Closure,
    EnteLogo,
    HolidayChange,
    Office,
    OpeningWeek,
    PaymentWay,
    ServiceTopic,
    SpecialDay,
)
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
from crm.proposals.lifecycle import State as ProposalState
from crm.proposals.models import AnswerRefusal, Proposal
from crm.proposals.service import Told
from crm.proposals.subjects import Subject
from crm.reports.models import ReportAddressee, ReportWish, ServiceReport
from crm.staff import notices
from crm.staff import service as staff
from crm.staff.models import StaffChange
from crm.tokens.models import ApiToken
from crm.turns.models import DeskSeat, FirstFree, Turn, TurnEvent, TurnState
from crm.turns.times import Deed
from outbound.campaigns.lifecycle import State as CampaignState
from outbound.campaigns.models import (
    Attempt,
    Campaign,
    CampaignContact,
    CampaignFigure,
    CampaignVersion,
    ContactState,
    Look,
    WrittenAttempt,
)
from outbound.campaigns.plan import Mode
from outbound.cati.aapor import Disposition
from outbound.cati.models import (
    Interview,
    InterviewDeed,
    InterviewEvent,
    InterviewState,
    SurveyCase,
    SurveyCheck,
    SurveyForm,
    SurveyQuota,
    SurveySample,
    SurveyStratum,
    SurveyVersion,
)
from outbound.cati.sampling import Allocation
from outbound.compliance.rules import Ended, Written
from outbound.dialer.models import (
    DialerGap,
    DialerLine,
    DialerRecall,
    DialerSetting,
    DialerStay,
    Gap,
    LineState,
    OutboundDay,
)
from outbound.letters.models import (
    BatchState,
    Letter,
    LetterAnswer,
    LetterBatch,
    LetterOutcome,
    LetterReading,
    LetterReturn,
    LetterSender,
    LetterState,
    ReadingState,
)
from outbound.lists.models import ContactList, ContactListMember, ContactListRefusal, ListState, Origin
from outbound.lists.models import Why as NotListed
from outbound.outcomes.catalogue import Said
from outbound.outcomes.models import OutcomeGiven
from outbound.promises.judging import PromiseState
from outbound.promises.models import PaymentPromise, PromisePosition
from outbound.results.models import CampaignReport
from telephony.callbacks.models import Callback, CallbackState
from telephony.calls.models import CallSetting
from telephony.history.models import ImportedCall, PastOutcome
from telephony.ivr.models import EmergencyMessage
from telephony.lines import queries as lines
from telephony.mail import boxes, enclosing, intake
from telephony.mail.intake import Came
from telephony.mail.models import Mail
from telephony.mail.reading import read
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
from tests.outbound.field import people as visits
from tests.outbound.field import settled as visits_settled
from tests.telephony.mail.conftest import told as mailbox
from tests.telephony.mail.letters import BOX, receipt, with_file
from tests.telephony.stage import Stage, build


def _a_case(session: Session, cast: Cast) -> None:
    """A request of Mario's, that has been paused and has a file; somebody works on such cases."""
    of = {"ente_id": cast.empoli}
    case = Case(
        **of, contract_id=cast.contract, year=2026, number=1, topic=CaseTopic.RELIEF, channel=CaseChannel.PHONE,
        contact_id=cast.mario, received_at=AS_OF, opened_at=AS_OF, opened_by=cast.anna, state=CaseState.RECEIVED,
        surety=False, reasons="Ha già pagato", asked="Lo sgravio",
    )  # fmt: skip
    session.add(case)
    session.flush()
    of["case_id"] = case.id
    session.add_all(
        [
            CasePosition(**of, reference="E-1", act_number="2024/1", standing="overdue", residual_cents=1, as_of=AS_OF),
            CaseStep(**of, deed=CaseDeed.OPEN, at=AS_OF, made_by=cast.anna, state=CaseState.RECEIVED, words="x"),
            CaseTerm(
                **of, kind=TermKind.SHEET, days=5, working=False, source="relief_or_refund_sheet_days",
                by_contract=True, since_at=AS_OF,
            ),
            CaseRegistration(**of, trouble="x"),
            CasePause(**of, reason=PauseReason.COURT, since_at=AS_OF),
            LetterAnswer(
                **of, id=uuid4(), contract_id=cast.contract, contact_id=cast.mario, subject="x",
                lines=["MARIO BIANCHI"], body="x", step_id=1, written_by=cast.anna, written_at=AS_OF,
            ),
            CaseSender(
                **of, language="it", given_name="Mario", surname="Bianchi", codice_fiscale="", email="m@example.it",
                phone="", page="https://x.example/segnala/empoli/segui",
            ),
            CaseDocument(
                **of, id=uuid4(), name="ricevuta.pdf", media_type="application/pdf", size=1, sha256="d" * 64,
                added_at=AS_OF, added_by=cast.anna,
            ),
            Consignment(
                **of, id=(consigned := uuid4()), contact_id=cast.mario, language="it", made_at=AS_OF,
                made_by=cast.anna, until=AS_OF, code_channel=MessageChannel.SMS, code_address="+393480000001",
            ),
            GestionaleDays(ente_id=cast.empoli, days=10, changed_at=AS_OF, changed_by=cast.sara),
            CaseProposal(
                **of, proposal_id=session.scalars(select(Proposal.id).limit(1)).one(), reference="E-1",
                outcome=CaseOutcome.GRANTED, heard=ProposalState.EXPORTED,
            ),
            InstalmentRules(ente_id=cast.empoli, kept={}, changed_at=AS_OF, changed_by=cast.sara),
            CaseWorker(contract_id=cast.contract, user_id=cast.anna, topics=["relief"], most=5),
            CaseTeam(contract_id=cast.contract, name="Rate", topics=["instalments"]),
        ]
    )  # fmt: skip

    document = session.scalars(select(CaseDocument.id).where(CaseDocument.case_id == case.id)).one()
    team = session.scalars(select(CaseTeam.id)).one()
    session.add(CaseTeamMember(team_id=team, user_id=cast.anna))
    session.add(ConsignedDocument(consignment_id=consigned, document_id=document, ente_id=cast.empoli))
    session.flush()


def _a_submission(session: Session, cast: Cast) -> None:
    """Somebody is writing to Empoli, and has added a picture."""
    draft = SubmissionDraft(
        id=uuid4(), ente_id=cast.empoli, topic=CaseTopic.COMPLAINT, language="it", changed_at=AS_OF
    )  # fmt: skip
    session.add(draft)
    session.flush()
    session.add(
        SubmissionFile(
            id=uuid4(), ente_id=cast.empoli, draft_id=draft.id, name="x.png", media_type="image/png", size=1,
            sha256="e" * 64, scan=Scan.CLEAN, added_at=AS_OF,
        )
    )  # fmt: skip


def _a_list(session: Session, cast: Cast) -> None:
    """One of Mario, from a file."""
    found = ContactList(
        ente_id=cast.empoli, name="x", origin=Origin.FILE, state=ListState.READY, made_by=cast.sara, made_at=AS_OF
    )
    session.add(found)
    session.flush()
    his = {"ente_id": cast.empoli, "list_id": found.id}
    session.add(ContactListMember(**his, contact_id=cast.mario))
    _a_campaign(session, cast, found.id)
    session.add(ContactListRefusal(**his, line=2, why=NotListed.TWICE, heading="", reason="x", cells=[]))


def _a_campaign(session: Session, cast: Cast, list_id: int) -> None:
    """One that has tried to reach Mario."""
    by = {"made_by": cast.sara, "made_at": AS_OF, "changed_at": AS_OF}
    found = Campaign(
        ente_id=cast.empoli, contract_id=cast.contract, list_id=list_id, name="x", state=CampaignState.RUNNING, **by
    )
    session.add(found)
    session.flush()
    of = {"ente_id": cast.empoli, "campaign_id": found.id}
    session.add(CampaignVersion(**of, number=1, plan={}, written_by=cast.sara, written_at=AS_OF))
    his = {**of, "contact_id": cast.mario}
    session.add(CampaignContact(**his, state=ContactState.READY, due_at=AS_OF))
    attempt_id = uuid4()
    session.add(
        Attempt(
            **his, id=attempt_id, contract_id=cast.contract, version=1, number=MARIO_MOBILE, at=AS_OF, begun=True,
            reasons=[], ended=Ended.NO_ANSWER,
        )
    )  # fmt: skip
    session.add(
        WrittenAttempt(
            **his, id=uuid4(), contract_id=cast.contract, version=1, step=0, channel=Written.SMS, address=MARIO_MOBILE,
            at=AS_OF, begun=True, reasons=[],
        )
    )  # fmt: skip
    its = {**of, "contract_id": cast.contract}
    session.add_all(
        [
            DialerSetting(**its, mode=Mode.PROGRESSIVE, folded_at=AS_OF),
            DialerStay(**its, agent_id=cast.anna, joined_at=AS_OF, left_at=AS_OF),
            DialerLine(**its, id=attempt_id, state=LineState.OVER, at=AS_OF, lease_until=AS_OF),
            DialerRecall(**his, wanted_at=AS_OF, agent_id=cast.anna, made_at=AS_OF),
            DialerGap(**its, why=Gap.LIST, since=AS_OF, until=AS_OF),
            OutboundDay(**its, day=AS_OF.date(), attempts=1, staffed_ms=1, counted_at=AS_OF),
            Look(**its, agent_id=cast.anna, contact_id=cast.mario, asked_at=AS_OF, over_at=AS_OF),
        ]
    )
    outcome = uuid4()
    session.flush()
    session.add(
        OutcomeGiven(
            **his, id=outcome, attempt_id=attempt_id, call_id=uuid4(), said=Said.PROMISE, given_at=AS_OF,
            given_by=cast.anna, note="", deeds={},
        )
    )  # fmt: skip
    promise = PaymentPromise(
        **his, outcome_id=outcome, made_on=AS_OF.date(), due_on=AS_OF.date(), grace_days=0, cents=100,
        state=PromiseState.OPEN, made_by=cast.anna,
    )  # fmt: skip
    session.add(promise)
    session.flush()
    kept = {"ente_id": cast.empoli, "promise_id": promise.id}
    session.add(PromisePosition(**kept, reference="E-1", due_cents=100, before_cents=0))
    session.add(CampaignFigure(**of, kind="x", at=AS_OF, took_ms=0, value="{}"))
    session.add(CampaignReport(**of, version=1, made_at=AS_OF, made_by=cast.sara, seal="", kept={}))
    _a_letter(session, cast, found.id)
    visits.one_of_each(session, cast)
    visits_settled.one_of_each(session, cast)


def _a_letter(session: Session, cast: Cast, campaign_id: int) -> None:
    """One to Mario, of which the post has said something."""
    of = {"ente_id": cast.empoli}
    batch = LetterBatch(
        **of, campaign_id=campaign_id, version=1, state=BatchState.HANDED_OVER, day=AS_OF.date(), expected=1, most=1,
        duplex=True, prices={}, made_by=cast.sara, made_at=AS_OF,
    )  # fmt: skip
    reading = LetterReading(
        **of, state=ReadingState.CHECKED, name="x", read_by=cast.sara, read_at=AS_OF, rows=1, known=0, wrong=0,
        mistakes=[],
    )  # fmt: skip
    usual = {"sector": "x", "cbill": "", "back": "", "privacy": ""}
    session.add_all([batch, reading, LetterSender(**of, **usual, written_by=cast.sara, written_at=AS_OF)])
    session.flush()
    his = {**of, "contact_id": cast.mario}
    letter = Letter(
        **his, id=uuid4(), batch_id=batch.id, number=1, campaign_id=campaign_id, step=0, state=LetterState.HANDED_OVER,
        lines=["MARIO BIANCHI"], asked_cents=1, notices=0,
    )  # fmt: skip
    session.add(letter)
    session.flush()
    session.add(
        LetterReturn(
            **his, reading_id=reading.id, letter_id=letter.id, outcome=LetterOutcome.MOVED, outcome_on=AS_OF.date()
        )
    )  # fmt: skip


def one_of_each(database: Database, cast: Cast) -> Stage:
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
        _receives_mail(session, cast)
        _a_list(session, cast)
        session.add(PositionAlias(ente_id=cast.empoli, reference="E-1", key="2023/7"))
        session.add(GateQuestion(ente_id=cast.empoli, place=1, key="born", text="?", checks=Check.BORN))
        session.add(a_document(cast.empoli, cast.mario))
        session.add(DocumentContent(ente_id=cast.empoli, sha256="0" * 64, received_at=AS_OF))
        files.open_file(
            session, principal_of(session, cast.sara), contact_id=cast.mario, purpose=FilePurpose.QUALITY, reason=""
        )
        audit.note(session, None, kind="file.opened", ente_id=cast.empoli, contact_id=cast.mario)
        _propose(session, cast)
        _a_case(session, cast)
        _a_submission(session, cast)
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
        _interviews(session, cast)
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
                OpeningWeek(
                    contract_id=cast.contract, ente_id=cast.empoli, since=at, days=["00:00-24:00"] * 7, written_at=at
                ),
                HolidayChange(
                    ente_id=cast.empoli, until=at, observes_holidays=False, patron_month=11, patron_day=30
                ),
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
                ReportAddressee(ente_id=cast.empoli, address="tributi@example.it", added_by=cast.vera, added_at=at),
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
    return stage


def a_document(ente_id: int, contact_id: int) -> Document:
    """What a feed lists."""
    return Document(
        ente_id=ente_id, contact_id=contact_id, reference="D-1", position_reference="E-1", kind=DocumentKind.ACT,
        title="Ingiunzione", dated=None, media_type="application/pdf", size=1, sha256="0" * 64, as_of=AS_OF, digest="x",
    )  # fmt: skip


def _knows(session: Session, cast: Cast) -> None:
    """An article of Empoli's, and one for all enti of its contract; somebody found them useful."""
    for ente_id in (cast.empoli, None):
        piece = KnowledgePiece(contract_id=cast.contract, ente_id=ente_id, kind=PieceKind.ARTICLE)
        session.add(piece)
        session.flush()
        of: Any = {"piece_id": piece.id, "contract_id": cast.contract, "ente_id": ente_id, "number": 1}
        session.add(KnowledgeVersion(**of, title="Rate", body="A rate.", words="'rat':1", written_at=AS_OF))
        session.add(KnowledgeVote(**of, useful=True, day=AS_OF.date()))


def _interviews(session: Session, cast: Cast) -> None:
    """A questionnaire of Empoli's, and one for all enti of its contract; Mario was asked one of them."""
    for ente_id in (None, cast.empoli):
        of: Any = {"contract_id": cast.contract, "ente_id": ente_id, "title": "Soddisfazione"}
        form = SurveyForm(**of)
        session.add(form)
        session.flush()
        version = SurveyVersion(
            **of, form_id=form.id, number=1, file_name="prova.xlsx", content=b"", digest="0" * 64, compiled={},
            questions=1, uploaded_at=AS_OF,
        )  # fmt: skip
        session.add(version)
        session.flush()
    asked = Interview(
        id=uuid4(), ente_id=cast.empoli, contract_id=cast.contract, form_id=form.id, version_id=version.id,
        contact_id=cast.mario, state=InterviewState.DONE, disposition=Disposition.COMPLETE, language="", seed=1,
        began_at=AS_OF, shown_at=AS_OF, ended_at=AS_OF,
    )  # fmt: skip
    session.add(asked)
    session.flush()
    session.add(
        InterviewEvent(
            interview_id=asked.id, ente_id=cast.empoli, deed=InterviewDeed.ANSWERED, path="why", value="BIANCHI",
            took_ms=900, at=AS_OF,
        )
    )  # fmt: skip
    _a_survey(session, cast, asked)


def _a_survey(session: Session, cast: Cast, asked: Interview) -> None:
    """A campaign of Empoli's with a sample and a quota, of which the interview is; it is to be verified."""
    ente: Any = {"ente_id": cast.empoli}
    campaign = Campaign(
        **ente, contract_id=cast.contract, list_id=session.scalars(select(ContactList.id).limit(1)).one(), name="x",
        state=CampaignState.DRAFT, version=1, made_by=cast.sara, made_at=AS_OF, changed_at=AS_OF,
    )  # fmt: skip
    session.add(campaign)
    session.flush()
    its = {**ente, "campaign_id": campaign.id}
    drawn = {"drawn_by": cast.sara, "drawn_at": AS_OF}
    session.add_all(
        [
            SurveySample(**its, by="kind", allocation=Allocation.EQUAL, size=1, reserves=0, seed=1, **drawn),
            SurveyStratum(**its, name="natural", population=1, drawn=1),
            SurveyCase(**its, contact_id=cast.mario, stratum="natural"),
            SurveyQuota(**its, first="why", value="x", target=1),
            SurveyCheck(**its, interview_id=asked.id, **drawn),
        ]
    )
    session.flush()


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
    calendar = ExternalCalendar(
        **at, name="Sala", url="https://c.example/1", username="u", password=b"x", made_by=cast.sara, made_at=AS_OF,
        due_at=AS_OF,
    )  # fmt: skip
    session.add_all([turn, calendar])
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
            BusyTime(**at, calendar_id=calendar.id, starts_at=AS_OF, ends_at=AS_OF + timedelta(hours=1)),
            CalendarFeed(**ente, user_id=cast.anna, name="telefono", digest="f" * 64, made_at=AS_OF),
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


def _receives_mail(session: Session, cast: Cast) -> None:
    """Mario writes to Empoli's mailbox; somebody writes to the whole contract's; a provider answers for ours."""
    sara = principal_of(session, cast.sara)
    for ente_id, address in ((cast.empoli, BOX), (None, "regionale@comuni.example")):
        box = boxes.box(session, boxes.add(session, sara, mailbox(cast, ente_id=ente_id, address=address)))
        raw = with_file("ricevuta.pdf", b"%PDF")
        mail_id = intake.take(session, box, Came(read(raw), 1, 1, len(raw), AS_OF, cast.empoli))
        if ente_id is not None and mail_id is not None:
            thread_id = session.get_one(Mail, mail_id).thread_id
            enclosing.enclose(
                session, sara, thread_id=thread_id, file=enclosing.brought("modulo.pdf", b"%PDF-1.7"),
                scanned=NOT_SCANNED,
            )  # fmt: skip
        raw = receipt("accettazione", "x@y")
        intake.take(session, box, Came(read(raw), 1, 2, len(raw), AS_OF, cast.empoli))


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
    place = Place(FormKind.CORRECTION, cast.mario)
    drafts.save(session, anna, place=place, writing=uuid4(), fields={"value": ["0571"]})


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
        ContactLookup(**his, asked_at=at, outcome=Lookup.ANSWERED, as_of=at),
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
