"""Named permissions, which role holds which, and the principal who asks. Checked in the service layer.

`docs/permissions.md` is the same as a table: `filodiretto permissions > docs/permissions.md` writes it.
"""

from dataclasses import dataclass
from enum import StrEnum

from crm.access.models import Role
from crm.core.errors import ForbiddenError


class Permission(StrEnum):
    """What it allows is said in `MEANINGS`."""

    CALLS_ANSWER = "calls.answer"
    CALLS_OUTSIDE = "calls.outside"
    CALLS_WATCH = "calls.watch"
    RECORDING_LISTEN = "recording.listen"
    RECORDING_SAVE = "recording.save"
    FILE_READ = "file.read"
    CONTACT_RECORD = "contact.record"
    CONTACT_MERGE = "contact.merge"
    FOLLOW_UP_MANAGE = "follow_up.manage"
    LIST_MANAGE = "list.manage"
    CAMPAIGN_MANAGE = "campaign.manage"
    CAMPAIGN_APPROVE = "campaign.approve"
    AGENDA_MANAGE = "agenda.manage"
    APPOINTMENT_READ = "appointment.read"
    APPOINTMENT_MANAGE = "appointment.manage"
    PROPOSAL_MAKE = "proposal.make"
    PROPOSAL_DECIDE = "proposal.decide"
    BOARD_WATCH = "board.watch"
    ENTE_WATCH = "ente.watch"
    CENTRE_CLOSE = "centre.close"
    FLOW_MANAGE = "flow.manage"
    QUEUE_MANAGE = "queue.manage"
    AGENT_OVERSEE = "agent.oversee"
    BOARD_MANAGE = "board.manage"
    STAFFING_PLAN = "staffing.plan"
    CLOSURE_PROPOSE = "closure.propose"
    CLOSURE_APPROVE = "closure.approve"
    KNOWLEDGE_WRITE = "knowledge.write"
    QUESTIONNAIRE_WRITE = "questionnaire.write"
    INTERVIEW_CONDUCT = "interview.conduct"
    INTERVIEW_EXPORT = "interview.export"
    FIELD_MANAGE = "field.manage"
    FIELD_APPROVE = "field.approve"
    FIELD_WATCH = "field.watch"
    FIELD_VISIT = "field.visit"
    CASE_READ = "case.read"
    CASE_WORK = "case.work"
    CASE_MANAGE = "case.manage"
    CASE_DECIDE = "case.decide"
    PENALTY_CONTEST = "penalty.contest"
    PENALTY_DECIDE = "penalty.decide"
    REPORT_ADDRESS = "report.address"
    COLLECTION_IMPORT = "collection.import"
    ACCESS_READ = "access.read"
    USER_REMOVE = "user.remove"
    USER_MANAGE = "user.manage"
    ENTE_MANAGE = "ente.manage"
    MONITORING_MANAGE = "monitoring.manage"
    QUALITY_MANAGE = "quality.manage"
    QUALITY_EVALUATE = "quality.evaluate"
    PRIVACY_MANAGE = "privacy.manage"
    MAIL_ANSWER = "mail.answer"
    MAILBOX_MANAGE = "mailbox.manage"


MEANINGS: dict[Permission, str] = {
    Permission.CALLS_ANSWER: "Be offered calls, and say how they went",
    Permission.CALLS_OUTSIDE: "Pass a call on to any Italian number, not only to the ente's offices",
    Permission.CALLS_WATCH: "Listen to conversations, whisper to the agent, take part; answer a call for help",
    Permission.RECORDING_LISTEN: "Listen to recorded conversations, saying why; keep one for a complaint",
    Permission.RECORDING_SAVE: "Take the sound of a recorded conversation away as a file",
    Permission.FILE_READ: "Search contacts and open taxpayer files",
    Permission.CONTACT_RECORD: "Write down what people told: reaches, consents, relations, follow-ups",
    Permission.CONTACT_MERGE: "Merge duplicates, and undo it",
    Permission.FOLLOW_UP_MANAGE: "See everybody's follow-ups, and keep their lists",
    Permission.CAMPAIGN_MANAGE: "Write campaigns, ask for their approval, run them",
    Permission.CAMPAIGN_APPROVE: "Approve campaigns for the ente, refuse or stop them",
    Permission.LIST_MANAGE: "Make lists of contacts by conditions or from files, withdraw and delete them",
    Permission.AGENDA_MANAGE: "Desks and services of offices, their agendas and closing days",
    Permission.APPOINTMENT_READ: "See who has an appointment at the offices",
    Permission.APPOINTMENT_MANAGE: "Book, move and cancel appointments, say who came",
    Permission.PROPOSAL_MAKE: "Propose a correction, report a notification problem",
    Permission.PROPOSAL_DECIDE: "Approve or refuse for the ente",
    Permission.BOARD_WATCH: "The wallboard, for the enti of the grant",
    Permission.ENTE_WATCH: "The ente's own window on its service",
    Permission.CENTRE_CLOSE: "Close and reopen the lines, switch emergency messages",
    Permission.FLOW_MANAGE: "Draw voice flows, publish them, go back to an older one",
    Permission.QUEUE_MANAGE: "Set up queues, and say who answers in which",
    Permission.AGENT_OVERSEE: "See what each agent does, end it for him, limit the pauses, write to all",
    Permission.BOARD_MANAGE: "Set the live board's thresholds, be told of its alerts, hang it on walls",
    Permission.STAFFING_PLAN: "Forecasts of calls, shifts, extra operators",
    Permission.CLOSURE_PROPOSE: "Ask an ente to approve a closure",
    Permission.CLOSURE_APPROVE: "Approve or refuse it",
    Permission.KNOWLEDGE_WRITE: "Write and publish articles, scripts and note templates",
    Permission.QUESTIONNAIRE_WRITE: "Upload, publish and withdraw questionnaires of telephone surveys",
    Permission.INTERVIEW_CONDUCT: "Interview by telephone, go on with a colleague's interview",
    Permission.INTERVIEW_EXPORT: "See a survey's outcome rates, take its answers away as files",
    Permission.FIELD_MANAGE: "Field agents with their papers, practices, mandates, rounds; answer an alarm",
    Permission.FIELD_APPROVE: "Approve agents for the ente, find them unfit, say whom they visit and in which words",
    Permission.FIELD_WATCH: "Read practices, reports of visits, commissions, the register of operations",
    Permission.FIELD_VISIT: "Accept mandates, visit, and tell what came of it",
    Permission.CASE_READ: "See cases: requests to the ente, their terms and what was done",
    Permission.CASE_WORK: "Open cases, work on them, answer",
    Permission.CASE_MANAGE: "Share cases out, say who works on which topics, see what runs out",
    Permission.CASE_DECIDE: "Authorise or deny for the ente what a case asks for, sign replies",
    Permission.PENALTY_CONTEST: "Write a note on a penalty, ask the ente to leave a call out of it",
    Permission.PENALTY_DECIDE: "Agree for the ente to leave a call out of the penalties, or not",
    Permission.REPORT_ADDRESS: "Say where an ente's monthly report is announced",
    Permission.COLLECTION_IMPORT: "Load collection feeds, set their schedule, reconcile",
    Permission.ACCESS_READ: "Who looked at which taxpayers, and who changed what",
    Permission.USER_REMOVE: "Have somebody kept away from the ente's taxpayers",
    Permission.USER_MANAGE: "Users, their roles, sessions and second factors",
    Permission.ENTE_MANAGE: "Enti, offices, contracts, lines, hours",
    Permission.MONITORING_MANAGE: "Enter and withdraw the agreement under which workers may be watched",
    Permission.QUALITY_MANAGE: "Say which conversations are drawn to be scored, and by which criteria",
    Permission.QUALITY_EVALUATE: "Hear the conversations that were drawn, score them, answer the agent",
    Permission.MAIL_ANSWER: "Read the mailboxes of e-mail and PEC, answer what came, say who looks after it",
    Permission.MAILBOX_MANAGE: "Set up mailboxes: where they are, what opens them, how they sign",
    Permission.PRIVACY_MANAGE: "Exports, erasure, end of a contract, register of breaches",
}

_FILE_WORK = frozenset(
    {
        Permission.FILE_READ,
        Permission.CONTACT_RECORD,
        Permission.PROPOSAL_MAKE,
        Permission.CASE_READ,
        Permission.CASE_WORK,
    }
)
_APPOINTMENTS = frozenset({Permission.APPOINTMENT_READ, Permission.APPOINTMENT_MANAGE})
_OWN_ENTE = frozenset(
    {
        Permission.FILE_READ,
        Permission.BOARD_WATCH,
        Permission.ENTE_WATCH,
        Permission.APPOINTMENT_READ,
        Permission.FIELD_WATCH,
        Permission.CASE_READ,
    }
)

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.AGENT: _FILE_WORK
    | _APPOINTMENTS
    | {Permission.CALLS_ANSWER, Permission.BOARD_WATCH, Permission.INTERVIEW_CONDUCT, Permission.MAIL_ANSWER},
    Role.SUPERVISOR: _FILE_WORK
    | _APPOINTMENTS
    | {
        Permission.AGENDA_MANAGE,
        Permission.CALLS_ANSWER, Permission.CALLS_OUTSIDE, Permission.CALLS_WATCH, Permission.RECORDING_LISTEN,
        Permission.CONTACT_MERGE, Permission.LIST_MANAGE, Permission.CAMPAIGN_MANAGE,
        Permission.FOLLOW_UP_MANAGE, Permission.BOARD_WATCH,
        Permission.ENTE_WATCH, Permission.CENTRE_CLOSE, Permission.CLOSURE_PROPOSE, Permission.ACCESS_READ,
        Permission.PENALTY_CONTEST, Permission.KNOWLEDGE_WRITE,
        Permission.FLOW_MANAGE, Permission.QUEUE_MANAGE, Permission.AGENT_OVERSEE, Permission.BOARD_MANAGE,
        Permission.QUALITY_MANAGE, Permission.QUALITY_EVALUATE, Permission.STAFFING_PLAN, Permission.REPORT_ADDRESS,
        Permission.QUESTIONNAIRE_WRITE, Permission.INTERVIEW_CONDUCT, Permission.INTERVIEW_EXPORT,
        Permission.FIELD_MANAGE, Permission.FIELD_WATCH, Permission.CASE_MANAGE, Permission.MAIL_ANSWER,
        Permission.MAILBOX_MANAGE,
    },
    Role.CAMPAIGN_MANAGER: _FILE_WORK
    | {
        Permission.CONTACT_MERGE, Permission.FOLLOW_UP_MANAGE, Permission.BOARD_WATCH, Permission.LIST_MANAGE,
        Permission.CAMPAIGN_MANAGE,
        Permission.QUESTIONNAIRE_WRITE, Permission.INTERVIEW_CONDUCT, Permission.INTERVIEW_EXPORT,
        Permission.FIELD_MANAGE, Permission.FIELD_WATCH,
    },
    Role.FIELD_AGENT: frozenset({Permission.FIELD_VISIT}),  # who he is sent to is all that he sees
    Role.DESK_CLERK: _FILE_WORK | _APPOINTMENTS | {Permission.MAIL_ANSWER},
    Role.ENTE_VIEWER: _OWN_ENTE,
    Role.ENTE_APPROVER: _OWN_ENTE
    | {
        Permission.PROPOSAL_DECIDE, Permission.CLOSURE_APPROVE, Permission.CAMPAIGN_APPROVE, Permission.PENALTY_DECIDE,
        Permission.ACCESS_READ, Permission.USER_REMOVE,
        Permission.RECORDING_LISTEN, Permission.RECORDING_SAVE, Permission.REPORT_ADDRESS,
        Permission.INTERVIEW_EXPORT, Permission.FIELD_APPROVE, Permission.CASE_DECIDE,
    },
    Role.CONTRACT_SUPERVISOR: frozenset({Permission.BOARD_WATCH, Permission.ENTE_WATCH}),
    Role.ADMINISTRATOR: frozenset(
        {
            Permission.BOARD_WATCH, Permission.COLLECTION_IMPORT, Permission.ACCESS_READ, Permission.USER_MANAGE,
            Permission.ENTE_MANAGE, Permission.CLOSURE_PROPOSE, Permission.PRIVACY_MANAGE, Permission.FLOW_MANAGE,
            Permission.QUEUE_MANAGE, Permission.PENALTY_CONTEST, Permission.KNOWLEDGE_WRITE,
            Permission.MONITORING_MANAGE, Permission.QUALITY_MANAGE, Permission.AGENDA_MANAGE,
            Permission.APPOINTMENT_READ, Permission.MAILBOX_MANAGE,
        }
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A grant in force: a role on an ente, or on a contract and so on all of its enti."""

    role: Role
    ente_id: int | None
    contract_id: int | None


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks, with what he may do where."""

    user_id: int
    name: str
    language: str
    held: frozenset[Held]
    place: str = ""  # the workstation, as the audit names it
    kept_from: frozenset[int] = frozenset()  # the enti that keep him away, whatever he holds
    session_id: int | None = None  # none outside the pages

    def can(self, permission: Permission, *, contract_id: int | None = None) -> bool:
        """Whether some grant gives this permission; on this contract as a whole, when one is named."""
        return any(
            permission in PERMISSIONS[one.role] and (contract_id is None or one.contract_id == contract_id)
            for one in self.held
        )

    def require(self, permission: Permission, *, contract_id: int | None = None) -> None:
        """Raise `ForbiddenError` unless `can`."""
        if not self.can(permission, contract_id=contract_id):
            raise ForbiddenError("Non hai il permesso di fare questa operazione.")

    def contracts_for(self, permission: Permission) -> frozenset[int]:
        """The contracts on which, as a whole, some grant gives this permission."""
        return frozenset(
            one.contract_id for one in self.held if one.contract_id is not None and permission in PERMISSIONS[one.role]
        )

    def enti_for(self, permission: Permission) -> frozenset[int]:
        """The single enti on which some grant gives this permission, without those that keep him away."""
        granted = (one.ente_id for one in self.held if permission in PERMISSIONS[one.role])
        return frozenset(ente_id for ente_id in granted if ente_id is not None) - self.kept_from

    @property
    def contracts(self) -> frozenset[int]:
        """The contracts held as a whole."""
        return frozenset(one.contract_id for one in self.held if one.contract_id is not None)
