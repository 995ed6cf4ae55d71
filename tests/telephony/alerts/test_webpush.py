"""Encrypted for one browser, signed for one push service: by the RFC's own example, and back again."""

from datetime import UTC, datetime

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.alerts import webpush
from telephony.alerts.pushing import PushServices
from telephony.alerts.webpush import KeysError, decoded, encoded, encrypt
from tests.telephony.alerts.browser import Browser

# RFC 8291, appendix A.
MESSAGE = b"When I grow up, I want to be a watermelon"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
RECEIVER_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
RECEIVER = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
SENDER_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def of(private: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(decoded(private)), ec.SECP256R1())


def test_the_example_of_the_rfc_comes_out_to_the_byte() -> None:
    made = encrypt(MESSAGE, RECEIVER, AUTH, own=of(SENDER_PRIVATE), salt=decoded(SALT))
    assert encoded(made) == BODY
    assert Browser(of(RECEIVER_PRIVATE), decoded(AUTH)).reads(decoded(BODY)) == MESSAGE


@settings(max_examples=25)
@given(st.binary(max_size=webpush.LONGEST))
def test_the_browser_reads_what_was_written_and_no_other_does(message: bytes) -> None:
    mine, other = Browser(), Browser()
    made = encrypt(message, mine.p256dh, mine.auth_text)
    assert mine.reads(made) == message
    assert other.reads(made) is None
    assert made != encrypt(message, mine.p256dh, mine.auth_text)


def test_the_sender_is_known_by_a_key_that_follows_from_the_secret() -> None:
    key = webpush.private_key(b"\x01" * 32)
    assert webpush.public_text(key) == webpush.public_text(webpush.private_key(b"\x01" * 32))
    at = datetime(2026, 11, 21, tzinfo=UTC)
    told = webpush.authorization(key, "https://push.example.net:8443/x/1", contact="mailto:a@b.it", expires_at=at)
    token, _, shown = told.removeprefix("vapid t=").partition(", k=")
    assert shown == webpush.public_text(key)
    claims = jwt.decode(
        token, key.public_key(), algorithms=["ES256"], audience="https://push.example.net:8443",
        options={"verify_exp": False},
    )  # fmt: skip
    assert (claims["sub"], claims["exp"]) == ("mailto:a@b.it", int(at.timestamp()))


@pytest.mark.parametrize(
    ("p256dh", "auth"), [("", AUTH), (RECEIVER, ""), ("A" * 87, AUTH), ("é", AUTH), (RECEIVER, "AA")]
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(KeysError):
        webpush.checked_keys(p256dh, auth)


def test_a_browser_s_address_leads_to_a_push_service_and_nowhere_else() -> None:
    services = PushServices("fcm.googleapis.com, *.notify.windows.com, http://127.0.0.1:9999")
    for good in ("https://fcm.googleapis.com/x", "https://wns2.notify.windows.com/w?t=1", "http://127.0.0.1:9999/a"):
        assert services.takes(good), good
    for bad in (
        "http://fcm.googleapis.com/x", "https://fcm.googleapis.com:8443/x", "https://fcm.googleapis.com.evil.it/x",
        "https://notify.windows.com/x", "https://evilnotify.windows.com/x", "https://a@fcm.googleapis.com/x",
        "http://127.0.0.1:9998/a", "https://169.254.169.254/", "file:///etc/passwd", "https://[::1]:x/", "",
    ):  # fmt: skip
        assert not services.takes(bad), bad
