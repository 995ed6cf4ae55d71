"""The `worker` process."""

import os
from functools import partial
from typing import Any

from celery import Celery
from sqlalchemy import select

from crm.agendas.bulk import service as bulk
from crm.agendas.sites import manage_at
from crm.cases.protocol import registering
from crm.collection import tasks as collection
from crm.collection.service import FINISH, IMPORT, UPLOADS
from crm.collection.sources import contents
from crm.collection.sources import service as source_service
from crm.collection.sources import tasks as sources
from crm.collection.sources.lookups import Lookups
from crm.collection.sources.service import CONTENTS, FETCH
from crm.contacts import service as contacts
from crm.core import jobs
from crm.core.db import Scope
from crm.core.settings import Settings
from crm.documents import privacy as documents
from crm.documents.store import DocumentStore
from crm.duplicates import tasks as duplicates
from crm.duplicates.service import SEARCH
from crm.duplicates.service import ask as owe_search
from crm.enti import queries as enti
from crm.enti.models import Ente
from crm.messages import bulk as bulk_messages
from crm.messages import outbox
from crm.messages.templates import MessageTemplate
from crm.privacy import ending
from crm.privacy import tasks as privacy
from crm.privacy.service import ERASE, EXPORT
from crm.proposals import delivery
from crm.proposals import tasks as proposals
from crm.proposals.models import DELIVER
from crm.proposals.tasks import EXPORT as PROPOSALS_EXPORT
from crm.reports import service as reports
from crm.reports.queries import MAKE as REPORT_MAKE
from outbound.campaigns import admission
from outbound.campaigns.service import ADMIT as CAMPAIGN_ADMIT
from outbound.field.closing import counted
from outbound.field.rounds import tasks as rounds
from outbound.field.rounds.service import SOLVE as ROUNDS_SOLVE
from outbound.field.visits import asking
from outbound.letters import making as letters
from outbound.letters import returning, settling, withdrawing
from outbound.letters.service import CHECK as LETTERS_CHECK
from outbound.letters.service import MAKE as LETTERS_MAKE
from outbound.letters.service import SETTLE as LETTERS_SETTLE
from outbound.lists import checking
from outbound.lists import tasks as lists
from outbound.lists.service import BUILD as LIST_BUILD
from outbound.lists.service import CHECK as LIST_CHECK
from outbound.lists.service import DELETE as LIST_DELETE
from outbound.results import watching as results
from telephony.calls.queries import how_many_found_shut
from telephony.messages.delivery import Delivery, Enclose
from web.letters.paper import typeset
from web.levels.view import days_of
from web.privacy.archive import readable
from web.reports.mail import enclosed
from web.wiring import HOLDERS, Runtime, build
from web.worker.pulse import follow_worker
from web.worker.wake import celery_app

RUNNERS: dict[str, jobs.Runner] = {
    IMPORT: collection.RUNNER,
    FINISH: collection.FINISHER,
    FETCH: sources.RUNNER,
    PROPOSALS_EXPORT: proposals.RUNNER,
    DELIVER: delivery.DELIVERER,
    registering.REGISTER: registering.RUNNER,
    delivery.ASK: delivery.ASKER,
    ERASE: privacy.eraser(HOLDERS),
    SEARCH: duplicates.RUNNER,
    CAMPAIGN_ADMIT: admission.ADMITTER,
    LETTERS_SETTLE: settling.SETTLER,
    LETTERS_CHECK: withdrawing.CHECKER,
    returning.APPLY: returning.APPLIER,
    LIST_BUILD: lists.BUILDER,
    ROUNDS_SOLVE: rounds.SOLVER,
    LIST_CHECK: checking.CHECKER,
    LIST_DELETE: lists.DELETER,
    results.COUNT: results.COUNTER,
    counted.COUNT: counted.COUNTER,
    REPORT_MAKE: reports.maker(days_of, how_many_found_shut),
}

ENCLOSED: dict[str, Enclose] = {MessageTemplate.REPORT_READY: enclosed}


def runners(
    store: DocumentStore, messages: Delivery | None = None, *, public_url: str = "", lookups: Lookups | None = None
) -> dict[str, jobs.Runner]:  # fmt: skip
    """All of them: some need the store of documents, one whatever sends messages, one the address of our pages, one
    whoever asks gestionali about one taxpayer.
    """
    more = {
        EXPORT: privacy.exporter(HOLDERS, readable, store),
        documents.FORGET: documents.forgetter(store),
        CONTENTS: contents.fetcher(store),
        LETTERS_MAKE: letters.maker(store, typeset),
        ending.END: ending.runner(store),
        reports.TELL: reports.teller(public_url),
        bulk.JOB: bulk.runner(partial(manage_at, public_url=public_url)),
        **({asking.ASK: asking.runner(lookups)} if lookups else {}),
        **(
            {outbox.DELIVER: messages.runner(ENCLOSED), bulk_messages.DELIVER: messages.runner_of_many()}
            if messages
            else {}
        ),
    }
    return RUNNERS | more


def worker_app(settings: Settings) -> Celery:
    """Celery with the product's two tasks: run one job, and look for jobs that nobody was woken for."""
    app = celery_app(settings.redis_url)
    runtime: list[Runtime] = []

    def parts() -> Runtime:
        if not runtime:  # after the pool has forked
            runtime.append(build(settings))
        return runtime[0]

    @app.task(name="filodiretto.run_job")
    def run_job(job_id: int, ente_id: int) -> None:
        own = parts()
        known = runners(own.documents, own.messages, public_url=settings.public_url, lookups=own.lookups)
        jobs.run(parts().database, known, job_id=job_id, ente_id=ente_id)

    @app.task(name="filodiretto.sweep_jobs")
    def sweep_jobs() -> None:
        database = parts().database
        with database.begin(Scope.nothing()) as session:
            everybody = frozenset(session.execute(select(Ente.id)).scalars())
            served = enti.served(session)
        with database.begin(Scope.of_enti(served)) as session:
            source_service.start_due(session, data=settings.data)
            proposals.owe_exports(session)
            delivery.owe(session)
        with database.begin(Scope.of_enti(everybody)) as session:
            jobs.announce_silent(session)
            due = jobs.due(session)
        for job_id, ente_id in due:
            run_job.delay(job_id, ente_id)

    @app.task(name="filodiretto.tidy")
    def tidy() -> None:
        database = parts().database
        with database.begin(Scope.nothing()) as session:
            enti = frozenset(session.execute(select(Ente.id)).scalars())
        with database.begin(Scope.of_enti(enti)) as session:
            jobs.forget_done(session)
            collection.sweep(session, uploads=settings.data / UPLOADS)
            sources.sweep(session, data=settings.data)
            checking.sweep(session, uploads=settings.data / checking.UPLOADS)
        with database.begin(Scope.of_enti(enti)) as session:
            contacts.forget_words(session)

    @app.task(name="filodiretto.search_duplicates")
    def search_duplicates() -> None:
        database = parts().database
        with database.begin(Scope.nothing()) as session:
            served = enti.served(session)
        for ente_id in served:
            with database.begin(Scope.of_enti([ente_id])) as session:
                owe_search(session, None, ente_id=ente_id)

    return app


def run_worker(settings: Settings) -> None:
    """Work until told to stop, which is at once: whoever starts next takes a job over when its lease is over."""
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")
    follow_worker(settings)
    arguments: list[Any] = ["worker", "--loglevel=INFO", "--concurrency=2", "--without-gossip", "--without-mingle"]
    worker_app(settings).worker_main([*arguments, "--pool=prefork"])
