"""The words shown for the field's terms, from beside each area's pages. Italian there, English in the catalogue."""

from enum import StrEnum

from web.agendas import words as agendas
from web.alerts import words as alerts
from web.campaigns import words as campaigns
from web.cases import words as cases
from web.cati import words as cati
from web.conditions import words as conditions
from web.console import words as console
from web.contacts import words as contacts
from web.continuity import words as continuity
from web.desk import words as desk
from web.dialer import words as dialer
from web.field import words_agents, words_closing, words_door, words_practices, words_rounds
from web.files import words as files
from web.follow_ups import words as follow_ups
from web.imports import words as imports
from web.knowledge import words as knowledge
from web.letters import words as letters
from web.levels import words as levels
from web.lists import words as lists
from web.mail import words as mail
from web.messages import words as messages
from web.monitoring import words as monitoring
from web.outcomes import words as outcomes
from web.outreach import words as outreach
from web.oversight import words as oversight
from web.people import words as people
from web.practice import words as practice
from web.privacy import words as privacy
from web.proposals import words as proposals
from web.quality import words as quality
from web.reports import words as reports
from web.shortcuts import words as shortcuts
from web.staffing import words as staffing
from web.submissions import words as submissions
from web.supervision import words as supervision
from web.texts import words as texts
from web.tokens import words as tokens
from web.voice import words as voice
from web.walls import words as walls

_AREAS = (
    agendas, alerts, campaigns, cases, cati, conditions, console, contacts, continuity, desk, dialer, files,
    follow_ups, imports, knowledge, letters, levels, lists, mail, messages, monitoring, outcomes, outreach, oversight,
    people, practice, privacy, proposals, quality, reports, shortcuts, staffing, submissions, supervision, texts,
    tokens, voice, walls, words_agents, words_closing, words_door, words_practices, words_rounds,
)  # fmt: skip
# By kind first: members of different kinds with one value are equal as strings.
WORDS: dict[type[StrEnum], dict[str, str]] = {kind: words for area in _AREAS for kind, words in area.WORDS.items()}


def word_for(member: StrEnum) -> str:
    """The Italian word for a member; the catalogue has the others."""
    return WORDS[type(member)][member]
