"""Settings say by name what is missing or wrong."""

import pytest

from crm.core.settings import CarrierKind, SettingsError, load_settings

GOOD = {
    "FILODIRETTO_DATABASE_URL": "postgresql+psycopg://app:secret@db/filodiretto",
    "FILODIRETTO_DATABASE_ROUTING_URL": "postgresql+psycopg://routing:secret@db/filodiretto",
    "FILODIRETTO_REDIS_URL": "redis://:secret@redis/0",
    "FILODIRETTO_PUBLIC_URL": "https://cc.example.it/",
    "FILODIRETTO_CARRIER": "twilio",
    "FILODIRETTO_TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "FILODIRETTO_TWILIO_AUTH_TOKEN": "token-of-the-account",
    "FILODIRETTO_TWILIO_API_KEY": "SK" + "0" * 32,
    "FILODIRETTO_TWILIO_API_SECRET": "secret-of-the-key",
}


def complaint(environ):
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return str(caught.value)


def test_good_settings_are_read():
    settings = load_settings(GOOD)
    assert settings.carrier is CarrierKind.TWILIO
    assert settings.public_url == "https://cc.example.it"
    assert settings.secure_cookies
    assert settings.port == 8000


@pytest.mark.parametrize("name", [name for name in GOOD if name != "FILODIRETTO_CARRIER"])
def test_a_missing_setting_is_named(name):
    environ = {key: value for key, value in GOOD.items() if key != name}
    assert complaint(environ).startswith(f"{name}: ")


def test_all_that_is_missing_is_named_at_once():
    assert len(complaint({}).splitlines()) == len(GOOD) - 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FILODIRETTO_PORT", "eighty", "FILODIRETTO_PORT: Input should be a valid integer"),
        ("FILODIRETTO_PORT", "70000", "FILODIRETTO_PORT: Input should be less than or equal to 65535"),
        (
            "FILODIRETTO_DATABASE_URL",
            "mysql://db",
            "FILODIRETTO_DATABASE_URL: must start with postgresql+psycopg://",
        ),
        (
            "FILODIRETTO_PUBLIC_URL",
            "cc.example.it",
            "FILODIRETTO_PUBLIC_URL: must be an absolute http(s) address",
        ),
        ("FILODIRETTO_TWILIO_ACCOUNT_SID", "AC12", "FILODIRETTO_TWILIO_ACCOUNT_SID: "),
        ("FILODIRETTO_CARRIER", "pigeon", "FILODIRETTO_CARRIER: Input should be 'twilio' or 'simulator'"),
        ("FILODIRETTO_CARRIER", "simulator", "carrier=simulator needs FILODIRETTO_TWILIO_API_URL"),
    ],
)
def test_a_wrong_setting_is_named(name, value, message):
    assert complaint({**GOOD, name: value}).startswith(message)


def test_a_secret_may_come_from_a_file(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("from-a-file\n")
    environ = {**GOOD, "FILODIRETTO_TWILIO_AUTH_TOKEN_FILE": str(secret)}
    del environ["FILODIRETTO_TWILIO_AUTH_TOKEN"]
    assert load_settings(environ).twilio_auth_token.get_secret_value() == "from-a-file"


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path):
    environ = {**GOOD, "FILODIRETTO_TWILIO_AUTH_TOKEN_FILE": str(tmp_path / "absent")}
    del environ["FILODIRETTO_TWILIO_AUTH_TOKEN"]
    assert complaint(environ) == (
        f"FILODIRETTO_TWILIO_AUTH_TOKEN_FILE: cannot read {tmp_path / 'absent'}: No such file or directory."
    )


def test_a_setting_and_its_file_together_are_refused():
    environ = {**GOOD, "FILODIRETTO_REDIS_URL_FILE": "/run/secrets/redis"}
    assert complaint(environ) == "Set either FILODIRETTO_REDIS_URL or FILODIRETTO_REDIS_URL_FILE, not both."


def test_secrets_do_not_show():
    shown = repr(load_settings(GOOD))
    assert "token-of-the-account" not in shown
    assert "secret-of-the-key" not in shown
