"""What docker-compose.yml and the Dockerfile describe fits the settings and is safe by default."""

import re
from pathlib import Path

import pytest
import yaml

from crm.core.settings import PREFIX, CarrierKind, Settings, load_settings
from web.run import compose_secrets, prepare

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    assert compose_secrets.main(folder) == 0
    return folder


def environment(service, secrets):
    """What the process sees, with the mounted secrets found in our folder."""
    given = {"FILODIRETTO_PUBLIC_URL": "https://cc.example.it"}
    environ = {}
    for name, written in service["environment"].items():
        value = written
        if value is None or str(value).startswith("${"):
            default = re.search(r":-(.*)}", value or "")
            value = given.get(name, default and default[1])
        if value is not None:
            environ[name] = str(value).replace("/run/secrets", str(secrets))
    return environ


@pytest.mark.parametrize("name", OURS)
def test_a_process_starts_with_its_settings_and_its_secrets(name, secrets):
    environ = environment(OURS[name], secrets)
    settings = load_settings(environ)
    assert settings.carrier is CarrierKind.TWILIO
    assert settings.redis_url == (secrets / "redis_url").read_text().strip()
    mounted = {Path(value).name for key, value in environ.items() if key.endswith("_FILE")}
    assert mounted == set(OURS[name]["secrets"])
    known = {PREFIX + field.upper() for field in Settings.model_fields} | {"FILODIRETTO_DATABASE_SUPERUSER_URL"}
    if name == "simulator":
        known |= {f"{PREFIX}SIMULATOR_{option}" for option in ("NUMBERS", "CALLERS", "COLLEAGUES", "TRAFFIC")}
    assert {key.removesuffix("_FILE") for key in OURS[name]["environment"]} <= known


def test_only_the_migration_sees_the_owner_and_the_superuser():
    privileged = {"database_owner_url", "database_superuser_url", "postgres_password"}
    holders = {name for name, service in SERVICES.items() if privileged & set(service["secrets"])}
    assert holders == {"postgres", "migrate"}
    reading_all = {name for name, service in SERVICES.items() if "database_backup_url" in service.get("secrets", ())}
    assert reading_all == {"migrate", "engine"}


def test_every_process_is_there_watched_and_without_rights():
    assert set(OURS) == {"migrate", "web", "engine", "worker", "beat", "seed", "simulator"}
    assert SERVICES["web"]["deploy"]["replicas"] == 2
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["seed", "simulator"]
    for name, service in SERVICES.items():
        assert "test" in service["healthcheck"] or name in {"migrate", "seed"}
        if name in {"engine", "worker", "beat"}:
            assert service["healthcheck"]["test"][-2:] == ["alive", name]
        assert not service.get("privileged")
        assert name in OURS or service["user"] not in {"root", "0"}
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", ()))
    users = re.findall(r"^USER (.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["filodiretto"]


def test_every_secret_has_its_file(secrets):
    assert {entry["file"] for entry in COMPOSE["secrets"].values()} == {
        f"./secrets/{path.name}" for path in secrets.iterdir() if not path.name.startswith(".")
    }
    assert {name for service in SERVICES.values() for name in service["secrets"]} == set(COMPOSE["secrets"])


def test_secrets_are_written_once(tmp_path, capsys):
    folder = tmp_path / "secrets"
    assert compose_secrets.main(folder) == 0
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert compose_secrets.main(folder) == 0
    assert {path.name: path.read_text() for path in folder.iterdir()} == before

    (folder / "redis_url").unlink()
    assert compose_secrets.main(folder) == 1
    assert "is incomplete: missing redis_url" in capsys.readouterr().out


def test_the_secrets_name_the_roles(secrets):
    urls = [(secrets / f"database_{name}url").read_text() for name in ("owner_", "", "routing_", "backup_")]
    roles = [prepare.OWNER, prepare.APP, prepare.ROUTING, prepare.BACKUP]
    assert [re.search(r"//(\w+):", url)[1] for url in urls] == roles
