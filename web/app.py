"""The `web` process: the application, put together in one place."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp

from crm.core.settings import CarrierKind
from crm.turns import screens as office_screens
from telephony.carriers import simulator
from telephony.queues.music import waiting_music
from telephony.walls import service as walls_service
from web.agendas import appointments, beside, bulk, citizens, services, setup
from web.agendas import external as external_calendars
from web.agendas import feeds as agenda_feeds
from web.agendas import routes as agendas
from web.alerts import routes as alerts
from web.api import health, webhooks
from web.api import messages as message_webhooks
from web.api import questions as question_webhooks
from web.api.hooks import NotGenuineError
from web.api.v1 import facts as api_facts
from web.api.v1 import routes as api
from web.audit import routes as audit
from web.booking import managing as booking_managing
from web.booking import rating as booking_rating
from web.booking import steps as booking_steps
from web.booking import waiting as booking_waiting
from web.campaigns import people as campaign_people
from web.campaigns import routes as campaigns
from web.cases import debts as case_debts
from web.cases import handing as case_handing
from web.cases import letters as case_letters
from web.cases import live as case_live
from web.cases import one as case_pages
from web.cases import plans as case_plans
from web.cases import routes as cases
from web.cases import shared as shared_cases
from web.cati import cases as survey_cases
from web.cati import exports as survey_exports
from web.cati import interviews
from web.cati import online as survey_online
from web.cati import routes as questionnaires
from web.cati import surveys as survey_runs
from web.centre import routes as centre
from web.charts import routes as charts
from web.closures import public as public_closures
from web.closures import routes as closures
from web.conditions import routes as conditions
from web.consigning import routes as consigning
from web.console import routes as console
from web.contacts import related, wordings
from web.contacts import routes as contacts
from web.continuity import routes as continuity
from web.continuity import status
from web.continuity.pulse import Pulse
from web.design import routes as design
from web.desk import routes as desk
from web.dialer import hooks as dialer_webhooks
from web.dialer import routes as dialer
from web.drafts import routes as drafts
from web.duplicates import routes as duplicates
from web.edge import errors
from web.edge.allowance import allowance
from web.edge.requests import Envelope, content_security_policy
from web.ente import routes as ente
from web.enti import conduct, recorded, served
from web.enti import routes as enti
from web.field import accreditations as field_accreditations
from web.field import agents as field_agents
from web.field import assignments as field_assignments
from web.field import badge as field_badge
from web.field import commissions as field_commissions
from web.field import door as field_door
from web.field import mandates as field_mandates
from web.field import opening as field_opening
from web.field import own as field_own
from web.field import places as field_places
from web.field import practices as field_practices
from web.field import register as field_register
from web.field import reports as field_reports
from web.field import rounds as field_rounds
from web.field import visited as field_visited
from web.field import visits as field_visits
from web.files import documents, letters, refreshed
from web.files import routes as files
from web.follow_ups import routes as follow_ups
from web.imports import limits, reconciliations, sources
from web.imports import routes as imports
from web.knowledge import editor as knowledge_editor
from web.knowledge import routes as knowledge
from web.letters import answers as answer_letters
from web.letters import routes as campaign_letters
from web.levels import calls as levels_calls
from web.levels import editor as levels_editor
from web.levels import routes as levels
from web.lists import routes as lists
from web.live import sockets
from web.live.devices import DeviceWatch
from web.live.hub import Hub
from web.live.listener import Listener
from web.live.sockets import Guard, Presence
from web.mail import frame as mail_frame
from web.mail import routes as mail
from web.mail import setup as mailboxes
from web.mail import writing as mail_writing
from web.messages import public as public_messages
from web.messages import routes as messages
from web.monitoring import routes as monitoring
from web.outcomes import giving, results
from web.outreach import routes as outreach
from web.oversight import broadcasts
from web.oversight import routes as oversight
from web.people import me
from web.people import routes as people
from web.practice import routes as practice
from web.privacy import routes as privacy
from web.proposals import form as proposal_form
from web.proposals import routes as proposals
from web.quality import own as own_quality
from web.quality import routes as quality
from web.quality import setup as quality_setup
from web.recordings import routes as recordings
from web.reports import routes as reports
from web.screens import routes as screens
from web.shortcuts import routes as shortcuts
from web.sign_in import provider, steps
from web.sign_in import routes as sign_in
from web.staff import routes as staff
from web.staffing import parts as staffing_parts
from web.staffing import routes as staffing
from web.staffing import shifts
from web.submissions import following as submissions_following
from web.submissions import steps as submissions_steps
from web.supervision import calls as supervised_calls
from web.supervision import facts as supervised_facts
from web.supervision import routes as supervision
from web.surveys import routes as surveys
from web.texts import history as text_history
from web.texts import routes as texts
from web.tokens import routes as tokens
from web.voice import editor as voice_editor
from web.voice import routes as voice
from web.wallboard import routes as wallboard
from web.walls import routes as walls
from web.wiring import Runtime

STATIC = Path(__file__).parent / "static"
HEARD_WITHIN_S = 0.2
SPARE_CONNECTIONS = 4  # the pool serves every request thread, and the matcher and executor beside them


def create_app(runtime: Runtime) -> ASGIApp:
    """The ASGI application of a wired process."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        threads = max(2, runtime.settings.database_pool_size - SPARE_CONNECTIONS)
        anyio.to_thread.current_default_thread_limiter().total_tokens = threads
        hub = app.state.hub
        listener = Listener(runtime.settings.redis_url, runtime.settings.database_url, hub.heard, hub.lost)
        services = (
            listener.run(),
            hub.run(),
            hub.beat(),
            sockets.keep_time(runtime.clock),
            app.state.presence.run(),
            app.state.guard.run(),
            app.state.walls.run(),
            app.state.screens.run(),
            app.state.pulse.run(),
        )
        tasks = [asyncio.create_task(service) for service in services]
        try:
            yield
        finally:
            await _end(tasks)
            await hub.finish()
            runtime.close()

    app = FastAPI(title="Filodiretto", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.runtime = runtime
    app.state.hub = Hub(lambda: runtime.clock.now().timestamp())
    app.state.presence = Presence(runtime)
    app.state.guard = Guard(runtime)
    app.state.walls = DeviceWatch(runtime, walls_service.still_there)
    app.state.screens = DeviceWatch(runtime, office_screens.still_there)
    app.state.pulse = Pulse(runtime.database)
    app.state.status = status.Board()
    for module in (
        webhooks,
        message_webhooks,
        question_webhooks,
        messages,
        public_messages,
        health,
        sign_in,
        steps,
        provider,
        shortcuts,
        me,
        people,
        staff,
        console,
        practice,
        texts,
        text_history,
        mailboxes,
        mail_frame,
        mail_writing,
        mail,
        knowledge,
        knowledge_editor,
        drafts,
        follow_ups,
        cases,
        shared_cases,
        case_live,
        case_plans,
        case_letters,
        case_pages,
        case_debts,
        case_handing,
        services,
        citizens,
        appointments,
        beside,
        bulk,
        setup,
        agenda_feeds,
        external_calendars,
        agendas,
        booking_managing,
        booking_waiting,
        booking_rating,
        booking_steps,
        consigning,
        submissions_following,
        submissions_steps,
        desk,
        screens,
        duplicates,
        outreach,
        answer_letters,
        campaign_letters,
        giving,
        results,
        campaign_people,
        campaigns,
        field_opening,
        field_assignments,
        field_places,
        field_mandates,
        field_practices,
        field_own,
        field_accreditations,
        field_agents,
        field_badge,
        lists,
        field_door,
        field_visits,
        field_visited,
        field_rounds,
        documents,
        letters,
        refreshed,
        files,
        contacts,
        related,
        wordings,
        alerts,
        supervised_calls,
        supervised_facts,
        supervision,
        recordings,
        monitoring,
        quality_setup,
        quality,
        own_quality,
        wallboard,
        walls,
        levels,
        levels_calls,
        levels_editor,
        conditions,
        charts,
        staffing,
        staffing_parts,
        shifts,
        reports,
        tokens,
        surveys,
        survey_exports,
        survey_runs,
        survey_cases,
        survey_online,
        questionnaires,
        interviews,
        voice,
        oversight,
        broadcasts,
        voice_editor,
        centre,
        sources,
        limits,
        reconciliations,
        imports,
        proposal_form,
        proposals,
        dialer,
        dialer_webhooks,
        field_reports,
        field_commissions,
        field_register,
        public_closures,
        status,
        continuity,
        closures,
        ente,
        conduct,
        served,
        recorded,
        enti,
        audit,
        privacy,
        design,
        sockets,
    ):
        # Not `include_router`, which makes each route anew for each application and looks for it twice a request.
        app.router.routes.extend(module.router.routes)
    for router in (api.public, api.router, api_facts.router):
        app.router.routes.extend(router.routes)
    errors.install(app)

    @app.exception_handler(NotGenuineError)
    def not_genuine(_request: Request, _error: NotGenuineError) -> Response:
        return Response(status_code=403)

    @app.get("/static/audio/waiting.wav", include_in_schema=False)
    def music() -> Response:
        return Response(waiting_music(), media_type="audio/wav", headers={"cache-control": "public, max-age=86400"})

    if runtime.settings.carrier is CarrierKind.SIMULATOR:
        device = Path(simulator.__file__).parent / "static" / "device.js"

        @app.get("/static/js/softphone/simulator.js", include_in_schema=False)
        def simulator_device() -> Response:
            return FileResponse(device, media_type="text/javascript")

    static = GZipMiddleware(StaticFiles(directory=STATIC), minimum_size=2_000)  # no secret is in it to be guessed
    app.mount("/static", static, name="static")
    policy = content_security_policy(runtime.carrier.origins())
    return Envelope(app, policy=policy, secure=runtime.settings.secure_cookies, allowance=partial(allowance, runtime))


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks until they end: before Python 3.12, what a task awaits may end in that instant and swallow it."""
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=HEARD_WITHIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
