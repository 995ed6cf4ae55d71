"""What a template may not be, and what its values may not do."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import InvalidError
from crm.messages.fields import Code, Day, Euro, Instant, Link, Name, Text
from crm.messages.models import MessageChannel
from crm.messages.segments import in_gsm, is_gsm, segments
from crm.messages.templates import (
    APPOINTMENT,
    APPOINTMENT_BOOKED,
    APPOINTMENT_REMINDER,
    HOW_TO_PAY,
    LONGEST_OWN,
    ONE_TIME_CODE,
    REPLY,
    TEMPLATES,
    WAITING_OFFER,
)
from crm.messages.wording import LANGUAGES, MOST_SEGMENTS, Kind, Template, TemplateError, Wording, check, spoken, write

SMS, EMAIL = MessageChannel.SMS, MessageChannel.EMAIL
LINK = "https://cc.example.it/info/1"
GOOD = Template(
    "good", Kind.SERVICE, {"ente": Name()}, dict.fromkeys(LANGUAGES, Wording(sms="{ente}.")), lives=timedelta(hours=1)
)


def in_every_language(**words: str) -> dict[str, Wording]:
    return dict.fromkeys(LANGUAGES, Wording(**words))


def test_the_templates_there_are_are_in_order() -> None:
    assert len(TEMPLATES) >= 7
    for one in TEMPLATES.values():
        check(one)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (replace(GOOD, wordings={"it": Wording(sms="{ente}")}), "no words in"),
        (replace(GOOD, wordings=in_every_language(sms="{ente} {who}")), "unknown placeholder"),
        (replace(GOOD, wordings=in_every_language(sms="{ente.__class__}")), "unknown placeholder"),
        (replace(GOOD, wordings=in_every_language(sms="{ente!r}")), "unknown placeholder"),
        (replace(GOOD, wordings=in_every_language(sms="{ente")), "good"),
        (replace(GOOD, wordings=in_every_language(sms="Buongiorno.")), "no text has ente"),
        (replace(GOOD, wordings=in_every_language(subject="{ente}")), "a text is missing"),
        (replace(GOOD, wordings=in_every_language(sms="{ente}" + "x" * 500)), "segments"),
        (replace(GOOD, wordings=in_every_language(sms="{ente} però…")), "characters"),
        (replace(GOOD, wordings=in_every_language(sms="{ente}: paghi ora")), "tells of a debt"),
        (replace(GOOD, wordings=in_every_language(subject="{ente}: debito", body="{ente}")), "tells of a debt"),
        (
            replace(GOOD, fields={"ente": Name(), "sum": Euro()}, wordings=in_every_language(sms="{ente} {sum}")),
            "tells of a debt",
        ),
        (
            replace(
                GOOD, fields={"ente": Name(), "sum": Euro()},
                wordings=in_every_language(subject="{ente}", body="{sum}"),
            ),
            "the body for any address",
        ),
        (
            replace(GOOD, wordings={**in_every_language(sms="{ente}"), "de": Wording(subject="{ente}", body="{ente}")}),
            "not the channels",
        ),
    ],
)  # fmt: skip
def test_a_template_that_is_not_in_order_is_refused(wrong: Template, says: str) -> None:
    with pytest.raises(TemplateError, match=says):
        check(wrong)


def test_a_body_tells_at_a_verified_address_alone() -> None:
    values = {"ente": "Comune di Empoli", "link": LINK, "notice": "301000000000012373", "amount": 81_200}
    told = write(HOW_TO_PAY, values, channel=EMAIL, language="it", verified=True)
    assert "301000000000012373" in told.body
    assert "812,00" in told.body
    assert "812" not in told.subject
    kept = write(HOW_TO_PAY, values, channel=EMAIL, language="it", verified=False)
    assert LINK in kept.body
    assert "301000000000012373" not in kept.body
    sms = write(HOW_TO_PAY, values, channel=SMS, language="en", verified=True)
    assert sms.body == f"Comune di Empoli: what you asked for on the telephone is here: {LINK}"


def test_without_values_for_what_it_tells_it_does_not_tell() -> None:
    found = write(HOW_TO_PAY, {"ente": "Empoli", "link": LINK}, channel=EMAIL, language="de", verified=True)
    assert LINK in found.body
    with pytest.raises(InvalidError):  # a reply has no other words
        write(REPLY, {"ente": "E", "protocol": "7/2026", "answer": "x"}, channel=EMAIL, language="it", verified=False)


@pytest.mark.parametrize(
    "value", ["", "x" * 61, "a\nb", "a\r\nBcc: x@example.it", "a\x00b", "\u202eabc", "a\x1bb", "a\u2028b"]
)  # fmt: skip
def test_a_value_on_one_line_is_one_line_of_plain_characters(value: str) -> None:
    with pytest.raises(InvalidError) as wrong:
        write(GOOD, {"ente": value}, channel=SMS, language="it", verified=False)
    assert [part.field for part in wrong.value.parts] == ["ente"]


def test_braces_in_a_value_are_just_characters() -> None:
    found = write(GOOD, {"ente": "{ente.__class__} {0}"}, channel=SMS, language="it", verified=False)
    assert found.body == "{ente.__class__} {0}."


@pytest.mark.parametrize("place", ["Ufficio debiti", "sollecito TARI", "per la mora", "pagamento €"])
def test_what_somebody_types_may_not_tell_of_a_debt_in_an_sms(place: str) -> None:
    values = {"ente": "Empoli", "at": datetime(2026, 11, 23, 9, tzinfo=UTC), "place": place}
    with pytest.raises(InvalidError, match="schermo"):
        write(APPOINTMENT, values, channel=SMS, language="en", verified=True)


def test_a_missing_or_unknown_value_is_named() -> None:
    with pytest.raises(InvalidError) as wrong:
        write(ONE_TIME_CODE, {"ente": "E", "code": "123456"}, channel=SMS, language="it", verified=False)
    assert [part.field for part in wrong.value.parts] == ["minutes"]
    with pytest.raises(InvalidError) as unknown:
        write(GOOD, {"ente": "E", "who": "x"}, channel=SMS, language="it", verified=False)
    assert unknown.value.field == "who"


def test_fields_are_written_as_the_language_writes_them() -> None:
    at = datetime(2026, 3, 29, 8, 30, tzinfo=UTC)  # summer time began that night
    assert Instant().written(at, "it") == "domenica 29 marzo, ore 10:30"
    assert Instant().written(at, "de") == "Sonntag, 29. März, 10:30 Uhr"
    assert Day().written(date(2026, 11, 21), "en") == "Saturday 21 November 2026"
    assert Euro().written(123_456, "it") == "1.234,56\xa0€"


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://", "https://a b", "ftp://a.it", "https://é.it", "x"])
def test_a_link_is_an_address_on_the_web(link: str) -> None:
    with pytest.raises(InvalidError):
        Link().written(link, "it")


@pytest.mark.parametrize("value", ["abc", "", "A" * 25, "12;34", "1\n2"])
def test_a_code_has_no_other_characters(value: str) -> None:
    with pytest.raises(InvalidError):
        Code().written(value, "it")


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(2020, 1, 1), max_value=datetime(2035, 1, 1)))
def test_no_instant_is_longer_than_it_says(at: datetime) -> None:
    for language in LANGUAGES:
        assert len(Instant().written(at, language)) <= Instant().longest
        assert len(Day().written(at.date(), language)) <= Day().longest


@given(st.text(max_size=60), st.text(max_size=80), st.sampled_from(LANGUAGES))
def test_whatever_is_typed_it_is_refused_or_fits(ente: str, place: str, language: str) -> None:
    values = {"ente": ente, "at": datetime(2026, 11, 23, 9, tzinfo=UTC), "place": place}
    try:
        found = write(APPOINTMENT, values, channel=SMS, language=language, verified=False)
    except InvalidError:
        return
    assert segments(found.body) <= MOST_SEGMENTS
    assert found.body.isprintable()


def test_segments_are_counted_as_the_network_does() -> None:
    assert [segments("a" * n) for n in (0, 160, 161, 306, 307)] == [1, 1, 2, 2, 3]
    assert [segments("È" * n) for n in (70, 71, 134, 135)] == [1, 2, 2, 3]
    assert segments("€" * 80) == 1
    assert segments("€" * 81) == 2
    assert segments("😀" * 35) == 1


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("Piazza Garibaldi 1, 2° piano – dell’Unione", "Piazza Garibaldi 1, 2o piano - dell'Unione"),
        ("FORLÌ, CITTÀ «Vecchia»…", 'FORLI, CITTA "Vecchia"...'),
        ("Forlì, Bressanone/Brixen, Straße, però", "Forlì, Bressanone/Brixen, Straße, però"),
        ("Občina Hône, 1º piano", "Obcina Hone, 1o piano"),
        ("市 😀", "? ?"),
    ],
)
def test_what_the_network_lacks_is_written_as_it_can(typed: str, sent: str) -> None:
    assert in_gsm(typed) == sent


@given(st.text(max_size=200))
def test_whatever_is_typed_is_written_so_that_it_costs_least(text: str) -> None:
    assert is_gsm(in_gsm(text))
    if is_gsm(text):
        assert in_gsm(text) == text


def test_a_street_is_no_word_of_a_debt_and_an_accent_makes_no_sms_too_long() -> None:
    """Viale Europa, and the longest of each: an ente's name, a place, a link."""
    for key in (APPOINTMENT_REMINDER, APPOINTMENT_BOOKED, WAITING_OFFER):
        at = datetime(2026, 11, 25, 9, tzinfo=UTC)
        values = {
            "ente": "COMUNITÀ " + "È" * 51, "at": at, "until": at, "place": "Viale Europa 1, 2° piano" + "’" * 56,
            "code": "CCDDFFGG", "link": "https://x.it/" + "a" * (LONGEST_OWN - 13),
        }  # fmt: skip
        for language in LANGUAGES:
            mine = {name: value for name, value in values.items() if name in key.fields}
            assert segments(write(key, mine, channel=SMS, language=language, verified=False).body) <= MOST_SEGMENTS


def test_whoever_speaks_neither_is_written_to_in_english() -> None:
    assert [spoken(one) for one in (None, "it", "de", "fr", "ar")] == ["it", "it", "de", "en", "en"]


def test_a_longer_text_has_lines() -> None:
    assert Text(20, lines=True).written(" a\r\nb ", "it") == "a\nb"
    with pytest.raises(InvalidError):
        Text(20, lines=True).written("a\x00\nb", "it")


def test_a_name_tells_of_nothing_whatever_it_is() -> None:
    found = write(GOOD, {"ente": "Comune di Tributo"}, channel=SMS, language="it", verified=False)
    assert found.body == "Comune di Tributo."
