"""Named permissions, which role holds which, and the principal who asks. Checked in the service layer."""

from dataclasses import dataclass
from enum import StrEnum

from crm.access.models import Role
from crm.core.errors import ForbiddenError


class Permission(StrEnum):
    CALLS_ANSWER = "calls.answer"  # be offered calls, and say how they went
    FILE_READ = "file.read"  # search contacts and open taxpayer files
    BOARD_WATCH = "board.watch"  # the wallboard, for the enti of the grant
    CENTRE_CLOSE = "centre.close"  # close and reopen the lines
    COLLECTION_IMPORT = "collection.import"  # load a collection feed


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.AGENT: frozenset({Permission.CALLS_ANSWER, Permission.FILE_READ, Permission.BOARD_WATCH}),
    Role.SUPERVISOR: frozenset(Permission) - {Permission.COLLECTION_IMPORT},
    Role.ENTE_VIEWER: frozenset({Permission.BOARD_WATCH}),
    Role.ADMINISTRATOR: frozenset({Permission.BOARD_WATCH, Permission.COLLECTION_IMPORT}),
}


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
