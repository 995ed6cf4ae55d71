"""The addresses at which the carrier finds us. The edge serves exactly these paths.

The contract stands in the path so that a webhook's first statement can set its scope; the signature covers it.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

RETRIES = "#rc=2&rp=all"  # the carrier asks again twice, also after a time-out or a 5xx; it is not signed


@dataclass(frozen=True, slots=True)
class Addresses:
    """Absolute webhook addresses under the public base address."""

    public_url: str
    fallback_url: str | None = None  # where the apology is hosted, if not here

    def voice(self) -> str:
        """A call arrives at one of our numbers."""
        return f"{self.public_url}/telephony/voice{RETRIES}"

    def adopted(self, since: datetime) -> str:
        """A call that arrived then, of which nobody told us."""
        return f"{self.public_url}/telephony/voice?since={int(since.timestamp())}{RETRIES}"

    def apology(self) -> str:
        """What is asked when nothing else answers."""
        return self.fallback_url or f"{self.public_url}/telephony/apology"

    def status(self) -> str:
        """A caller's own call changes status."""
        return f"{self.public_url}/telephony/status{RETRIES}"

    def texts(self) -> str:
        """An SMS arrives at one of our numbers."""
        return f"{self.public_url}/telephony/texts{RETRIES}"

    def message(self, ente_id: int, message_id: UUID) -> str:
        """What becomes of an SMS."""
        return f"{self.public_url}/telephony/messages/{ente_id}/{message_id}{RETRIES}"

    def stop_mail(self, ente_id: int, message_id: UUID) -> str:
        """Where whoever got an e-mail says that he wants no more of them; the id is known to him alone."""
        return f"{self.public_url}/messages/{ente_id}/{message_id}/stop"

    def ivr(self, contract_id: int, call_id: UUID, step: int) -> str:
        """What the caller keyed at this step of the menu."""
        return f"{self._call(contract_id, call_id)}/ivr?step={step}{RETRIES}"

    def put_through(self, contract_id: int, call_id: UUID, step: int) -> str:
        """How it ended that the menu called a number outside for him, at this step."""
        return f"{self._call(contract_id, call_id)}/put-through?step={step}{RETRIES}"

    def wait(self, contract_id: int, call_id: UUID) -> str:
        """What a waiting caller hears."""
        return f"{self._call(contract_id, call_id)}/wait{RETRIES}"

    def left_queue(self, contract_id: int, call_id: UUID) -> str:
        """Why the carrier's queue was left."""
        return f"{self._call(contract_id, call_id)}/left-queue{RETRIES}"

    def resume(self, contract_id: int, call_id: UUID) -> str:
        """What the caller should hear now, whatever happened before."""
        return f"{self._call(contract_id, call_id)}/resume{RETRIES}"

    def dial_ended(self, contract_id: int, call_id: UUID) -> str:
        """The caller came out of the conference."""
        return f"{self._call(contract_id, call_id)}/dial-ended{RETRIES}"

    def leg(self, contract_id: int, call_id: UUID, leg_id: UUID) -> str:
        """An agent's leg changes status."""
        return f"{self._call(contract_id, call_id)}/legs/{leg_id}{RETRIES}"

    def watcher(self, contract_id: int, call_id: UUID, leg_id: UUID) -> str:
        """A supervisor's leg changes status."""
        return f"{self._call(contract_id, call_id)}/watchers/{leg_id}{RETRIES}"

    def conference(self, contract_id: int, call_id: UUID, leg_id: UUID) -> str:
        """Somebody joins or leaves the conference of this leg."""
        return f"{self._call(contract_id, call_id)}/legs/{leg_id}/conference{RETRIES}"

    def key_while_waiting(self, contract_id: int, call_id: UUID, step: int) -> str:
        """What a waiting caller keyed."""
        return f"{self._call(contract_id, call_id)}/wait-key?step={step}{RETRIES}"

    def citizen(self, contract_id: int, call_id: UUID, leg_id: UUID) -> str:
        """The line changes status on which a citizen is called back, for the operator of this leg."""
        return f"{self._call(contract_id, call_id)}/legs/{leg_id}/citizen{RETRIES}"

    def recorded(self, contract_id: int, call_id: UUID) -> str:
        """A caller has finished his message."""
        return f"{self._call(contract_id, call_id)}/recorded{RETRIES}"

    def recording(self, contract_id: int, call_id: UUID) -> str:
        """His message can be fetched."""
        return f"{self._call(contract_id, call_id)}/recording{RETRIES}"

    def taken(self, contract_id: int, call_id: UUID) -> str:
        """A recording of the conversation has begun, or can be fetched."""
        return f"{self._call(contract_id, call_id)}/taken{RETRIES}"

    def questions(self, contract_id: int, call_id: UUID, step: int) -> str:
        """The questionnaire that is put to the caller at this step of the menu."""
        return f"{self._call(contract_id, call_id)}/questions?step={step}{RETRIES}"

    def question(self, contract_id: int, call_id: UUID, step: int, revision: int, attempt: int) -> str:
        """What the caller keyed at a question, after so many answers, the how manieth time that it was asked."""
        asked = f"step={step}&revision={revision}&attempt={attempt}"
        return f"{self._call(contract_id, call_id)}/questions/keys?{asked}{RETRIES}"

    def question_code(self, contract_id: int, call_id: UUID, step: int, attempt: int) -> str:
        """The personal code that he keyed."""
        return f"{self._call(contract_id, call_id)}/questions/code?step={step}&attempt={attempt}{RETRIES}"

    def survey(self, contract_id: int, call_id: UUID) -> str:
        """What a caller hears whose operator has hung up."""
        return f"{self._call(contract_id, call_id)}/survey{RETRIES}"

    def survey_score(self, contract_id: int, call_id: UUID, answer_id: UUID, attempt: int) -> str:
        """The mark he keyed."""
        return f"{self._call(contract_id, call_id)}/survey/{answer_id}/score?attempt={attempt}{RETRIES}"

    def survey_reason(self, contract_id: int, call_id: UUID, answer_id: UUID) -> str:
        """Why he gave it."""
        return f"{self._call(contract_id, call_id)}/survey/{answer_id}/reason{RETRIES}"

    def hold(self, contract_id: int, call_id: UUID) -> str:
        """What somebody on hold hears, again and again."""
        return f"{self._call(contract_id, call_id)}/hold{RETRIES}"

    def line_answered(self, contract_id: int, line_id: UUID) -> str:
        """What somebody hears whom a campaign called, and who answers."""
        return f"{self._line(contract_id, line_id)}/answered{RETRIES}"

    def line(self, contract_id: int, line_id: UUID) -> str:
        """The line changes status on which a campaign calls somebody."""
        return f"{self._line(contract_id, line_id)}{RETRIES}"

    def machine(self, contract_id: int, line_id: UUID) -> str:
        """Whether a machine answered there."""
        return f"{self._line(contract_id, line_id)}/machine{RETRIES}"

    def info(self) -> str:
        """Where what citizens ask for is found; an ente's id follows."""
        return f"{self.public_url}/info"

    def music(self) -> str:
        """What plays while waiting."""
        return f"{self.public_url}/static/audio/waiting.wav"

    def _line(self, contract_id: int, line_id: UUID) -> str:
        return f"{self.public_url}/telephony/{contract_id}/lines/{line_id}"

    def _call(self, contract_id: int, call_id: UUID) -> str:
        return f"{self.public_url}/telephony/{contract_id}/calls/{call_id}"


def conference_name(leg_id: UUID) -> str:
    """One conference a conversation; it names nobody, and no two conversations share it."""
    return f"conf-{leg_id}"


def agent_identity(agent_id: int) -> str:
    """The identity of an agent's device."""
    return f"agent_{agent_id}"
