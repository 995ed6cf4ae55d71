"""The demonstration's cast. Their password is printed at the start, and exists in demonstrations alone."""

from dataclasses import dataclass

from crm.access.models import Role

DEMO_PASSWORD = "benvenuto"  # noqa: S105 (known to everybody, and only ever seeded with demonstration data)


QUALIFICATIONS = {
    Role.AGENT: "Addetto al contact center, livello 4",
    Role.SUPERVISOR: "Responsabile del servizio, livello 2",
    Role.CAMPAIGN_MANAGER: "Responsabile delle campagne, livello 3",
    Role.FIELD_AGENT: "Messo notificatore",
    Role.DESK_CLERK: "Addetto allo sportello, livello 4",
    Role.ENTE_APPROVER: "Dirigente del settore entrate",
    Role.ADMINISTRATOR: "Amministratore di sistema",
}


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Somebody who can sign in. `ente` is the codice catastale of his municipality, for whoever works for one alone;
    `robot` plays alone."""

    username: str
    name: str
    role: Role
    password: str = DEMO_PASSWORD
    ente: str | None = None
    robot: bool = False

    @property
    def qualification(self) -> str:
        """As the enti's register has it; invented."""
        return QUALIFICATIONS.get(self.role, "")


NEWCOMER = DemoUser("anna", "Anna Rossi", Role.AGENT)
SUPERVISOR = DemoUser("sara", "Sara Conti", Role.SUPERVISOR)
ADMINISTRATOR = DemoUser("admin", "Amministrazione", Role.ADMINISTRATOR)
COLLEAGUES = tuple(
    DemoUser(username, name, Role.AGENT, robot=True)
    for username, name in (
        ("luca", "Luca Bini"), ("marta", "Marta Cecchi"), ("paolo", "Paolo Gori"), ("chiara", "Chiara Nesi"),
        ("dario", "Dario Pucci"), ("elena", "Elena Taddei"), ("simone", "Simone Vannini"), ("giulia", "Giulia Lapi"),
    )
)  # fmt: skip
VIEWERS = (
    DemoUser("livorno", "Ufficio Tributi Livorno", Role.ENTE_VIEWER, ente="E625"),
    DemoUser("empoli", "Ufficio Tributi Empoli", Role.ENTE_VIEWER, ente="D403"),
    DemoUser("scandicci", "Ufficio Tributi Scandicci", Role.ENTE_VIEWER, ente="B962"),
)
APPROVERS = (
    DemoUser("dirigente-livorno", "Rita Lenzi", Role.ENTE_APPROVER, ente="E625"),
    DemoUser("dirigente-empoli", "Piero Masini", Role.ENTE_APPROVER, ente="D403"),
    DemoUser("dirigente-scandicci", "Nadia Forti", Role.ENTE_APPROVER, ente="B962"),
)
OFFICE = (
    DemoUser("carla", "Carla Nuti", Role.CAMPAIGN_MANAGER),
    DemoUser("dino", "Dino Salvi", Role.DESK_CLERK),
    DemoUser("fabio", "Fabio Lotti", Role.FIELD_AGENT),
    DemoUser("greta", "Greta Sani", Role.FIELD_AGENT),
    DemoUser("toscana", "Teresa Galli", Role.CONTRACT_SUPERVISOR),
)
DEMO_USERS = (NEWCOMER, SUPERVISOR, ADMINISTRATOR, *COLLEAGUES, *VIEWERS, *APPROVERS, *OFFICE)
