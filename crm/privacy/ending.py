"""The end of a contract for an ente: its data exported, handed over, confirmed by a second person, deleted.

Once the end is asked for no contract covers the ente: no call is taken for it and no feed read, so that what is
exported is what there is. Nothing is deleted before the export was downloaded and somebody else than who asked
confirmed; had anything been written since, the export is made anew first. The access log goes with the data: the
entries are handed over and deleted, the seals stay, so that whoever has the log can prove it.
"""

from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.audit import service as audit
from crm.collection import service as collection
from crm.core import clock, configuration, jobs, topics
from crm.core.db import Database, Scope, touch
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.core.jobs import Runner, Taken
from crm.documents.store import DocumentStore
from crm.enti.models import ContractEnte
from crm.privacy import copies, deletion, handover
from crm.privacy.models import EndState, EnteEnd
from crm.privacy.service import entitled

END = "privacy.end"
MAX_REASON = 200
LOG_KEPT = timedelta(days=7)  # after it was downloaded
WORKING = (EndState.EXPORTING, EndState.DELETING)


def ask(session: Session, by: Principal, *, ente_id: int, reason: str, folder: Path, calls: int) -> int:
    """The contract ends: serve the ente no more, and export everything. `calls`: how many of its are under way."""
    entitled(session, by, ente_id)
    reason = " ".join(reason.split())
    if not reason:
        raise InvalidError("Scrivi perché il contratto finisce.", field="reason")
    if len(reason) > MAX_REASON:
        raise InvalidError("Il motivo è troppo lungo: al massimo 200 caratteri.", field="reason")
    if calls:
        raise ConflictError("Ci sono telefonate in corso per questo ente: riprova quando sono finite.")
    if collection.is_reading(session, ente_id):
        raise ConflictError("Un flusso di questo ente è in lettura: riprova quando è finita.")
    values = {
        "ente_id": ente_id, "state": EndState.EXPORTING, "reason": reason, "asked_by": by.user_id,
        "asked_at": clock.now(session), "contracts": deletion.uncover(session, ente_id), "report": {}, "parts": 0,
        "parts_made": 0,
    }  # fmt: skip
    made = insert(EnteEnd).values(values).on_conflict_do_nothing().returning(EnteEnd.id)
    end_id = session.execute(made).scalar_one_or_none()
    if end_id is None:
        raise ConflictError("Per questo ente la fine del contratto è già in corso.")
    end = _locked(session, end_id)
    _work(session, end, folder)
    _note(session, by, end, "privacy.end_asked", reason=reason)
    return end.id


def scope_of(session: Session, by: Principal, end_id: int) -> Scope:
    """What whoever may see to an end sees of the ente. No contract covers it any more: it is in no other scope.

    Raises `NotFoundError`.
    """
    return Scope.of_enti([one(session, by, end_id).ente_id])


def take(session: Session, by: Principal, *, end_id: int) -> Path:
    """Hand the export over. It may be downloaded again until everything is deleted."""
    end = _mine(session, by, end_id)
    if end.state not in {EndState.EXPORTED, EndState.HANDED_OVER} or end.path is None:
        raise ConflictError("L'esportazione non è pronta, o i dati sono già stati cancellati.")
    end.state, end.taken_by, end.taken_at = EndState.HANDED_OVER, by.user_id, clock.now(session)
    session.flush()
    _note(session, by, end, "privacy.end_taken", sha256=end.sha256)
    touch(session, topics.privacy(end.ente_id))
    return Path(end.path)


def confirm(session: Session, by: Principal, *, end_id: int, typed: str, name: str, folder: Path) -> None:
    """A second person confirms, by typing the ente's name: now everything is deleted."""
    end = _mine(session, by, end_id)
    if end.state is not EndState.HANDED_OVER:
        raise ConflictError("Prima i dati vanno scaricati e consegnati all'ente.")
    if end.asked_by == by.user_id:
        raise ForbiddenError("Conferma una persona diversa da chi ha chiesto la cancellazione.")
    if typed.strip().casefold() != name.casefold():
        raise InvalidError("Scrivi il nome dell'ente, com'è scritto qui sopra.", field="typed")
    end.state, end.confirmed_by, end.confirmed_at = EndState.DELETING, by.user_id, clock.now(session)
    session.flush()
    _note(session, by, end, "privacy.end_confirmed")
    _work(session, end, folder)


def withdraw(session: Session, by: Principal, *, end_id: int) -> None:
    """The contract goes on after all. The export is to be removed after this: `let_export_go`."""
    end = _mine(session, by, end_id)
    if end.state in {EndState.DELETING, EndState.DONE, EndState.WITHDRAWN} or end.confirmed_at is not None:
        raise ConflictError("La cancellazione è già cominciata, o la richiesta è già chiusa.")
    end.path, end.state = None, EndState.WITHDRAWN
    configuration.changed(session)
    session.flush()
    if end.contracts:
        covers = [{"contract_id": one, "ente_id": end.ente_id} for one in end.contracts]
        session.execute(insert(ContractEnte).values(covers).on_conflict_do_nothing())
    _note(session, by, end, "privacy.end_withdrawn")
    touch(session, topics.privacy(end.ente_id))


def let_export_go(end_id: int, folder: Path) -> None:
    """Remove the export of an end that was withdrawn, and what there is of one that is being made."""
    copies.remove(folder, handover.data_name(end_id))


def try_again(session: Session, by: Principal, *, end_id: int, folder: Path) -> None:
    """Go on with what stopped: from where it was."""
    end = _mine(session, by, end_id)
    if end.state is not EndState.STOPPED:
        return
    end.state = EndState.DELETING if end.confirmed_at else EndState.EXPORTING
    session.flush()
    _note(session, by, end, "privacy.end_retried")
    _work(session, end, folder)


def take_log(session: Session, by: Principal, *, end_id: int) -> Path:
    """Hand over the access log of an ente whose data are deleted. It is removed a while after the first time."""
    end = _mine(session, by, end_id)
    if end.state is not EndState.DONE or end.log_path is None:
        raise NotFoundError("Il registro degli accessi non è ancora pronto, o è già stato consegnato.")
    end.log_taken_at = end.log_taken_at or clock.now(session)
    session.flush()
    _note(session, by, end, "privacy.log_taken")
    return Path(end.log_path)


def expire_logs(session: Session) -> int:
    """Remove the access logs that were handed over long enough ago; how many."""
    late = EnteEnd.log_path.is_not(None), EnteEnd.log_taken_at <= clock.now(session) - LOG_KEPT
    ends = session.scalars(select(EnteEnd).where(*late).with_for_update()).all()
    for end in ends:
        Path(end.log_path or "").unlink(missing_ok=True)
        end.log_path = None
    session.flush()
    return len(ends)


def ends(session: Session, by: Principal) -> list[EnteEnd]:
    """The ends that concern `by`, the newest first: of enti that he looks after, or did under a contract of his."""
    by.require(Permission.PRIVACY_MANAGE)
    rows = session.scalars(select(EnteEnd).order_by(EnteEnd.id.desc()).execution_options(populate_existing=True))
    return [end for end in rows if _may(session, by, end)]


def one(session: Session, by: Principal, end_id: int) -> EnteEnd:
    """One of them. Raises `NotFoundError`."""
    found = next((each for each in ends(session, by) if each.id == end_id), None)
    if found is None:
        raise NotFoundError("Questa richiesta non esiste.")
    return found


# -- the work -----------------------------------------------------------------------------------------------------


def runner(store: DocumentStore) -> Runner:
    """Carries an end out. The contents of documents are in `store`."""
    return Runner(partial(run, store), gave_up)


def run(store: DocumentStore, database: Database, job: Taken) -> None:
    """Export, or delete: whatever is due. Where something came after the export, that is made anew first."""
    with database.begin(Scope.nothing()) as session:
        end = session.get_one(EnteEnd, job.argument["end"])
    if end.job_id != job.id:
        return
    if end.state is EndState.EXPORTING or (
        end.state is EndState.DELETING and not deletion.begin(database, end_id=end.id, ente_id=end.ente_id)
    ):
        handover.export(store, database, job, end)
    elif end.state is EndState.DELETING:
        deletion.delete_all(store, database, job, end)


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed: it stops where it is."""
    mine = EnteEnd.id == job.argument["end"], EnteEnd.job_id == job.id, EnteEnd.state.in_(WORKING)
    session.execute(update(EnteEnd).where(*mine).values(state=EndState.STOPPED))
    touch(session, topics.privacy(job.ente_id))


# -- parts --------------------------------------------------------------------------------------------------------


def _may(session: Session, by: Principal, end: EnteEnd) -> bool:
    """Whether somebody who looks after personal data does so for this ente, or did until its contract ended."""
    if end.ente_id in by.kept_from:
        return False
    if end.ente_id in (scope_for(session, by, Permission.PRIVACY_MANAGE).enti or ()):
        return True
    return by.user_id in {end.asked_by, end.confirmed_by} or not by.contracts_for(Permission.PRIVACY_MANAGE).isdisjoint(
        end.contracts
    )


def _mine(session: Session, by: Principal, end_id: int) -> EnteEnd:
    """The end, locked. Raises `ForbiddenError`, `NotFoundError`."""
    by.require(Permission.PRIVACY_MANAGE)
    end = _locked(session, end_id)
    if not _may(session, by, end):
        raise ForbiddenError("Non hai il permesso di fare questa operazione per questo ente.")
    return end


def _locked(session: Session, end_id: int) -> EnteEnd:
    end = session.get(EnteEnd, end_id, with_for_update=True, populate_existing=True)
    if end is None:
        raise NotFoundError("Questa richiesta non esiste.")
    return end


def _note(session: Session, by: Principal, end: EnteEnd, kind: str, *, reason: str = "", **after: str | None) -> None:
    """In the ente's log; once that is closed and handed over, beside what is noted of its contract."""
    closed = end.log_through is not None
    audit.note(
        session, by, kind=kind, ente_id=None if closed else end.ente_id, reason=reason,
        subject=f"contract:{end.contracts[0]}" if closed and end.contracts else "",
        after={"end": end.id, "ente": end.ente_id, **after},
    )  # fmt: skip


def _work(session: Session, end: EnteEnd, folder: Path) -> None:
    argument = {"end": end.id, "folder": str(folder)}
    end.job_id = jobs.enqueue(session, ente_id=end.ente_id, kind=END, argument=argument)
    end.parts, end.parts_made = 0, 0
    session.flush()
    touch(session, topics.privacy(end.ente_id))
