"""Self-service in whole calls, and those who would like to hear of somebody else's debt."""

import re
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.contacts.models import Contact, ContactMerge, ContactReach, PersonKind, ReachKind, Verification
from crm.core.db import Database, Scope
from crm.core.errors import FieldError, ForbiddenError
from crm.levels.metering import FactKind
from crm.messages.models import Message
from crm.positions.models import Position, PositionState
from telephony.calls import reception
from telephony.calls.models import CallEvent, Outcome, Phase, ProposedBy
from telephony.calls.reception import Reply
from telephony.carriers.port import Enqueue, Gather, Say
from telephony.selfservice import administration, limits, prompts
from telephony.selfservice.models import CallerCode, CallerPin, FactorFailure
from telephony.selfservice.prompts import Line
from telephony.selfservice.queries import Setting
from tests.cast import AS_OF, EMPOLI_LINE, MARIO_MOBILE, NOTICE, REGIONAL_LINE, STRANGER, Cast
from tests.telephony.calls.test_levels_proved import proof
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration
PIN, GINAS_CF = "481632", "NREGNI50A41M059X"
MOBILE = "+393480000077"
SERVE = "2"  # the key of the self-service in the usual flow


def administrator(cast: Cast) -> Principal:
    return Principal(cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, cast.contract)}))


@pytest.fixture
def serving(stage: Stage) -> Stage:
    """Empoli and Vinci offer self-service; Gina of Vinci has a PIN and a verified mobile number."""
    by, cast = administrator(stage.cast), stage.cast

    def work(session: Any) -> None:
        for ente_id in (cast.empoli, cast.vinci):
            wanted = Setting(is_on=True, pins=True, codes=True)
            administration.save_setting(session, by, ente_id=ente_id, wanted=wanted)
        done = administration.set_pins(session, by, ente_id=cast.vinci, content=f"{GINAS_CF};{PIN}\n".encode())
        assert (done.taxpayers, done.refused) == (1, ())
        session.add(
            ContactReach(
                ente_id=cast.vinci, contact_id=cast.gina, kind=ReachKind.PHONE, value=MOBILE,
                verification=Verification.VERIFIED,
            )
        )  # fmt: skip

    stage.work(work)
    return stage


def heard(reply: Reply) -> str:
    """Everything that is spoken."""
    said = [one for each in reply for one in (each.prompts if isinstance(each, Gather) else [each])]
    return " ".join(one.text for one in said if isinstance(one, Say))


def calls(
    stage: Stage, *keys: str, caller: str | None = STRANGER, line: str = REGIONAL_LINE, sid: str = "CAself"
) -> tuple[UUID, str]:
    """A call in which all this is keyed: its id, and what is heard after the last key."""
    call = stage.arrives(caller, line, sid=sid)
    reply: Reply = ()
    for one in keys:
        reply = stage.presses(call, one)
    return call, heard(reply)


def texts(stage: Stage) -> list[Message]:
    return stage.work(lambda s: list(s.scalars(select(Message).order_by(Message.made_at, Message.id))))


def code_of(stage: Stage) -> str:
    """The code in the last SMS."""
    found = re.search(r"codice è (\d{6})", texts(stage)[-1].body)
    assert found is not None
    return found.group(1)


def failures(stage: Stage) -> int:
    return stage.work(lambda s: s.execute(select(func.count()).select_from(FactorFailure)).scalar_one())


def audited(stage: Stage, contact: int) -> list[str]:
    return stage.work(
        lambda s: list(
            s.scalars(
                select(AuditEntry.kind)
                .where(AuditEntry.contact_id == contact, AuditEntry.kind.startswith("self_service"))
                .order_by(AuditEntry.id)
            )
        )
    )


REFUSED = prompts.line(Line.REFUSED)


def test_by_pin_a_citizen_hears_what_is_due_and_the_call_counts_as_served(serving: Stage) -> None:
    cast = serving.cast
    call, said = calls(serving, SERVE, NOTICE, PIN, "1")
    assert "Da pagare: ottocentododici euro, scaduti dal tre novembre duemilaventiquattro." in said
    assert "venti novembre duemilaventisei" in said
    row = serving.call(call)
    assert (row.ente_id, row.contact_id, row.proposed_by) == (cast.vinci, cast.gina, ProposedBy.NOTICE_NUMBER)
    assert audited(serving, cast.gina) == ["self_service.told", "self_service.told"]  # the PIN, and the sum
    serving.caller_leaves(call)
    row = serving.call(call)
    assert (row.phase, row.outcome) == (Phase.ENDED, Outcome.SELF_SERVED)
    assert FactKind.SELF_SERVED in [kind for kind, _ in serving.facts(call)]
    (entry,) = serving.timeline(cast.gina)
    assert (entry.status, entry.detail["self_service"]) == ("self_served", ["due"])
    assert not entry.detail["identified"]


def test_the_figures_are_proved_from_the_facts(serving: Stage) -> None:
    call, _ = calls(serving, SERVE, NOTICE, PIN, "1", "2")
    serving.caller_leaves(call)
    assert [kind for kind, _ in serving.facts(call)].count(FactKind.SELF_SERVED) == 1
    assert proof(serving).differences == ()
    (counts,) = serving.counts().values()
    assert (counts.received, counts.entered, counts.lost) == (1, 0, 0)


def test_whoever_asks_for_an_operator_after_all_waits_for_one(serving: Stage) -> None:
    call, _ = calls(serving, SERVE, NOTICE, PIN, "1")
    reply = serving.presses(call, "0")
    assert isinstance(reply[-1], Enqueue)
    assert serving.call(call).phase is Phase.WAITING
    serving.caller_leaves(call)
    assert serving.call(call).outcome is Outcome.ABANDONED


def test_by_a_code_on_a_verified_number_that_is_good_once_and_in_its_call(serving: Stage) -> None:
    call, said = calls(serving, SERVE, NOTICE, "*")
    assert said.startswith(prompts.line(Line.CODE_SENT))
    (sms,) = texts(serving)
    assert (sms.address, sms.contact_id, sms.call_id) == (MOBILE, serving.cast.gina, call)
    assert not re.search("avviso|tassa|pagare|debito", sms.body)
    code = code_of(serving)
    serving.presses(call, "*")
    serving.presses(call, "*")
    assert len(texts(serving)) == 1  # asked for twice, sent once
    assert heard(serving.presses(call, code)).startswith("Grazie.")
    assert "ottocentododici" in heard(serving.presses(call, "1"))
    _, other = calls(serving, SERVE, NOTICE, "*", code, sid="CAreplayed")
    assert other.startswith(REFUSED)


def test_a_used_code_and_a_late_one_open_nothing(serving: Stage) -> None:
    call, _ = calls(serving, SERVE, NOTICE, "*")
    code = code_of(serving)
    serving.presses(call, code)
    serving.presses(call, "9")  # back to the menu
    for keys in (SERVE, NOTICE, "*"):
        serving.presses(call, keys)
    fresh = code_of(serving)
    assert heard(serving.presses(call, code)).startswith(REFUSED) or code == fresh
    serving.work(lambda s: s.execute(update(CallerCode).values(expires_at=CallerCode.sent_at)))
    assert heard(serving.presses(call, fresh)).startswith(REFUSED)


def test_without_a_verified_number_the_words_are_the_same_and_nothing_is_sent(serving: Stage) -> None:
    unverified = update(ContactReach).values(verification=Verification.UNVERIFIED)
    serving.work(lambda s: s.execute(unverified))
    _, said = calls(serving, SERVE, NOTICE, "*")
    assert said.startswith(prompts.line(Line.CODE_SENT))
    assert texts(serving) == []


def test_a_notice_of_nobodys_is_refused_as_a_wrong_pin_is(serving: Stage) -> None:
    nobodys = "301000000000099934"
    nobodys = nobodys[:16] + f"{int(nobodys[:16]) % 93:02d}"
    _, wrong_pin = calls(serving, SERVE, NOTICE, "111111", sid="CAone")
    _, no_notice = calls(serving, SERVE, nobodys, PIN, sid="CAtwo", caller="+393480000055")
    _, no_code = calls(serving, SERVE, nobodys, "*", "111111", sid="CAthree", caller="+393480000056")
    assert wrong_pin == no_notice
    assert no_code.startswith(REFUSED)
    _, sent = calls(serving, SERVE, nobodys, "*", sid="CAfour", caller="+393480000057")
    _, also = calls(serving, SERVE, NOTICE, "*", sid="CAfive", caller="+393480000058")
    assert sent == also


def test_another_entes_notice_is_not_there(serving: Stage) -> None:
    """Vinci's notice and the right PIN, on Empoli's line."""
    call, said = calls(serving, SERVE, NOTICE, PIN, line=EMPOLI_LINE)
    assert said.startswith(REFUSED)
    assert audited(serving, serving.cast.gina) == []
    assert serving.call(call).ente_id == serving.cast.empoli


def test_on_a_line_of_many_enti_the_call_goes_where_the_notice_is(serving: Stage) -> None:
    """Mario's number says Empoli; he keys a notice of Vinci's, and knows the PIN."""
    cast = serving.cast
    call, said = calls(serving, SERVE, NOTICE, PIN, caller=MARIO_MOBILE)
    assert said.startswith("Grazie.")
    row = serving.call(call)
    assert (row.ente_id, row.contact_id, row.proposed_by) == (cast.vinci, cast.gina, ProposedBy.NOTICE_NUMBER)
    assert proof(serving).differences == ()


def test_what_is_wrong_says_nothing_of_whom_it_is_about(serving: Stage) -> None:
    call, _ = calls(serving, SERVE, NOTICE, "111111", "*")
    row = serving.call(call)
    assert (row.ente_id, row.contact_id, row.proposed_by, row.self_served_at) == (None, None, None, None)
    serving.caller_leaves(call)
    assert serving.call(call).outcome is Outcome.LEFT_IVR
    assert audited(serving, serving.cast.gina) == ["self_service.refused"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "To pay: eight hundred and twelve euros, overdue since the third"),
        ("de", "Zu zahlen: achthundertzwölf Euro, überfällig seit dem dritten"),
    ],
)
def test_in_the_callers_language(serving: Stage, language: str, said: str) -> None:
    call, _ = calls(serving, SERVE)
    speaks = text("UPDATE call SET ivr = jsonb_set(ivr, '{language}', to_jsonb(CAST(:code AS text)))")
    serving.work(lambda s: s.execute(speaks, {"code": language}))
    for keys in (NOTICE, PIN):
        serving.presses(call, keys)
    assert said in heard(serving.presses(call, "1"))


def test_the_pin_of_another_taxpayer_opens_nothing(serving: Stage) -> None:
    cast, by = serving.cast, administrator(serving.cast)
    content = b"BNCMRA62A01D403X;907351"
    serving.work(lambda s: administration.set_pins(s, by, ente_id=cast.empoli, content=content))
    _, said = calls(serving, SERVE, NOTICE, "907351")
    assert said.startswith(REFUSED)


def test_where_an_ente_does_not_offer_it_there_is_no_key_and_its_notices_are_silent(serving: Stage) -> None:
    by = administrator(serving.cast)
    serving.work(
        lambda s: administration.save_setting(s, by, ente_id=serving.cast.vinci, wanted=Setting())
    )  # fmt: skip
    menu = heard(serving.announced(STRANGER, REGIONAL_LINE, sid="CAregional"))
    assert "sapere subito" not in menu
    assert "sapere subito" in heard(serving.announced(STRANGER, EMPOLI_LINE, sid="CAempoli"))


# -- brute force -------------------------------------------------------------------------------------------------


def test_after_five_failures_from_a_number_the_right_pin_is_refused_as_well(serving: Stage) -> None:
    for n in range(2):
        calls(serving, SERVE, NOTICE, "111111", "222222", "333333", sid=f"CA{n}")
    assert failures(serving) == limits.CALLER[0].most
    _, said = calls(serving, SERVE, NOTICE, PIN, sid="CAlast")
    assert said.startswith(REFUSED)
    assert failures(serving) == limits.CALLER[0].most  # what is not looked at does not prolong it


def test_a_notice_is_tried_from_many_numbers_five_times_and_no_more(serving: Stage) -> None:
    for n in range(6):
        calls(serving, SERVE, NOTICE, f"11111{n}", sid=f"CA{n}", caller=f"+3934800001{n:02d}")
    assert failures(serving) == limits.NOTICE[0].most
    _, said = calls(serving, SERVE, NOTICE, PIN, sid="CAhers", caller=MOBILE)
    assert said.startswith(REFUSED)
    past = text("UPDATE factor_failure SET failed_at = failed_at - interval '61 minutes'")
    serving.work(lambda s: s.execute(past))
    _, said = calls(serving, SERVE, NOTICE, PIN, sid="CAlater", caller=MOBILE)
    assert said.startswith("Grazie.")


def test_a_number_that_tries_one_pin_on_many_notices_is_stopped(serving: Stage) -> None:
    for n in range(6):
        first = f"30100000000{n:05d}"
        calls(serving, SERVE, f"{first}{int(first) % 93:02d}", "123455", sid=f"CA{n}")
    assert failures(serving) == limits.CALLER[0].most
    _, said = calls(serving, SERVE, NOTICE, PIN, sid="CAlast")
    assert said.startswith(REFUSED)


def test_whoever_withholds_his_number_shares_one_measure_and_may_still_be_served(serving: Stage) -> None:
    _, said = calls(serving, SERVE, NOTICE, PIN, sid="CAright", caller=None)
    assert said.startswith("Grazie.")
    for n in range(limits.WITHHELD[0].most):
        first = f"30100000000{n:05d}"
        calls(serving, SERVE, f"{first}{int(first) % 93:02d}", "123455", sid=f"CA{n}", caller=None)
    _, said = calls(serving, SERVE, NOTICE, PIN, sid="CAlast", caller=None)
    assert said.startswith(REFUSED)
    _, said = calls(serving, SERVE, NOTICE, PIN, sid="CAknown")
    assert said.startswith("Grazie.")


def test_what_is_printed_is_said_without_a_factor_and_guessing_notices_is_limited_as_well(serving: Stage) -> None:
    _, said = calls(serving, SERVE, NOTICE, "9", sid="CApaper")
    assert "Chiede ottocentododici euro" in said
    assert "scadut" not in said
    for n in range(6):
        first = f"30100000000{n:05d}"
        calls(serving, SERVE, f"{first}{int(first) % 93:02d}", "9", sid=f"CA{n}")
    _, said = calls(serving, SERVE, NOTICE, "9", sid="CAlast")
    assert said.startswith(REFUSED)


def test_of_a_notice_paid_in_part_the_paper_is_heard_without_a_pin_and_today_with_it(serving: Stage) -> None:
    """Issue: without a second factor the IVR repeats only what the paper says."""
    since = {
        "paid_cents": 50_000, "interest_cents": 800, "residual_cents": 32_000, "state": PositionState.PARTLY_PAID,
        "payments": [{"paid_on": "2026-11-10", "cents": 50_000, "channel": "pagoPA"}], "due_on": date(2026, 12, 31),
    }  # fmt: skip
    serving.work(lambda s: s.execute(update(Position).where(Position.notice_number == NOTICE).values(**since)))
    _, paper = calls(serving, SERVE, NOTICE, "9", sid="CApaper")
    assert "Chiede ottocentododici euro, entro il tre novembre duemilaventiquattro." in paper
    assert "trecentoventi" not in paper
    _, today = calls(serving, SERVE, NOTICE, PIN, "1", sid="CApin")
    assert "Da pagare: trecentoventi euro" in today
    serving.work(lambda s: s.execute(update(Position).where(Position.notice_number == NOTICE).values(printed=None)))
    _, unknown = calls(serving, SERVE, NOTICE, "9", sid="CAunknown")
    assert "Non sappiamo quali importo e scadenza sono stampati" in unknown
    assert "euro" not in unknown
    assert unknown.endswith("Per parlare con un operatore, prema zero.")


def test_codes_are_sent_three_times_a_day_about_a_notice(serving: Stage) -> None:
    for n in range(5):
        calls(serving, SERVE, NOTICE, "*", sid=f"CA{n}", caller=f"+3934800001{n:02d}")
    assert len(texts(serving)) == limits.CODES[0].most


def test_two_lines_at_once_have_no_more_tries_than_one(serving: Stage, database: Database) -> None:
    """The second waits for the first: PostgreSQL says so by its time-out."""
    held, waiting = (serving.arrives(f"+39348000010{n}", REGIONAL_LINE, sid=f"CA{n}") for n in range(2))
    for call in (held, waiting):
        for keys in (SERVE, NOTICE):
            serving.presses(call, keys)
    contract = Scope.of_contract(serving.cast.contract)
    with database.begin(contract) as first:
        reception.keys(first, held, step=2, pressed="111111", to=TO)
        with database.begin(contract) as second:
            second.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(DBAPIError, match="lock timeout"):
                reception.keys(second, waiting, step=2, pressed="222222", to=TO)
            second.rollback()


def test_a_webhook_that_comes_twice_counts_once(serving: Stage) -> None:
    call, _ = calls(serving, SERVE, NOTICE)
    serving.presses(call, "111111", step=2)
    serving.presses(call, "111111", step=2)
    assert failures(serving) == 1


def test_old_failures_go_by_themselves(serving: Stage) -> None:
    calls(serving, SERVE, NOTICE, "111111", sid="CAone")
    serving.work(lambda s: s.execute(text("UPDATE factor_failure SET failed_at = failed_at - interval '25 hours'")))
    calls(serving, SERVE, NOTICE, "111111", sid="CAtwo")
    assert failures(serving) == 1


# -- who is who ---------------------------------------------------------------------------------------------------


def merged(stage: Stage) -> int:
    """Gina is a second row as well, which somebody merged with the first; its id."""
    cast = stage.cast

    def work(session: Any) -> int:
        twin = Contact(
            ente_id=cast.vinci, codice_fiscale="NREGNI50A41M059Y", kind=PersonKind.NATURAL, surname="NERI",
            given_name="GINA", name_key="NERI GINA", given_key="GINA NERI", language="it", as_of=AS_OF, digest="x",
        )  # fmt: skip
        session.add(twin)
        session.flush()
        session.add(
            ContactMerge(
                ente_id=cast.vinci, kept_id=twin.id, merged_id=cast.gina, merged_at=AS_OF, merged_by=cast.sara,
                reason="x",
            )
        )  # fmt: skip
        return twin.id

    return stage.work(work)


def test_the_pin_of_a_merged_contact_is_the_persons(serving: Stage) -> None:
    twin, by = merged(serving), administrator(serving.cast)
    _, said = calls(serving, SERVE, NOTICE, PIN, sid="CAold")
    assert said.startswith("Grazie.")
    new = b"NREGNI50A41M059Y,775533"
    serving.work(lambda s: administration.set_pins(s, by, ente_id=serving.cast.vinci, content=new))
    _, said = calls(serving, SERVE, NOTICE, "775533", sid="CAnew")
    assert said.startswith("Grazie.")
    serving.work(lambda s: s.execute(update(ContactMerge).values(undone_at=AS_OF, undone_by=serving.cast.sara)))
    _, said = calls(serving, SERVE, NOTICE, "775533", sid="CAundone")
    assert said.startswith(REFUSED)
    assert twin


def test_a_merged_contacts_verified_number_gets_the_code(serving: Stage) -> None:
    twin = merged(serving)
    serving.work(lambda s: s.execute(update(ContactReach).where(ContactReach.value == MOBILE).values(contact_id=twin)))
    call, _ = calls(serving, SERVE, NOTICE, "*")
    assert heard(serving.presses(call, code_of(serving))).startswith("Grazie.")


def test_the_link_comes_by_a_neutral_sms_once_a_call(serving: Stage) -> None:
    call, said = calls(serving, SERVE, NOTICE, PIN, "5")
    assert said.startswith(prompts.line(Line.LINK_SENT))
    serving.presses(call, "5")
    (sms,) = texts(serving)
    assert sms.body.endswith(f"https://cc.example.it/info/{serving.cast.vinci}")
    serving.work(lambda s: s.execute(update(ContactReach).values(verification=Verification.WRONG)))
    _, said = calls(serving, SERVE, NOTICE, PIN, "5", sid="CAother")
    assert said.startswith(prompts.line(Line.NO_MOBILE))


# -- PINs ---------------------------------------------------------------------------------------------------------


def test_a_pin_is_nowhere_in_clear(serving: Stage) -> None:
    (mark,) = serving.work(lambda s: list(s.scalars(select(CallerPin.mark))))
    assert PIN.encode() not in mark
    log = serving.work(lambda s: [(one.detail, one.reason) for one in s.scalars(select(AuditEntry))])
    assert PIN not in str(log)
    call, _ = calls(serving, SERVE, NOTICE, PIN)
    assert PIN not in str(serving.call(call).ivr)
    events = serving.work(lambda s: [one.detail for one in s.scalars(select(CallEvent))])
    assert PIN not in str(events)


@pytest.mark.parametrize(
    ("content", "taxpayers", "refused"),
    [
        (f"codice fiscale;PIN\n{GINAS_CF};771190\n", 1, ()),
        (f"{GINAS_CF.lower()},771190", 1, ()),
        (f"{GINAS_CF};12345", 0, (1,)),
        (f"{GINAS_CF};123456", 0, (1,)),
        (f"{GINAS_CF};777777", 0, (1,)),
        ("BNCMRA62A01D403X;771190", 0, (1,)),  # Empoli's taxpayer
        (f"\n{GINAS_CF};771190\n{GINAS_CF}\n", 1, (3,)),
    ],
)
def test_a_file_of_pins(serving: Stage, content: str, taxpayers: int, refused: tuple[int, ...]) -> None:
    by = administrator(serving.cast)
    done = serving.work(lambda s: administration.set_pins(s, by, ente_id=serving.cast.vinci, content=content.encode()))
    assert (done.taxpayers, done.refused) == (taxpayers, refused)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a\0b"])
def test_what_is_no_file_of_pins_is_refused(serving: Stage, content: bytes) -> None:
    by = administrator(serving.cast)
    with pytest.raises(FieldError):
        serving.work(lambda s: administration.set_pins(s, by, ente_id=serving.cast.vinci, content=content))


def test_an_agent_sets_nothing(serving: Stage) -> None:
    anna = serving.principal(serving.cast.anna)
    with pytest.raises(ForbiddenError):
        serving.work(lambda s: administration.set_pins(s, anna, ente_id=serving.cast.vinci, content=b"x;1"))
    with pytest.raises(ForbiddenError):
        serving.work(lambda s: administration.save_setting(s, anna, ente_id=serving.cast.vinci, wanted=Setting()))
