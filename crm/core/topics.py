"""The names of the live topics: who touches one and who watches it say it in the same words.

A topic names what changed and never carries data: ids of ours, no names, no numbers.
"""

from uuid import UUID


def agent(agent_id: int) -> str:
    """What an agent does, and what is on his console."""
    return f"agent:{agent_id}"


def agents(domain: str) -> str:
    """What the agents of a routing domain do."""
    return f"agents:{domain}"


def alerts(contract_id: int) -> str:
    """A contract's thresholds, and the alerts that they raised."""
    return f"alerts:{contract_id}"


def board(contract_id: int) -> str:
    """A contract's queues, counters and closures."""
    return f"board:{contract_id}"


def broadcasts(contract_id: int) -> str:
    """What supervisors write to a contract's agents, and who has read it."""
    return f"broadcasts:{contract_id}"


def carrier() -> str:
    """Whether the carrier answers."""
    return "carrier"


def cases(ente_id: int) -> str:
    """The cases of an ente: opened, worked on, decided, running out of time."""
    return f"cases:{ente_id}"


def continuity() -> str:
    """Whether the service is there, what stopped it, and what is said of it."""
    return "continuity"


def contact(contact_id: int) -> str:
    """A taxpayer's file and timeline."""
    return f"contact:{contact_id}"


def duplicates(ente_id: int) -> str:
    """The contacts of an ente that may be one person, and the search for them."""
    return f"duplicates:{ente_id}"


def field(ente_id: int) -> str:
    """Visits at the doors of an ente's taxpayers: alarms of agents, what their telephones told."""
    return f"field:{ente_id}"


def follow_ups(contract_id: int) -> str:
    """What is still to be done about the contacts of a contract, and its lists."""
    return f"follow-ups:{contract_id}"


def office(office_id: int) -> str:
    """The appointments of an office, and who is served there."""
    return f"office:{office_id}"


def quality(user_id: int) -> str:
    """What somebody has to read of evaluations: those of his conversations, replies to those he gave."""
    return f"quality:{user_id}"


def screen(screen_id: int) -> str:
    """A screen in a waiting room: whether its link still holds."""
    return f"screen:{screen_id}"


def imports(ente_id: int) -> str:
    """The feeds of an ente, sent and read."""
    return f"import:{ente_id}"


def campaigns(ente_id: int) -> str:
    """An ente's campaigns: written, approved, run; and who is in them."""
    return f"campaigns:{ente_id}"


def knowledge(contract_id: int) -> str:
    """The articles, scripts and note templates of a contract."""
    return f"knowledge:{contract_id}"


def lists(ente_id: int) -> str:
    """An ente's lists of contacts: made, read, withdrawn."""
    return f"lists:{ente_id}"


def message(message_id: UUID) -> str:
    """What became of a message that is owed to somebody."""
    return f"message:{message_id}"


def privacy(ente_id: int) -> str:
    """Copies, erasures and breaches of an ente's, and the end of its contract."""
    return f"privacy:{ente_id}"


def reading_alerts(ente_id: int) -> str:
    """What is unusual about the reading of an ente's files."""
    return f"reading-alerts:{ente_id}"


def jobs(ente_id: int) -> str:
    """What becomes of an ente's background jobs: taken, failed, done."""
    return f"job:{ente_id}"


def ente(ente_id: int) -> str:
    """What an ente has to decide, and what became of it: proposals, closures, its offices."""
    return f"ente:{ente_id}"


def staff(ente_id: int) -> str:
    """Who serves an ente, what it is told of them, and whom it wants replaced."""
    return f"staff:{ente_id}"


def mail(contract_id: int) -> str:
    """The mailboxes of a contract: what came, what was answered, by whom."""
    return f"mail:{contract_id}"


def mail_thread(thread_id: UUID) -> str:
    """A correspondence: what came, who reads it, who is answering."""
    return f"mail-thread:{thread_id}"
