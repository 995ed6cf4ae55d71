"""Every table of the product, in one metadata."""

import crm.access.models
import crm.agendas.bulk.models
import crm.agendas.external.models
import crm.agendas.feeds.models
import crm.agendas.models
import crm.agendas.ratings.models
import crm.agendas.wishes.models
import crm.audit.models
import crm.collection.models
import crm.contacts.models
import crm.continuity.models
import crm.core.configuration
import crm.core.heartbeats
import crm.core.jobs
import crm.documents.models
import crm.drafts.models
import crm.duplicates.models
import crm.enti.models
import crm.files.models
import crm.follow_ups.models
import crm.knowledge.models
import crm.levels.models
import crm.messages.models
import crm.monitoring.models
import crm.positions.models
import crm.privacy.models
import crm.proposals.models
import crm.reports.models
import crm.staff.models
import crm.timeline.models
import crm.tokens.models
import crm.turns.models
import outbound.cati.models
import telephony.agents.models
import telephony.alerts.models
import telephony.broadcasts.models
import telephony.callbacks.models
import telephony.calls.models
import telephony.commands.models
import telephony.history.models
import telephony.ivr.models
import telephony.lines.models
import telephony.practice.models
import telephony.quality.models
import telephony.queues.models
import telephony.recording.models
import telephony.selfservice.models
import telephony.staffing.models
import telephony.standing.models
import telephony.surveys.models
import telephony.texts.models
import telephony.voicemail.models
import telephony.walls.models
from crm.core.db import Base

METADATA = Base.metadata
