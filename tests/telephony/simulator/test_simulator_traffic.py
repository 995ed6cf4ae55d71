"""The model of who calls: reproducible, with the day's rhythm and a floor; and the pages' own doors."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

import pytest

from crm.core.settings import load_settings
from telephony.carriers.simulator.config import ConfigError, SimulatorConfig, Traffic, _switch
from telephony.carriers.simulator.traffic import ANONYMOUS, Caller, attempts, rate_at

CALLERS = [Caller("+390551111111", "301234567890123456", "Anna"), Caller("+393332222222", None, "Bruno")]
MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def day(seed=1, start=MORNING, rate=100.0):
    return attempts(seed, start, calls_per_hour=rate, callers=CALLERS)


def test_a_seed_repeats_its_day():
    assert list(islice(day(3), 50)) == list(islice(day(3), 50))
    assert list(islice(day(3), 50)) != list(islice(day(4), 50))


@pytest.mark.parametrize(("hour", "expected"), [(10, 160), (3, 75)])
def test_arrivals_follow_the_hour_above_the_floor(hour, expected):
    start = MORNING.replace(hour=hour)
    assert rate_at(start, 100) == expected
    counts = [
        sum(1 for _ in takewhile(lambda a: a.at < start + timedelta(hours=1), day(seed, start))) for seed in range(30)
    ]
    assert sum(counts) / len(counts) == pytest.approx(expected, rel=0.1)


def test_the_mix_of_callers():
    drawn = list(islice(day(), 2000))
    known = sum(1 for a in drawn if a.from_ in {c.number for c in CALLERS}) / len(drawn)
    hidden = sum(1 for a in drawn if a.from_ == ANONYMOUS) / len(drawn)
    assert known == pytest.approx(0.70, abs=0.05)
    assert hidden == pytest.approx(0.08, abs=0.03)
    assert all(a.script[0].say_digits in "1230" and a.script[-1].talk_s > 0 for a in drawn)


def test_traffic_calls_by_itself(make_world):
    world = make_world(traffic=Traffic(on=True, calls_per_hour=200_000, max_live=3))
    world.product.pages["/voice"] = "<Response><Say>Pronto.</Say></Response>"
    world.product.wait("/number-status", count=3, CallStatus="completed")


def test_the_installation_configures_it():
    settings = load_settings({
        "FILODIRETTO_DATABASE_URL": "postgresql+psycopg://app@h/db",
        "FILODIRETTO_DATABASE_ROUTING_URL": "postgresql+psycopg://routing@h/db",
        "FILODIRETTO_REDIS_URL": "redis://h", "FILODIRETTO_PUBLIC_URL": "https://cc.example.it",
        "FILODIRETTO_TWILIO_ACCOUNT_SID": "AC" + "a" * 32, "FILODIRETTO_TWILIO_AUTH_TOKEN": "t",
        "FILODIRETTO_TWILIO_API_KEY": "SK" + "b" * 32, "FILODIRETTO_TWILIO_API_SECRET": "s",
        "FILODIRETTO_TWILIO_API_URL": "http://127.0.0.1:8010",
        "FILODIRETTO_SIMULATOR_URL": "http://127.0.0.1:8010",
    })  # fmt: skip
    environ = {"FILODIRETTO_SIMULATOR_TRAFFIC": "on", "FILODIRETTO_SIMULATOR_RATE": "240"}
    config = SimulatorConfig.from_settings(settings, environ)
    assert config.allowed_origins == ("https://cc.example.it",)
    assert (config.traffic.on, config.traffic.calls_per_hour) == (True, 240)
    assert "auth_token" not in repr(config)
    with pytest.raises(ConfigError, match="FILODIRETTO_SIMULATOR_RATE"):
        SimulatorConfig.from_settings(settings, {"FILODIRETTO_SIMULATOR_RATE": "-1"})


def test_a_switch_is_on_or_off():
    assert _switch({"FILODIRETTO_SIMULATOR_TRAFFIC": "on"}, "TRAFFIC")
    with pytest.raises(ConfigError, match="FILODIRETTO_SIMULATOR_TRAFFIC"):
        _switch({"FILODIRETTO_SIMULATOR_TRAFFIC": "maybe"}, "TRAFFIC")
