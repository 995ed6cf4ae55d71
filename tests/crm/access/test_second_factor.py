"""The second factor: codes that count once, recovery codes, who cannot do without, and the steps of signing in."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access import devices, second_factor, service, totp, users
from crm.access.attempts import FREE_BY_NAME, FREE_BY_PLACE
from crm.access.browsers import described
from crm.access.errors import SignInError
from crm.access.models import Method, RecoveryCode, Role, SecondFactor, Step, User, UserSession
from crm.access.passwords import check_new, hash_password
from crm.access.second_factor import Policy
from crm.access.service import Browser, Underway
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, InvalidError
from crm.core.secrecy import Secrecy
from tests.cast import Cast, principal_of

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # the key of RFC 6238's appendix B
OPTIONAL, REQUIRED = Policy.parse("optional"), Policy.parse("required")
SECRECY = Secrecy(bytes(range(32)))

# -- codes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.step_of(SECRET, code, at=at, after=0) == seconds // 30


@given(st.integers(10**9, 4 * 10**9), st.integers(-4, 4))
def test_a_code_is_good_one_step_before_and_after_and_once(seconds: int, drift: int) -> None:
    at, step = datetime.fromtimestamp(seconds, UTC), seconds // 30 + drift
    code = pyotp.TOTP(SECRET).at(step * 30)
    found = totp.step_of(SECRET, code, at=at, after=0)
    if abs(drift) <= 1:
        assert found is not None
        assert totp.step_of(SECRET, code, at=at, after=step) is None or found != step  # equal codes of two steps
    else:
        assert found is None or pyotp.TOTP(SECRET).at(found * 30) == code


@pytest.mark.parametrize("text", ["", "12345", "1234567", "abcdef", "１２３４５６", "٠٠٥٩٢٤", "-05924", "0" * 5000])
def test_what_is_no_code_is_wrong(text: str) -> None:
    assert totp.step_of(SECRET, text, at=datetime.fromtimestamp(1234567890, UTC), after=0) is None


def test_recovery_codes_are_told_however_they_are_typed() -> None:
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == 10
    assert totp.recovery_code(f" {codes[0].upper()} ") == codes[0].replace("-", "")
    assert totp.recovery_code("0" * 10) is None
    assert totp.recovery_code("") is None


def test_the_policy_names_everybody_nobody_or_roles() -> None:
    assert REQUIRED.asks([Role.AGENT])
    assert REQUIRED.asks([])
    assert not OPTIONAL.asks([Role.ADMINISTRATOR])
    some = Policy.parse("administrator, ente_approver")
    assert some.asks([Role.AGENT, Role.ENTE_APPROVER])
    assert not some.asks([Role.AGENT])
    with pytest.raises(ValueError):
        Policy.parse("capo")


# -- devices, browsers, passwords -------------------------------------------------------------------------------------


def test_a_browser_is_known_by_the_names_that_signed_in_with_it() -> None:
    cookie = devices.with_name(SECRECY, devices.with_name(SECRECY, "", "anna"), "luca")
    assert devices.of(SECRECY, cookie, "anna") != devices.of(SECRECY, cookie, "luca")
    assert devices.of(SECRECY, cookie, "marta") is None
    assert devices.with_name(SECRECY, cookie, "anna").count("~") == 1
    forged = cookie.replace(cookie[:2], "zz", 1)
    assert devices.of(SECRECY, forged, "luca") is None
    assert devices.of(Secrecy(bytes(32)), cookie, "anna") is None
    for n in range(20):
        cookie = devices.with_name(SECRECY, cookie, f"nome{n}")
    assert len(cookie) < 1000


@given(st.text(max_size=400))
def test_no_cookie_and_no_browser_breaks_anything(text: str) -> None:
    assert devices.of(SECRECY, text, "anna") is None
    assert len(described(text)) <= 60


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
         "Chrome su Windows"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36 Edg/142.0",
         "Edge su Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox su Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Safari/604.1",
         "Safari su iPhone"),
        ("curl/8.0 <b>", "curl/8.0 b"),
        ("Mozilla/5.0 Filodiretto simulated colleague", "Mozilla/5.0 Filodiretto simulated colleague"),
        ("x" * 61, "x" * 59 + "…"),
        ("", ""),
    ],
)  # fmt: skip
def test_browsers_are_named(agent: str, said: str) -> None:
    assert described(agent) == said


@pytest.mark.parametrize(
    "password",
    ["corta", "passwordpassword", "qwertyuiop123", "123456789012", "filodiretto1", "annaverdi1234", "x" * 129],
)
def test_common_passwords_and_one_s_own_name_are_refused(password: str) -> None:
    with pytest.raises(InvalidError):
        check_new(password, about=("anna.verdi", "Anna Verdi"))


@pytest.mark.parametrize("password", ["mare di carta nel vento", "Òttobre-rosso à l'alba", "x7$kqP!mz2Lw"])
def test_long_and_uncommon_ones_are_taken(password: str) -> None:
    check_new(password, about=("anna.verdi", "Anna Verdi"))


# -- signing in with it -----------------------------------------------------------------------------------------------


@pytest.fixture
def session(database: Database, cast: Cast) -> Iterator[Session]:
    """Nobody has a scope yet."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).values(password_hash=hash_password("la mia parola segreta")))
        yield session


def enrolled(session: Session, user_id: int) -> tuple[pyotp.TOTP, list[str]]:
    """Set up a second factor; its first code is used up, as of a minute ago."""
    at = at_step(session, begun(session, user_id, REQUIRED)).id
    told = second_factor.enrol(session, user_id=user_id, session_id=at)
    authenticator = pyotp.TOTP(told.secret)
    code = authenticator.at(clock.now(session))
    codes = second_factor.confirm(session, user_id=user_id, session_id=at, code=code)
    session.execute(update(SecondFactor).values(last_step=SecondFactor.last_step - 2))
    return authenticator, codes


def begun(session: Session, user_id: int, policy: Policy) -> str:
    awaits = second_factor.step_after_password(session, user_id, policy)
    return service.open_session(session, user_id, browser=Browser("203.0.113.7", "Chrome su Windows"), awaits=awaits)


def at_step(session: Session, token: str) -> Underway:
    now = service.underway(session, token)
    assert now is not None
    return now


@pytest.mark.integration
def test_the_secret_is_not_in_the_database_in_clear(session: Session, cast: Cast) -> None:
    at = at_step(session, begun(session, cast.anna, REQUIRED)).id
    told = second_factor.enrol(session, user_id=cast.anna, session_id=at)
    again = second_factor.enrol(session, user_id=cast.anna, session_id=at)
    assert again.secret == told.secret  # the page may be loaded again
    assert told.secret.encode() not in session.execute(select(UserSession.secret)).scalars().one()
    code = pyotp.TOTP(told.secret).at(clock.now(session))
    codes = second_factor.confirm(session, user_id=cast.anna, session_id=at, code=code)
    assert told.secret.encode() not in session.execute(select(SecondFactor.secret)).scalar_one()
    kept = session.execute(select(RecoveryCode.code_hash)).scalars().all()
    assert not {code.replace("-", "").encode() for code in codes} & set(kept)
    with pytest.raises(ConflictError):
        second_factor.enrol(session, user_id=cast.anna, session_id=at)


@pytest.mark.integration
def test_a_secret_shown_to_whoever_stole_the_password_is_not_the_one_that_anna_confirms(
    session: Session, cast: Cast
) -> None:
    thief, anna = (at_step(session, begun(session, cast.anna, REQUIRED)).id for _ in range(2))
    stolen = second_factor.enrol(session, user_id=cast.anna, session_id=thief).secret
    own = second_factor.enrol(session, user_id=cast.anna, session_id=anna).secret
    assert own != stolen
    known = pyotp.TOTP(stolen).at(clock.now(session))
    with pytest.raises(InvalidError):
        second_factor.confirm(session, user_id=cast.anna, session_id=anna, code=known)
    users.set_password(session, user_id=cast.anna, password_hash="x", keep_session=anna)
    with pytest.raises(SignInError):  # his session ended, and the secret with it
        second_factor.confirm(session, user_id=cast.anna, session_id=thief, code=known)
    with pytest.raises(SignInError):
        users.set_password(session, user_id=cast.anna, password_hash="his", keep_session=thief)
    with pytest.raises(SignInError):  # nor does another's session do
        second_factor.enrol(session, user_id=cast.luca, session_id=anna)


@pytest.mark.integration
def test_anna_is_asked_for_a_code_and_it_counts_once(session: Session, cast: Cast) -> None:
    authenticator, _ = enrolled(session, cast.anna)
    token = begun(session, cast.anna, OPTIONAL)
    assert service.resume(session, token) is None
    now = at_step(session, token)
    assert now.awaits is Step.CODE
    code = authenticator.at(clock.now(session))
    assert second_factor.passes(session, user_id=cast.anna, code="000000") is None
    assert second_factor.passes(session, user_id=cast.anna, code=code) is Method.CODE
    assert second_factor.passes(session, user_id=cast.anna, code=code) is None
    opened = service.advance(session, now, method=Method.CODE)
    assert opened.token != token
    assert service.underway(session, token) is None
    signed_in = service.resume(session, opened.token)
    assert signed_in is not None
    assert signed_in.principal.place == "203.0.113.7 · Chrome su Windows"
    with pytest.raises(service.SignInError):
        service.advance(session, now)  # somebody else's request, by the same step


@pytest.mark.integration
def test_a_recovery_code_lets_in_once(session: Session, cast: Cast) -> None:
    _, codes = enrolled(session, cast.anna)
    assert second_factor.passes(session, user_id=cast.anna, code=codes[3].upper()) is Method.RECOVERY
    assert second_factor.passes(session, user_id=cast.anna, code=codes[3]) is None
    assert second_factor.state(session, cast.anna).codes_left == 9


@pytest.mark.integration
def test_whoever_must_and_has_none_sets_it_up_before_anything_else(session: Session, cast: Cast) -> None:
    session.execute(update(User).where(User.id == cast.anna).values(password_expired=True))
    token = begun(session, cast.anna, REQUIRED)
    now = at_step(session, token)
    assert now.awaits is Step.ENROLMENT
    secret = second_factor.enrol(session, user_id=cast.anna, session_id=now.id).secret
    with pytest.raises(InvalidError):
        second_factor.confirm(session, user_id=cast.anna, session_id=now.id, code="000000")
    code = pyotp.TOTP(secret).at(clock.now(session))
    second_factor.confirm(session, user_id=cast.anna, session_id=now.id, code=code)
    opened = service.advance(session, now, method=Method.CODE)
    assert opened.awaits is Step.PASSWORD
    now = at_step(session, opened.token)
    users.set_password(session, user_id=cast.anna, password_hash="x", keep_session=now.id)
    opened = service.advance(session, now)
    assert opened.awaits is None
    assert service.resume(session, opened.token) is not None


@pytest.mark.integration
def test_whoever_comes_from_a_provider_is_asked_for_no_password_of_ours(session: Session, cast: Cast) -> None:
    session.execute(update(User).where(User.id == cast.anna).values(password_expired=True))
    browser = Browser("203.0.113.7", "Chrome su Windows")
    token = service.open_session(
        session, cast.anna, browser=browser, method=Method.PROVIDER, provider="ente", awaits=Step.CODE
    )
    assert service.advance(session, at_step(session, token), method=Method.CODE).awaits is None


@pytest.mark.integration
def test_a_step_not_done_in_a_quarter_of_an_hour_is_over(session: Session, cast: Cast) -> None:
    token = begun(session, cast.anna, REQUIRED)
    session.info["now"] += timedelta(minutes=15)
    assert service.underway(session, token) is None


@pytest.mark.integration
def test_it_is_taken_off_with_a_code_and_only_where_that_is_allowed(session: Session, cast: Cast) -> None:
    authenticator, codes = enrolled(session, cast.anna)
    anna = principal_of(session, cast.anna)
    with pytest.raises(ConflictError):
        second_factor.take_off(session, anna, code=codes[0], policy=REQUIRED)
    with pytest.raises(InvalidError):
        second_factor.take_off(session, anna, code="000000", policy=OPTIONAL)
    fresh = second_factor.renew_codes(session, anna, code=authenticator.at(clock.now(session)))
    assert not set(fresh) & set(codes)
    second_factor.take_off(session, anna, code=fresh[0], policy=OPTIONAL)
    assert second_factor.step_after_password(session, cast.anna, OPTIONAL) is None


# -- attempts ---------------------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_codes_are_counted_and_a_right_password_does_not_wipe_that_slate(session: Session, cast: Cast) -> None:
    for _ in range(FREE_BY_NAME):
        service.attempt_code(session, user_id=cast.anna, address="203.0.113.7")
        service.forgive(session, username="anna")
    with pytest.raises(service.TooManyAttemptsError):
        service.attempt_code(session, user_id=cast.anna, address="203.0.113.7")
    service.attempt_code(session, user_id=cast.luca, address="203.0.113.7")


@pytest.mark.integration
def test_nobody_keeps_a_colleague_waiting_at_the_browser_that_he_always_uses(session: Session, cast: Cast) -> None:
    known = devices.with_name(Secrecy(bytes(32)), "", "anna")
    for n in range(FREE_BY_PLACE):
        service.attempt(session, username="anna" if n < FREE_BY_NAME else f"n{n}", address="203.0.113.7")
    with pytest.raises(service.TooManyAttemptsError):
        service.attempt(session, username="anna", address="198.51.100.1")
    for _ in range(FREE_BY_NAME):
        assert service.attempt(session, username="anna", address="203.0.113.7", device=known) is not None
    with pytest.raises(service.TooManyAttemptsError):  # it is no way to try for ever
        service.attempt(session, username="anna", address="203.0.113.7", device=known)
    with pytest.raises(service.TooManyAttemptsError):  # nor for another's name
        service.attempt(session, username="luca", address="203.0.113.7", device=known)
    service.forgive(session, username="anna", device=known)
    assert service.attempt(session, username="anna", address="203.0.113.7", device=known) is not None
    with pytest.raises(service.TooManyAttemptsError):  # whoever tried elsewhere still waits
        service.attempt(session, username="anna", address="198.51.100.1")
