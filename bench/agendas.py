"""Agendas: a year of times for 200 desks; a month of an office, half of it given away; a thousand citizens who race for
a hundred times, over many connections of four processes: a hundred have one, each other is offered what is near.
"""

import gc
import json
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

from sqlalchemy.orm import Session

from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median, percentile
from crm.agendas import finding, preparing
from crm.agendas.models import Appointment, AppointmentState
from crm.agendas.plan import Agenda, DeskView, Plan, Window, open_on
from crm.agendas.preparing import ServiceTold
from crm.agendas.rules import Channel
from crm.agendas.slots import Free, Measures, free
from crm.core import clock
from crm.core.db import Scope, new_id
from crm.enti.models import Office
from tests.cast import principal_of

DESKS, CITIZENS, PROCESSES, THREADS = 200, 1_000, 4, 8
TWENTY, NINE, SIX = timedelta(minutes=20), clock_time(9), clock_time(18)


def measure(place: Place, options: Options) -> list[Result]:
    """The year, the month, the race."""
    citizens = 100 if options.quick else CITIZENS
    centre = place.centre("agendas")
    office_id, service_id = centre.database.transact(scope_of(centre), lambda s: prepare_office(s, centre))
    results = [_year(30 if options.quick else 365), _month(centre, office_id, service_id)]
    results += _race(place, centre, office_id, service_id, citizens)
    centre.close()
    return results


def scope_of(centre: Centre) -> Scope:
    """What citizens of Empoli may see."""
    return Scope.of_enti([centre.cast.empoli], [centre.cast.contract])


def _year(days: int) -> Result:
    """Every free start of a year, of desks that are open nine hours each weekday."""
    desks = tuple(DeskView(n, str(n)) for n in range(1, DESKS + 1))
    windows = tuple(Window(day, NINE, SIX, desk.id) for desk in desks for day in range(5))
    plan = Plan(1, desks, (Agenda(1, 1, date(2026, 1, 1), None, True, windows),), patron=(11, 30))
    measures = Measures(1, TWENTY, timedelta(), TWENTY)
    began, seats = time.perf_counter(), 0
    for n in range(days):
        opened = open_on(plan, date(2027, 1, 1) + timedelta(days=n))
        seats += sum(len(one.seats) for one in free(1, opened, {}, measures))
    seconds = time.perf_counter() - began
    return Result(
        f"Agendas: {days} days of {DESKS} desks", "seconds (≤ 10)", "–", f"{seats:,} times", f"{seconds:.2f} s",
        seconds <= 10,
    )  # fmt: skip


def _month(centre: Centre, office_id: int, service_id: int) -> Result:
    """What a citizen waits for when he looks at a month."""
    took, found = [], []
    gc.collect()
    gc.freeze()  # as a web process does once it is loaded: to search its modules for garbage takes 0.2 s
    for _ in range(40):
        began = time.perf_counter()
        found = centre.database.transact(scope_of(centre), lambda s: free_month(s, centre, office_id, service_id))
        took.append((time.perf_counter() - began) * 1000)
    p95 = percentile(took, 0.95)
    return Result(
        "Agendas: 31 days of an office with ten desks, half given away, p95", "≤ 200 ms", "–",
        f"{len(found):,} times", f"{p95:.0f} ms (median {median(took):.0f})", p95 <= 200,
    )  # fmt: skip


def _race(place: Place, centre: Centre, office_id: int, service_id: int, citizens: int) -> list[Result]:
    """All want one of a hundred times; of each there are as many seats as its share."""
    times = centre.database.transact(scope_of(centre), lambda s: free_month(s, centre, office_id, service_id))
    folder = place.folder / "race"
    folder.mkdir()
    seats, wanted = 0, []
    for one in times:
        if seats + len(one.seats) > citizens // 10:
            continue
        wanted.append(one.starts_at.isoformat())
        seats += len(one.seats)
        if seats == citizens // 10:
            break
    told = {"ente_id": centre.cast.empoli, "office_id": office_id, "service_id": service_id, "times": wanted}
    (folder / "wanted.json").write_text(json.dumps(told), encoding="utf-8")
    before = given(centre)
    children = []
    for n in range(PROCESSES):
        file, count = folder / f"{n}.json", citizens // PROCESSES
        command = ("bench.bookers", str(file), str(n * count), str(count), str(THREADS))
        children.append(place.start("booker", *command, environ=centre.environ))
        place.wait(children[-1], lambda file=file: Path(f"{file}.ready").exists())  # type: ignore[misc]
    began = time.perf_counter()
    (folder / "go").touch()
    for child in children:
        place.finish(child)
    seconds = time.perf_counter() - began
    found = [tuple(one) for n in range(PROCESSES) for one in json.loads((folder / f"{n}.json").read_text("utf-8"))]
    booked = sum(one[0] for one in found)
    lost = [one for one in found if not one[0]]
    exact = booked == seats == given(centre) - before and all(one[1] for one in lost)
    took = [one[2] * 1000 for one in found]
    return [
        Result(
            f"Agendas: {citizens:,} citizens race for {seats} places", "each given once; others offered the nearest",
            "–", f"{booked} have one", f"{seconds:.1f} s, p95 {percentile(took, 0.95):.0f} ms", exact,
            {"offered": sum(1 for one in lost if one[1]), "times": len(wanted)},
        ),
        Result("Agendas: asked for under contention", "–", "–", f"{len(found) / seconds:.0f}/s", "", None),
    ]  # fmt: skip


def given(centre: Centre) -> int:
    """How many have one."""
    return int(centre.query("SELECT count(*) FROM appointment WHERE state = 'booked'")[0][0])


def free_month(session: Session, centre: Centre, office_id: int, service_id: int) -> list[Free]:
    """The free times of the next 31 days."""
    today = clock.business_day(clock.now(session))
    return finding.free_times(
        session, ente_id=centre.cast.empoli, service_id=service_id, office_id=office_id, channel=Channel.WEB,
        first=today, last=today + timedelta(days=31),
    )  # fmt: skip


def prepare_office(session: Session, centre: Centre) -> tuple[int, int]:
    """An office with ten desks; half of what a month has is given away."""
    sara, of = principal_of(session, centre.cast.sara), {"ente_id": centre.cast.empoli}
    office = Office(**of, name="Uffici", address="Via Roma 1", competent_for="", accessibility="", hours=[])
    session.add(office)
    session.flush()
    at = {**of, "office_id": office.id}
    told = ServiceTold({"name": {"it": "Rimborsi"}}, {}, frozenset({office.id}))
    service = preparing.save_service(session, sara, **of, told=told)
    desks = [preparing.save_desk(session, sara, **at, name=str(n)) for n in range(10)]
    windows = [Window(day, NINE, SIX, desk) for desk in desks for day in range(5)]
    preparing.save_draft(session, sara, **at, windows=windows, valid_from=datetime.now(UTC).date())
    preparing.publish(session, sara, **at)
    now = clock.now(session)
    for n, one in enumerate(free_month(session, centre, office.id, service)):
        for seat in one.seats[n % 2 :: 2]:
            session.add(
                Appointment(
                    **at, id=new_id(session), desk_id=seat.desk_id, place=seat.place, service_id=service,
                    state=AppointmentState.DONE, channel=Channel.WEB, starts_at=one.starts_at, ends_at=one.ends_at,
                    free_at=one.ends_at, code=f"{n:04d}{seat.desk_id:04d}", made_at=now, changed_at=now,
                )
            )  # fmt: skip
    return office.id, service
