"""Words shown. Agents, and those who look after them."""

from enum import StrEnum

from telephony.agents.models import Activity, AgentState, PauseReason
from telephony.calls.models import WatchMode

WORDS: dict[type[StrEnum], dict[str, str]] = {
    Activity: {
        Activity.OFFLINE: "Fuori servizio",
        Activity.READY: "Pronto",
        Activity.RINGING: "Squilla",
        Activity.TALKING: "In conversazione",
        Activity.HOLDING: "Con il cittadino in attesa",
        Activity.WRAP_UP: "Lavoro successivo",
        Activity.PAUSED: "In pausa",
        Activity.AWAY: "Console non raggiungibile",
    },
    AgentState: {
        AgentState.OFFLINE: "Fuori servizio",
        AgentState.READY: "Pronto",
        AgentState.PAUSED: "In pausa",
        AgentState.RINGING: "Squilla",
        AgentState.TALKING: "In conversazione",
        AgentState.WRAP_UP: "Lavoro successivo",
    },
    WatchMode: {
        WatchMode.LISTEN: "ascolta",
        WatchMode.WHISPER: "suggerisce",
        WatchMode.BARGE: "partecipa",
    },
    PauseReason: {
        PauseReason.BREAK: "Pausa",
        PauseReason.MEETING: "Riunione",
        PauseReason.TRAINING: "Formazione",
        PauseReason.BACK_OFFICE: "Lavoro d'ufficio",
        PauseReason.MISSED_CALL: "Chiamata non risposta",
    },
}
