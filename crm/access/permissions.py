"""Named permissions, which role holds which, and the principal who asks. Checked in the service layer."""

from dataclasses import dataclass
from enum import StrEnum

from crm.access.models import Role
from crm.core.errors import ForbiddenError


class Permission(StrEnum):
    CALLS_ANSWER = "calls.answer"  # be offered calls, and say how they went
    FILE_READ = "file.read"  # search contacts and open taxpayer files
    CONTACT_RECORD = "contact.record"  # write down what people told: reaches, consents, relations, follow-ups
    CONTACT_MERGE = "contact.merge"  # merge duplicates, and undo it
    FOLLOW_UP_MANAGE = "follow_up.manage"  # see everybody's follow-ups, and keep their lists
    PROPOSAL_MAKE = "proposal.make"  # propose a correction, report a notification problem
    PROPOSAL_DECIDE = "proposal.decide"  # approve or refuse for the ente
    BOARD_WATCH = "board.watch"  # the wallboard, for the enti of the grant
    ENTE_WATCH = "ente.watch"  # the ente's own window on its service
    CENTRE_CLOSE = "centre.close"  # close and reopen the lines
    CLOSURE_PROPOSE = "closure.propose"  # ask an ente to approve a closure
    CLOSURE_APPROVE = "closure.approve"  # approve or refuse it
    COLLECTION_IMPORT = "collection.import"  # load collection feeds, set their schedule, reconcile
    ACCESS_READ = "access.read"  # who looked at which taxpayers, and who changed what
    USER_REMOVE = "user.remove"  # have somebody kept away from the ente's taxpayers
    USER_MANAGE = "user.manage"  # users, their roles, sessions and second factors
    ENTE_MANAGE = "ente.manage"  # enti, offices, contracts, lines, hours
    PRIVACY_MANAGE = "privacy.manage"  # exports, erasure, end of a contract, register of breaches


_FILE_WORK = frozenset({Permission.FILE_READ, Permission.CONTACT_RECORD, Permission.PROPOSAL_MAKE})
_OWN_ENTE = frozenset({Permission.FILE_READ, Permission.BOARD_WATCH, Permission.ENTE_WATCH})

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.AGENT: _FILE_WORK | {Permission.CALLS_ANSWER, Permission.BOARD_WATCH},
    Role.SUPERVISOR: _FILE_WORK
    | {
        Permission.CALLS_ANSWER, Permission.CONTACT_MERGE, Permission.FOLLOW_UP_MANAGE, Permission.BOARD_WATCH,
        Permission.ENTE_WATCH, Permission.CENTRE_CLOSE, Permission.CLOSURE_PROPOSE, Permission.ACCESS_READ,
    },
    Role.CAMPAIGN_MANAGER: _FILE_WORK
    | {Permission.CONTACT_MERGE, Permission.FOLLOW_UP_MANAGE, Permission.BOARD_WATCH},
    Role.FIELD_AGENT: _FILE_WORK,
    Role.DESK_CLERK: _FILE_WORK,
    Role.ENTE_VIEWER: _OWN_ENTE,
    Role.ENTE_APPROVER: _OWN_ENTE
    | {Permission.PROPOSAL_DECIDE, Permission.CLOSURE_APPROVE, Permission.ACCESS_READ, Permission.USER_REMOVE},
    Role.CONTRACT_SUPERVISOR: frozenset({Permission.BOARD_WATCH, Permission.ENTE_WATCH}),
    Role.ADMINISTRATOR: frozenset(
        {
            Permission.BOARD_WATCH, Permission.COLLECTION_IMPORT, Permission.ACCESS_READ, Permission.USER_MANAGE,
            Permission.ENTE_MANAGE, Permission.CLOSURE_PROPOSE, Permission.PRIVACY_MANAGE,
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
        """The single enti on which some grant gives this permission."""
        return frozenset(
            one.ente_id for one in self.held if one.ente_id is not None and permission in PERMISSIONS[one.role]
        )

    @property
    def contracts(self) -> frozenset[int]:
        """The contracts held as a whole."""
        return frozenset(one.contract_id for one in self.held if one.contract_id is not None)
