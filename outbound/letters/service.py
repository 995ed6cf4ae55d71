"""What people do with letters: ask for a batch, have it go on, hand it over, cancel it; take its files, read one."""

from dataclasses import asdict
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on, scope_for
from crm.audit import service as audit
from crm.contacts.disclosure import Matter
from crm.core import clock, jobs, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.files import queries as files
from outbound.campaigns import queries as campaigns
from outbound.campaigns import running
from outbound.campaigns.lifecycle import State
from outbound.campaigns.plan import Channel
from outbound.letters import answers, composing, origins, postage, queries, withdrawing
from outbound.letters.codes import MOST_IN_BATCH, Code
from outbound.letters.content import Facts
from outbound.letters.from_campaigns import STOPPED
from outbound.letters.models import BatchState, LetterBatch
from outbound.letters.postage import Prices
from outbound.letters.queries import LetterView

MAKE, SETTLE, CHECK = "letters.make", "letters.settle", "letters.check"  # the kinds of the jobs
LONGEST_TO = 120
ONE_AT_A_TIME = "Un lotto come questo è già in preparazione: aspetta che finisca."
NO_FILES = "I file ci sono quando il lotto è pronto."
MOVED_ON = "Il lotto intanto è cambiato, e questo ora non si può fare: ricarica la pagina."


def ask(
    session: Session, by: Principal, *, campaign_id: int, prices: Prices, duplex: bool, most: int = MOST_IN_BATCH
) -> int:  # fmt: skip
    """Have the letters made of those whose turn it is; the batch's id. Raises `ConflictError`, `InvalidError`."""
    campaign = running.get(session, campaign_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=campaign.ente_id)
    postage.check(prices)
    if not 1 <= most <= MOST_IN_BATCH:
        raise FieldError(f"Un numero da 1 a {MOST_IN_BATCH}.", "most")
    if campaign.state is not State.RUNNING:
        raise ConflictError("La campagna non è in corso: le lettere si preparano quando lo è.")
    if not campaign.plan.steps_of(Channel.LETTER):
        raise ConflictError("Questa campagna non scrive lettere.")
    expected = queries.waiting(session, campaign, clock.now(session))
    if not expected:
        raise ConflictError("Adesso non c'è nessuno a cui tocchi una lettera.")
    batch = LetterBatch(ente_id=campaign.ente_id, campaign_id=campaign_id, version=campaign.version, most=most)
    return _begin(session, by, batch, expected=expected, prices=prices, duplex=duplex)


def ask_answers(
    session: Session, by: Principal, *, ente_id: int, contract_id: int, prices: Prices, duplex: bool
) -> int:  # fmt: skip
    """Have the letters made of an ente's answers that wait; the batch's id. Raises `ConflictError`, `InvalidError`."""
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=ente_id)
    postage.check(prices)
    expected = sum(one.count for one in answers.waiting(session, [ente_id]) if one.contract_id == contract_id)
    if not expected:
        raise ConflictError("Adesso nessuna risposta aspetta di essere stampata.")
    batch = LetterBatch(ente_id=ente_id, contract_id=contract_id, most=MOST_IN_BATCH)
    return _begin(session, by, batch, expected=expected, prices=prices, duplex=duplex)


def _begin(
    session: Session, by: Principal, batch: LetterBatch, *, expected: int, prices: Prices, duplex: bool
) -> int:  # fmt: skip
    now = clock.now(session)
    batch.prices = {**asdict(prices), "postage": {str(int(step)): cents for step, cents in prices.postage.items()}}
    batch.state, batch.made_by, batch.made_at = BatchState.MAKING, by.user_id, now
    batch.day, batch.expected, batch.duplex = clock.business_day(now), min(expected, batch.most), duplex
    try:
        with session.begin_nested():
            session.add(batch)
            session.flush()
    except IntegrityError:
        raise ConflictError(ONE_AT_A_TIME) from None
    batch.job_id = jobs.enqueue(session, ente_id=batch.ente_id, kind=MAKE, argument={"batch": batch.id})
    _note(session, by, batch, "letters.asked", letters=batch.expected)
    return batch.id


def go_on(session: Session, by: Principal, *, batch_id: int) -> None:
    """Its making had stopped: it goes on from where it was."""
    batch = _locked(session, by, batch_id, BatchState.FAILED)
    try:
        with session.begin_nested():
            batch.state = BatchState.MAKING
            session.flush()
    except IntegrityError:
        raise ConflictError(ONE_AT_A_TIME) from None
    batch.job_id = jobs.enqueue(session, ente_id=batch.ente_id, kind=MAKE, argument={"batch": batch.id})
    _note(session, by, batch, "letters.went_on")


def check(session: Session, by: Principal, *, batch_id: int) -> None:
    """Have its letters judged once more, so that their files may be taken. Raises `ConflictError`."""
    batch = _locked(session, by, batch_id, BatchState.MADE)
    _require_may_leave(session, batch.campaign_id)
    if batch.checked_at is None:
        return  # they are being judged
    batch.checked_at = None
    batch.job_id = jobs.enqueue(session, ente_id=batch.ente_id, kind=CHECK, argument={"batch": batch.id})
    _note(session, by, batch, "letters.checked", letters=batch.letters)


def hand_over(session: Session, by: Principal, *, batch_id: int, to: str) -> None:
    """The printing house has it: the letters are on their way, and the next step's days begin. Not to be undone.

    Each is judged once more as it leaves (`settling`). Raises `ConflictError` while nothing of the campaign may leave.
    """
    to = " ".join(to.split())
    if not to or len(to) > LONGEST_TO:
        raise FieldError(f"Scrivi a chi, in al massimo {LONGEST_TO} caratteri.", "to")
    batch = _locked(session, by, batch_id, BatchState.MADE)
    if not batch.letters:
        raise ConflictError("In questo lotto non c'è nessuna lettera.")
    _require_may_leave(session, batch.campaign_id)
    batch.handed_to = to
    _end(session, by, batch, BatchState.HANDED_OVER)
    _note(session, by, batch, "letters.handed_over", letters=batch.letters, to=to)


def cancel(session: Session, by: Principal, *, batch_id: int) -> None:
    """None of its letters left: their files go, and it is those people's turn as before."""
    batch = _locked(session, by, batch_id, BatchState.MADE, BatchState.FAILED)
    _end(session, by, batch, BatchState.CANCELLED)
    _note(session, by, batch, "letters.cancelled", letters=batch.letters)


def take(session: Session, by: Principal, *, batch_id: int) -> queries.BatchView:
    """Somebody downloads its files, which name people.

    Raises `ConflictError` before it is made, once cancelled, while its letters have to be judged anew, or when nothing
    of the campaign may leave; what was handed over may be printed anew, unless the ente has stopped it.
    """
    row = _locked(
        session, by, batch_id, BatchState.MADE, BatchState.HANDED_OVER, no="I file ci sono quando il lotto è pronto."
    )
    now = clock.now(session)
    if row.state is BatchState.MADE:
        _require_may_leave(session, row.campaign_id)
        if not withdrawing.is_checked(row.state, row.checked_at, now):
            raise ConflictError("Da quando le lettere furono ricontrollate è passata più di un'ora: ricontrollale.")
    else:
        if origins.of(row.campaign_id).is_stopped(session, row.campaign_id):
            raise ConflictError(STOPPED)
        if withdrawing.made(session, batch_id):
            raise ConflictError("Le lettere si stanno ricontrollando: riprova fra poco.")
    row.taken_at = row.taken_at or now
    session.flush()
    found = queries.batch(session, batch_id)
    audit.note(
        session, by, kind="letters.taken", ente_id=found.ente_id, subject=found.title,
        after={"batch": batch_id, "letters": found.letters},
    )  # fmt: skip
    return found


def look(session: Session, by: Principal, *, batch_id: int) -> queries.BatchView:
    """Somebody looks at a batch, whose first letters are named. Raises `NotFoundError`, `ForbiddenError`."""
    found = queries.batch(session, batch_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    audit.note(
        session, by, kind="letters.looked", ente_id=found.ente_id, subject=found.title, after={"batch": batch_id}
    )
    return found


def take_withdrawn(session: Session, by: Principal, *, batch_id: int) -> list[LetterView]:
    """The letters that a printing house has already and has to pull out. It learns their numbers, and not why."""
    found = queries.batch(session, batch_id)
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    pulled = queries.to_pull(session, found)
    audit.note(
        session, by, kind="letters.taken_withdrawn", ente_id=found.ente_id, subject=found.title,
        after={"batch": batch_id, "letters": len(pulled)},
    )  # fmt: skip
    return pulled


def open_letter(session: Session, by: Principal, *, letter_id: UUID) -> LetterView:
    """One letter is about to be read: by whoever runs campaigns, an answer by whoever sees the requests, too; else from
    the open file of its addressee.
    """
    found = queries.letter(session, letter_id)
    if found.sha256 is None:
        raise NotFoundError("La lettera non è ancora pronta.")
    call_id, reason = None, ""
    needed = [Permission.CAMPAIGN_MANAGE, *([Permission.CASE_READ] if found.campaign_id is None else [])]
    if not any(by.can(one) and found.ente_id in (scope_for(session, by, one).enti or ()) for one in needed):
        by.require(Permission.FILE_READ)
        opening = files.require_open(session, by, contact_id=found.contact_id, matter=Matter.DOCUMENTS)
        call_id, reason = opening.call_id, opening.reason
    audit.note(
        session, by, kind="letter.opened", ente_id=found.ente_id, contact_id=found.contact_id, subject=str(found.code),
        call_id=call_id, reason=reason,
    )  # fmt: skip
    return found


def preview(session: Session, by: Principal, *, campaign_id: int, nth: int = 0) -> Facts:
    """What the letter to one of the campaign's people would say today; of the first for whom there is something to say.

    For whoever runs the campaign, and for the ente that is to approve it. Raises `NotFoundError` where there is nobody.
    """
    campaign = running.get(session, campaign_id)
    approves = by.can(Permission.CAMPAIGN_APPROVE)
    needed = Permission.CAMPAIGN_APPROVE if approves else Permission.CAMPAIGN_MANAGE
    require_on(session, by, needed, ente_id=campaign.ente_id)
    now = clock.now(session)
    day = clock.business_day(now)
    writing = composing.writing(session, campaign, day)
    some = campaigns.first(session, campaign_id, of=campaigns.one(session, campaign_id))
    judged = composing.candidates(session, campaign, some, phase=writing.phase, day=day, now=now, running=True)
    able = [one for one in judged if one.to is not None and one.items]
    if not able:
        raise NotFoundError("Fra i primi della lista non c'è nessuno con un indirizzo e qualcosa da pagare.")
    one = able[nth % len(able)]
    assert one.to is not None
    audit.note(session, by, kind="letter.previewed", ente_id=campaign.ente_id, contact_id=one.contact_id)
    return writing.facts(str(Code(0, 0)), one.to, one.items)


def _require_may_leave(session: Session, campaign_id: int | None) -> None:
    withdrawing.require_may_leave(session, campaign_id, clock.now(session))


def _locked(
    session: Session, by: Principal, batch_id: int, *states: BatchState, no: str = MOVED_ON
) -> LetterBatch:  # fmt: skip
    found = session.get(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError("Questo lotto di lettere non c'è.")
    require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=found.ente_id)
    if found.state not in states:
        raise ConflictError(no)
    return found


def _end(session: Session, by: Principal, batch: LetterBatch, state: BatchState) -> None:
    batch.state, batch.ended_by, batch.ended_at = state, by.user_id, clock.now(session)
    batch.job_id = jobs.enqueue(session, ente_id=batch.ente_id, kind=SETTLE, argument={"batch": batch.id})


def _note(session: Session, by: Principal, batch: LetterBatch, kind: str, **what: object) -> None:
    session.flush()
    title = queries.batch(session, batch.id).title
    audit.note(session, by, kind=kind, ente_id=batch.ente_id, subject=title, after={"batch": batch.id, **what})
    touch(session, topics.campaigns(batch.ente_id))
