"""Putting the layers together: which signal goes to whom, and which carrier stands behind the port."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy.orm import Session

from crm.access.second_factor import Policy
from crm.agendas import privacy as agendas
from crm.agendas.wishes import keeping as wishes
from crm.audit import privacy as audit
from crm.cases import privacy as cases
from crm.collection import privacy as collection
from crm.collection.sources.lookups import Lookups
from crm.contacts import privacy as contacts
from crm.core import secrecy
from crm.core.clock import DatabaseClock
from crm.core.db import Database, LiveTopic
from crm.core.jobs import JobWritten
from crm.core.settings import Settings, SettingsError
from crm.documents import privacy as documents
from crm.documents.scanning import Scanner
from crm.documents.store import DocumentStore, FolderStore
from crm.drafts import privacy as drafts
from crm.duplicates import privacy as duplicates
from crm.files import privacy as files
from crm.follow_ups import privacy as follow_ups
from crm.messages import privacy as messages
from crm.positions import privacy as positions
from crm.privacy.holders import Holder
from crm.proposals import privacy as proposals
from crm.timeline import privacy as timeline
from crm.turns import privacy as turns
from outbound.campaigns import privacy as campaigns
from outbound.cati import by_keys
from outbound.cati import privacy as cati
from outbound.dialer import privacy as dialer
from outbound.field import privacy as field
from outbound.field.agents import verifying
from outbound.letters import privacy as letters
from outbound.lists import privacy as lists
from outbound.messages.sending import Sender, before_leaving
from outbound.outcomes import privacy as outcomes
from telephony.alerts import webpush
from telephony.calls import privacy as calls
from telephony.calls.addresses import Addresses
from telephony.calls.asking import Verifies
from telephony.calls.reconciliation import Reconciler
from telephony.carriers.port import Carrier
from telephony.carriers.twilio.carrier import TwilioCarrier
from telephony.commands.dispatcher import Dispatcher
from telephony.commands.events import CommandWritten
from telephony.lines.provisioning import Provisioner
from telephony.mail import privacy as mail
from telephony.mail.secrets import Tokens
from telephony.mail.writing import OF_MAILBOXES
from telephony.mail.writing import did_not_leave as mail_did_not_leave
from telephony.mail.writing import routes as mail_routes
from telephony.messages.delivery import Delivery
from telephony.messages.mail import Mailer
from telephony.quality import privacy as quality
from telephony.queues.events import MatchDue
from telephony.queues.matching import Matcher
from telephony.recording import privacy as recording
from telephony.selfservice import privacy as selfservice
from telephony.standing.pace import Pace
from telephony.texts import privacy as texts
from web.live.publisher import Publisher
from web.migrations import tables
from web.sign_in import oidc
from web.worker.wake import Waker

# Whoever holds personal data, in the order in which a person is erased: the contact itself comes last.
HOLDERS: tuple[Holder, ...] = (
    *cases.HOLDERS,
    *field.HOLDERS, *outcomes.HOLDERS, *dialer.HOLDERS, *letters.HOLDERS, *campaigns.HOLDERS, *lists.HOLDERS,
    *quality.HOLDERS, *recording.HOLDERS, *calls.HOLDERS, *texts.HOLDERS, *mail.HOLDERS, *selfservice.HOLDERS,
    *messages.HOLDERS,
    *collection.HOLDERS, *audit.HOLDERS, *timeline.HOLDERS, *documents.HOLDERS, *turns.HOLDERS,
    *wishes.HOLDERS, *agendas.HOLDERS, *cati.HOLDERS,
    *files.HOLDERS, *positions.HOLDERS, *follow_ups.HOLDERS, *drafts.HOLDERS,
    *proposals.HOLDERS, *duplicates.HOLDERS, *contacts.HOLDERS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Runtime:
    """A process's parts, made once and closed at its end."""

    settings: Settings
    database: Database
    carrier: Carrier
    addresses: Addresses
    matcher: Matcher
    dispatcher: Dispatcher
    reconciler: Reconciler
    provisioner: Provisioner
    publisher: Publisher
    clock: DatabaseClock
    documents: DocumentStore
    scanner: Scanner
    messages: Delivery
    campaigns: Sender
    lookups: Lookups
    second_factor: Policy
    oidc: dict[str, oidc.Client]
    # A line is over; a questionnaire follows the call: by the keys of the caller's telephone (`outbound.cati.by_keys`).
    hung_up: Callable[[Session, UUID], None] = by_keys.hung_up
    stands_ready: Callable[[Session, UUID], bool] = by_keys.stands_ready
    verifies: Verifies = verifying.by_voice  # a caller keyed in what stands on a badge

    def close(self) -> None:
        """Finish what was begun, then let go of connections."""
        self.matcher.close()
        self.dispatcher.close()
        self.publisher.close()
        self.lookups.close()
        self.database.dispose()


def build(settings: Settings) -> Runtime:
    """Wire a process."""
    database = Database(
        settings.database_url, settings.database_routing_url, pool_size=settings.database_pool_size,
        secrecy=secrecy.from_settings(settings),
    )  # fmt: skip
    assert tables.METADATA.tables  # imported so that each process knows every table that another may refer to
    carrier = carrier_of(settings)
    addresses = Addresses(settings.public_url, settings.fallback_url)
    paced = Pace(settings.twilio_account_sid, settings.pace)
    matcher = Matcher(database, paced=paced)
    dispatcher = Dispatcher(database, carrier, addresses, paced=paced)
    publisher = Publisher(settings.redis_url, database)
    waker, documents_ = Waker(settings.redis_url), document_store(settings)
    database.on(MatchDue, matcher.ask)
    database.on(CommandWritten, dispatcher.send)
    database.on(LiveTopic, lambda topics: publisher.publish([topic.name for topic in topics]))
    database.on(JobWritten, waker.wake)
    return Runtime(
        settings=settings, database=database, carrier=carrier, addresses=addresses, matcher=matcher,
        dispatcher=dispatcher, reconciler=Reconciler(database, carrier),
        provisioner=Provisioner(database, carrier, addresses), publisher=publisher,
        clock=DatabaseClock(database), documents=documents_, scanner=Scanner(settings.clamd),
        messages=Delivery(
            carrier, mailer(settings), addresses, before=before_leaving,
            routes=dict.fromkeys(OF_MAILBOXES, mail_routes(Tokens(), documents_)), ended=mail_did_not_leave,
        ),
        campaigns=Sender(
            database, addresses, Pace(f"{settings.twilio_account_sid[:29]}:text", settings.text_pace),
            Pace("mail", settings.mails_per_second),
        ),
        lookups=Lookups(database), second_factor=_policy(settings), oidc=_providers(settings),
    )  # fmt: skip


def document_store(settings: Settings) -> DocumentStore:
    """Where the contents of documents are kept: a server that speaks S3 when one is set, else a folder."""
    if settings.s3_url is None:
        return FolderStore(settings.data / "documents")
    from crm.documents.s3 import S3Store  # noqa: PLC0415  # its library is slow to import, and seldom needed

    return S3Store(
        settings.s3_url, bucket=settings.s3_bucket, region=settings.s3_region, access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
    )  # fmt: skip


def mailer(settings: Settings) -> Mailer | None:
    """By which server e-mails leave; none where none is set."""
    if settings.smtp_url is None or settings.mail_from is None:
        return None
    return Mailer(settings.smtp_url.get_secret_value(), settings.mail_from, timeout_s=settings.smtp_timeout_s)


def carrier_of(settings: Settings) -> Carrier:
    """The carrier that the settings name. The simulator speaks Twilio's API, so it is reached as Twilio is."""
    return TwilioCarrier(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        api_key=settings.twilio_api_key,
        api_secret=settings.twilio_api_secret.get_secret_value(),
        timeout_s=settings.carrier_timeout_s,
        api_url=settings.twilio_api_url,
        device_url=settings.simulator_url,
    )


def vapid_key(settings: Settings) -> ec.EllipticCurvePrivateKey:
    """By which push services know us (RFC 8292): it follows from the master key, the same in every process."""
    return webpush.private_key(secrecy.from_settings(settings).mark("vapid", b""))


def _policy(settings: Settings) -> Policy:
    try:
        return Policy.parse(settings.second_factor)
    except ValueError as error:
        raise SettingsError(f"FILODIRETTO_SECOND_FACTOR: {error}.") from None


def _providers(settings: Settings) -> dict[str, oidc.Client]:
    return {
        one.key: oidc.Client(one, f"{settings.public_url}/sign-in/from/{one.key}") for one in settings.oidc_providers
    }
