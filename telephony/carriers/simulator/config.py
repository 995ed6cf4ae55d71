"""What a simulator is told when it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from crm.core.settings import Settings

PREFIX = "FILODIRETTO_SIMULATOR_"


class ConfigError(Exception):
    """The environment does not describe a runnable simulator; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number that the product answers."""

    number: str
    voice_url: str
    voice_method: str = "POST"
    voice_fallback_url: str | None = None
    status_callback: str | None = None
    sms_url: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the simulated world runs. `speech` scales what is heard, `waits` everything that times out."""

    speech: float = 1.0
    waits: float = 1.0
    characters_per_s: float = 15.0
    play_s: float = 10.0
    repeat_floor_s: float = 0.2
    """Real seconds between two requests of the same waiting document, so that speech at 0 does not spin."""

    def saying(self, text: str) -> float:
        return len(text) / self.characters_per_s * self.speech


@dataclass(frozen=True, slots=True)
class Faults:
    """How often the carrier misbehaves: probabilities from 0 to 1, drawn from `seed`; what each does is said in
    `faults.Fault`."""

    seed: int = 0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    delay_s: float = 2.0
    callback_before_reply: float = 0.0
    lose_reply: float = 0.0
    rate_limit: float = 0.0
    retry_after_s: int | None = None
    bad_signature: float = 0.0
    server_error: float = 0.0
    hang: float = 0.0
    hang_s: float = 20.0
    gone: float = 0.0
    down: bool = False
    calls_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Citizens who call by themselves."""

    on: bool = False
    calls_per_hour: float = 60.0
    callers_file: Path | None = None
    seed: int = 0
    max_live: int = 40


@dataclass(frozen=True, slots=True)
class Colleagues:
    """Agents who answer by themselves, at the product's own pages. `talk_s` is their mean conversation; for
    `courtesy_s` of waiting they leave to people whoever calls from the page."""

    file: Path | None = None
    product_url: str = ""
    talk_s: float = 100.0
    courtesy_s: float = 25.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A caller's number that the page offers, and the number that he would call."""

    number: str
    label: str
    to: str = ""
    notice: str = ""  # a notice of his, to be keyed


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """`public_url` is where others find the simulator; `allowed_origins` the pages that may open a device."""

    account_sid: str
    auth_token: str = field(repr=False)
    api_key: str
    api_secret: str = field(repr=False)
    public_url: str
    allowed_origins: tuple[str, ...] = ()
    numbers: tuple[Number, ...] = ()
    numbers_file: Path | None = None
    """Where numbers registered through the REST API are kept, so that a restart does not forget them."""
    suggestions: tuple[Suggestion, ...] = ()
    """What the page offers; when empty, the first people of the traffic's callers file."""
    citizen_token: str | None = field(default=None, repr=False)
    """Opens the citizens' API to other hosts; without it only the loopback may use it."""
    pace: Pace = Pace()
    faults: Faults = Faults()
    traffic: Traffic = Traffic()
    colleagues: Colleagues = Colleagues()
    apology: str | None = None
    """A document hosted by the carrier itself, at `/bins/apology`, as Twilio hosts TwiML Bins."""
    device_grace_s: float = 8.0
    mail_host: str = "127.0.0.1"
    mail_port: int | None = None
    """Where a mail server stands in for a real one; without a port there is none."""
    queue_size: int = 1000

    @classmethod
    def from_settings(cls, settings: Settings, environ: Mapping[str, str]) -> Self:
        """The simulator of this installation: accounts from the product's settings, the rest from
        `FILODIRETTO_SIMULATOR_*`."""
        return cls(
            account_sid=settings.twilio_account_sid,
            auth_token=settings.twilio_auth_token.get_secret_value(),
            api_key=settings.twilio_api_key,
            api_secret=settings.twilio_api_secret.get_secret_value(),
            public_url=settings.simulator_url or settings.twilio_api_url or "http://127.0.0.1:8010",
            allowed_origins=(origin(settings.public_url), *_words(environ, "ORIGINS")),
            numbers_file=_path(environ, "NUMBERS"),
            citizen_token=environ.get(PREFIX + "TOKEN"),
            pace=Pace(speech=_number(environ, "SPEECH", 1.0), waits=_number(environ, "WAITS", 1.0)),
            traffic=Traffic(
                on=_switch(environ, "TRAFFIC"),
                calls_per_hour=_number(environ, "RATE", 60.0),
                callers_file=_path(environ, "CALLERS"),
                seed=int(_number(environ, "SEED", 0)),
                max_live=int(_number(environ, "MAX_LIVE", 40)),
            ),
            colleagues=Colleagues(
                file=_path(environ, "COLLEAGUES"),
                product_url=settings.public_url,
                talk_s=_number(environ, "TALK_S", 100.0),
            ),
            apology=_text(environ, "APOLOGY"),
            device_grace_s=_number(environ, "GRACE_S", 8.0),
            mail_host=environ.get(PREFIX + "MAIL_HOST", "127.0.0.1"),
            mail_port=int(_number(environ, "MAIL_PORT", 0)) or None,
        )


def origin(url: str) -> str:
    """Scheme and authority, as browsers send them in `Origin`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    raw = environ.get(PREFIX + name, "").strip()
    if not raw:
        return default
    try:
        value = float(raw)
    except ValueError:
        raise ConfigError(f"{PREFIX}{name}: {raw!r} is not a number.") from None
    if not 0 <= value < float("inf"):
        raise ConfigError(f"{PREFIX}{name}: must be zero or more.")
    return value


def _switch(environ: Mapping[str, str], name: str) -> bool:
    raw = environ.get(PREFIX + name, "off").strip().lower()
    if raw not in {"on", "off"}:
        raise ConfigError(f"{PREFIX}{name}: must be on or off.")
    return raw == "on"


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    raw = environ.get(PREFIX + name)
    return Path(raw) if raw else None


def _text(environ: Mapping[str, str], name: str) -> str | None:
    path = _path(environ, name)
    return path.read_text(encoding="utf-8") if path is not None and path.exists() else None


def _words(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(environ.get(PREFIX + name, "").split())
