"""Settings from the environment. Every name is `FILODIRETTO_<NAME>`; `FILODIRETTO_<NAME>_FILE` names a file
that holds the value instead (a mounted secret)."""

import json
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

PREFIX = "FILODIRETTO_"


class SettingsError(Exception):
    """The environment does not describe a runnable system; the message names each wrong setting."""


class CarrierKind(StrEnum):
    TWILIO = "twilio"
    SIMULATOR = "simulator"


class OidcProvider(BaseModel):
    """An organisation's identity provider, by OpenID Connect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="Stands in addresses; never changed")
    label: str = Field(min_length=1, max_length=60, description="As the button calls it")
    issuer: str = Field(pattern=r"^https?://[^\s?#]+$", description="Exactly as its discovery document says it")
    client_id: str = Field(min_length=1)
    client_secret_file: Path | None = Field(default=None, description="Without one this is a public client (PKCE)")
    scope: str = "openid email profile"
    trusts_second_factor: bool = Field(default=False, description="Whoever comes from there needs no code of ours")
    links_by_email: bool = Field(default=False, description="An address verified there finds the user who has it here")
    creates_users: bool = Field(default=False, description="Whoever is unknown becomes a user, without roles")
    timeout_s: Annotated[float, Field(gt=0, le=20)] = 5.0

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        host = urlsplit(self.issuer).hostname
        if not self.issuer.startswith("https://") and host not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError("an issuer must be reached by https")
        if self.client_secret_file is not None and not self.client_secret_file.is_file():
            raise ValueError(f"cannot read {self.client_secret_file}")
        if "openid" not in self.scope.split():
            raise ValueError("scope must hold openid")
        return self


class Settings(BaseModel):
    """Everything that differs between one installation and another."""

    model_config = ConfigDict(frozen=True)

    database_url: str = Field(description="PostgreSQL as the application role, which sees one scope of enti")
    database_routing_url: str = Field(description="PostgreSQL as the cross-ente role of routing and engine")
    database_owner_url: str | None = Field(default=None, description="PostgreSQL as the owner; migrations only")
    database_backup_url: str | None = Field(default=None, description="PostgreSQL as the role that reads; backups only")
    database_pool_size: Annotated[int, Field(ge=2, le=200)] = 24
    redis_url: str = Field(description="Redis: redis://host:port/0, or unix:///path/to/socket")

    public_url: str = Field(description="The address under which the carrier and browsers reach `web`")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    trusted_proxies: str = Field(
        default="127.0.0.1", description="Addresses and networks whose word on a client's address is taken"
    )
    master_key: SecretStr | None = Field(
        default=None, description="64 hexadecimal digits: encrypts secrets and personal values in the audit"
    )
    audit_months: Annotated[int, Field(ge=24, le=240)] = Field(default=24, description="For how long entries are kept")
    field_offline: bool = Field(
        default=True,
        description="Agents' telephones keep the pages of visits; off, they drop them at their next contact",
    )
    second_factor: str = Field(
        default="required", pattern=r"^(required|optional|[a-z_]+( *, *[a-z_]+)*)$",
        description="required, optional, or the roles that cannot do without it",
    )  # fmt: skip
    oidc_providers: tuple[OidcProvider, ...] = Field(default=(), description="Identity providers, a list in JSON")
    metrics_token: SecretStr | None = None
    metrics_port: Annotated[int, Field(ge=1, le=65535)] | None = Field(
        default=None, description="Where engine and worker serve their metrics; without one they do not"
    )

    carrier: CarrierKind = CarrierKind.SIMULATOR
    twilio_account_sid: str = Field(pattern=r"^AC[0-9a-f]{32}$")
    twilio_auth_token: SecretStr
    twilio_api_key: str = Field(pattern=r"^SK[0-9a-f]{32}$")
    twilio_api_secret: SecretStr
    twilio_api_url: str | None = Field(default=None, description="Another server speaking Twilio's REST API")
    carrier_timeout_s: Annotated[float, Field(gt=0, le=6)] = 5.0
    fallback_url: str | None = Field(
        default=None, description="Where the carrier finds the spoken apology while this installation does not answer"
    )
    calls_per_second: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        default=None, description="How many calls the account may place; one with Twilio, unless agreed otherwise"
    )
    texts_per_second: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        default=None, description="How many SMS of campaigns leave; ten with Twilio, unless agreed otherwise"
    )
    mails_per_second: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=20, description="How many e-mails of campaigns leave"
    )
    simulator_url: str | None = Field(default=None, description="Where browsers find the simulator")

    smtp_url: SecretStr | None = Field(
        default=None,
        description="Where e-mail leaves: smtps://user:password@host:465, or smtp:// with STARTTLS",
    )
    mail_from: str | None = Field(default=None, pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$", description="From which address")
    smtp_timeout_s: Annotated[float, Field(gt=0, le=8)] = 8.0

    clamd: str | None = Field(
        default=None, pattern=r"^(tcp://[^\s/]+:[0-9]+|unix:///\S+)$",
        description="Where ClamAV looks through what is attached to mails: tcp://host:3310, or unix:///path",
    )  # fmt: skip
    pec_anchors: Path | None = Field(
        default=None, description="Certificates (PEM) that those of PEC providers lead to; without, nothing is proved"
    )

    push_services: str = Field(
        default="fcm.googleapis.com, updates.push.services.mozilla.com, *.notify.windows.com, web.push.apple.com",
        description="Which push services browsers may be told through; a stand-in with its scheme",
    )  # fmt: skip

    calendar_servers: str = Field(
        default="",
        description="Servers of calendars within the own network that offices may name, such as http://10.0.0.5:5232",
    )

    map_tiles: str | None = Field(
        default=None,
        description="Tiles of a map, such as https://tiles.example.it/{z}/{x}/{y}.png; browsers fetch them",
    )
    map_attribution: str = Field(
        default="", max_length=200, description="Whom the map is from, as its licence wants it"
    )

    demo: bool = False
    data: Path = Field(default=Path(".data"), description="Files that web and workers share: uploads")
    s3_url: str | None = Field(default=None, description="Keeps documents on a server that speaks S3, not in `data`")
    s3_bucket: str = "filodiretto"
    s3_region: str | None = None
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    backups: Path | None = Field(default=None, description="Where backups are kept, instead of a folder in `data`")
    backup_key: SecretStr | None = Field(
        default=None, description="An age key, which opens backups; else a file in `data`, made at the first need"
    )
    backup_recipient: str | None = Field(
        default=None, pattern=r"^age1[a-z0-9]+$", description="The key's public half, where the key is elsewhere"
    )
    backup_hook: Path | None = Field(default=None, description="A program that takes a new backup elsewhere")
    postgres_programs: Path | None = Field(default=None, description="The folder of pg_dump and pg_restore")
    log_json: bool = True

    @field_validator("public_url", "twilio_api_url", "simulator_url", "s3_url", "fallback_url")
    @classmethod
    def _absolute(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
            raise ValueError("must be an absolute http(s) address without query, such as https://cc.example.it")
        return value.rstrip("/")

    @field_validator("map_tiles")
    @classmethod
    def _has_places(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.netloc
            or not all(p in value for p in ("{z}", "{x}", "{y}"))
        ):
            raise ValueError("must be an absolute http(s) address with {z}, {x} and {y} in it")
        if re.search(r"[\s;,'\"{]", parts.netloc):
            raise ValueError("must name one server")
        return value

    @property
    def map_host(self) -> str:
        """Where the tiles come from, as a policy of contents names it; nothing without a map."""
        parts = urlsplit(self.map_tiles or "")
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""

    @field_validator("database_url", "database_routing_url", "database_owner_url", "database_backup_url")
    @classmethod
    def _postgres(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith("postgresql+psycopg://"):
            raise ValueError("must start with postgresql+psycopg://")
        return value

    @field_validator("oidc_providers", mode="before")
    @classmethod
    def _a_list(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError as error:
            raise ValueError(f"must be a list in JSON: {error}") from None

    @field_validator("oidc_providers")
    @classmethod
    def _each_once(cls, value: tuple[OidcProvider, ...]) -> tuple[OidcProvider, ...]:
        for named in ([one.key for one in value], [one.issuer for one in value]):
            if len(set(named)) < len(named):
                raise ValueError("each provider needs a key and an issuer of its own")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/") or parts.query:
                raise ValueError(
                    "must be smtp://host:587 or smtps://host:465, with user:password@ where it asks for one"
                )
        return value

    @field_validator("master_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", value.get_secret_value()):
            raise ValueError("must be 64 hexadecimal digits, such as `openssl rand -hex 32` prints")
        return value

    @model_validator(mode="after")
    def _simulator_is_reachable(self) -> Self:
        if self.carrier is CarrierKind.SIMULATOR and not (self.twilio_api_url and self.simulator_url):
            raise ValueError("carrier=simulator needs FILODIRETTO_TWILIO_API_URL and FILODIRETTO_SIMULATOR_URL")
        return self

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Self:
        if self.smtp_url is not None and self.mail_from is None:
            raise ValueError("FILODIRETTO_SMTP_URL needs FILODIRETTO_MAIL_FROM")
        return self

    @property
    def pace(self) -> float | None:
        """How many calls a second may be placed; as many as there are where nobody counts them."""
        return self.calls_per_second or (1.0 if self.carrier is CarrierKind.TWILIO else None)

    @property
    def text_pace(self) -> float | None:
        """How many SMS of campaigns leave a second; as many as there are where nobody counts them."""
        return self.texts_per_second or (10.0 if self.carrier is CarrierKind.TWILIO else None)

    @property
    def secure_cookies(self) -> bool:
        """Cookies are for HTTPS alone wherever the public address is HTTPS."""
        return self.public_url.startswith("https://")


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings, or raise `SettingsError` naming each variable that is missing or wrong."""
    environ = os.environ if environ is None else environ
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        if (path := environ.get(variable + "_FILE")) is not None:
            if variable in environ:
                raise SettingsError(f"Set either {variable} or {variable}_FILE, not both.")
            try:
                values[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(f"{variable}_FILE: cannot read {path}: {error.strerror}.") from error
        elif variable in environ:
            values[name] = environ[variable]
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        lines = [_explain(problem["loc"], problem["msg"]) for problem in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def _explain(loc: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    message = "it is not set" if message == "Field required" else message
    return f"{PREFIX}{str(loc[0]).upper()}: {message}." if loc else f"{message}."
