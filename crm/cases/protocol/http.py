"""A protocol system over HTTP: `POST /v1/registrations` with an `Idempotency-Key`, answered `number` and `day`."""

from datetime import date
from typing import Annotated

import httpx
from pydantic import BaseModel, StringConstraints, ValidationError

from crm.cases.protocol.port import Endpoint, Incoming, ProtocolError, Registered

TIMEOUT = httpx.Timeout(20.0, connect=5.0, pool=5.0)  # seconds; all together less than a job's lease
TEMPORARY = {408, 425, 429, 500, 502, 503, 504}
UNREACHABLE = "Il protocollo dell'ente non risponde: si riprova da solo."
BUSY = "Il protocollo dell'ente non riesce a rispondere (stato {status}): si riprova da solo."
REFUSED = "Il protocollo dell'ente rifiuta la registrazione (stato {status}): avvisare chi lo gestisce."
ALSO = "Il protocollo dell'ente ha dato anche il numero {number}: avvisare chi lo gestisce."
ODD = "Il protocollo dell'ente dà una risposta che non si capisce: avvisare chi lo gestisce."


class _Answer(BaseModel):
    number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    day: date


class HttpRegistry:
    """One ente's."""

    def __init__(self, endpoint: Endpoint, *, transport: httpx.BaseTransport | None = None) -> None:
        self._endpoint, self._transport = endpoint, transport

    def register(self, incoming: Incoming) -> Registered:
        """See `Registry`."""
        body = {
            "subject": incoming.subject, "received_at": incoming.received_at.isoformat(),
            "sender": incoming.sender, "sender_code": incoming.sender_code,
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {self._endpoint.token}", "Idempotency-Key": str(incoming.key)}
        try:
            with httpx.Client(timeout=TIMEOUT, trust_env=False, transport=self._transport) as client:
                answer = client.post(f"{self._endpoint.url}/v1/registrations", json=body, headers=headers)
        except httpx.HTTPError:
            raise ProtocolError(UNREACHABLE, permanent=False) from None
        if answer.status_code in TEMPORARY:
            raise ProtocolError(BUSY.format(status=answer.status_code), permanent=False)
        if not answer.is_success:
            raise ProtocolError(REFUSED.format(status=answer.status_code), permanent=True)
        try:
            found = _Answer.model_validate_json(answer.content)
        except ValidationError:
            raise ProtocolError(ODD, permanent=True) from None
        return Registered(found.number, found.day)
