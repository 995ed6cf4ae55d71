"""How the recording of a conversation stands, for whoever sees it. Pure."""

from enum import StrEnum
from typing import Any

from telephony.calls import recorded
from telephony.calls.models import Consent, Phase
from telephony.carriers.port import Taking


class Standing(StrEnum):
    """In a word. What was asked of the carrier is not said to be so before it is."""

    STARTING = "starting"
    ON = "on"
    LEAVING_OUT = "leaving_out"  # it is being paused, and still on
    LEFT_OUT = "left_out"
    HELD = "held"  # nothing to record: the caller is on hold, or somebody outside is heard
    FAILED = "failed"
    NOT_AGREED = "not_agreed"
    WITHDRAWN = "withdrawn"
    VOID = "void"


_NOT = {
    Consent.REFUSED: Standing.NOT_AGREED, Consent.SILENT: Standing.NOT_AGREED,
    Consent.WITHDRAWN: Standing.WITHDRAWN, Consent.VOID: Standing.VOID,
}  # fmt: skip


def standing(call: Any) -> Standing | None:
    """Of a conversation under way; none where its caller was not asked, or there is no conversation."""
    if call.consent is None or call.phase is not Phase.TALKING:
        return None
    if call.consent is not Consent.AGREED:
        return _NOT[call.consent]
    if recorded.wanted(call) is Taking.ON:
        return {Taking.ON: Standing.ON, Taking.OFF: Standing.FAILED}.get(call.taking, Standing.STARTING)
    if call.unrecorded_until is None:
        return Standing.HELD
    return Standing.LEFT_OUT if call.taking is Taking.PAUSED else Standing.LEAVING_OUT
