"""Sums, days and codes, as one says them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.ivr import spoken
from telephony.ivr.languages import Language

IT, EN, DE = Language.ITALIAN, Language.ENGLISH, Language.GERMAN


@pytest.mark.parametrize(
    ("value", "italian", "english", "german"),
    [
        (0, "zero", "zero", "null"),
        (3, "tre", "three", "drei"),
        (21, "ventuno", "twenty-one", "einundzwanzig"),
        (23, "ventitré", "twenty-three", "dreiundzwanzig"),
        (28, "ventotto", "twenty-eight", "achtundzwanzig"),
        (101, "centouno", "one hundred and one", "einhunderteins"),
        (103, "centotré", "one hundred and three", "einhundertdrei"),
        (108, "centotto", "one hundred and eight", "einhundertacht"),
        (183, "centottantatré", "one hundred and eighty-three", "einhundertdreiundachtzig"),
        (812, "ottocentododici", "eight hundred and twelve", "achthundertzwölf"),
        (1_000, "mille", "one thousand", "eintausend"),
        (1_001, "milleuno", "one thousand and one", "eintausendeins"),
        (2_003, "duemilatré", "two thousand and three", "zweitausenddrei"),
        (23_000, "ventitremila", "twenty-three thousand", "dreiundzwanzigtausend"),
        (101_001, "centounomilauno", "one hundred and one thousand and one", "einhunderteintausendeins"),
        (1_000_000, "un milione", "one million", "eine Million"),
        (1_001_000, "un milione mille", "one million one thousand", "eine Million eintausend"),
        (23_000_001, "ventitré milioni uno", "twenty-three million and one", "dreiundzwanzig Millionen eins"),
        (21_000_000, "ventuno milioni", "twenty-one million", "einundzwanzig Millionen"),
        (101_000_000, "centouno milioni", "one hundred and one million", "einhunderteine Millionen"),
    ],
)
def test_numbers(value: int, italian: str, english: str, german: str) -> None:
    assert tuple(spoken.number(value, one) for one in (IT, EN, DE)) == (italian, english, german)


@pytest.mark.parametrize(
    ("cents", "italian", "english", "german"),
    [
        (0, "zero euro", "zero euros", "null Euro"),
        (1, "un centesimo", "one cent", "ein Cent"),
        (50, "cinquanta centesimi", "fifty cents", "fünfzig Cent"),
        (100, "un euro", "one euro", "ein Euro"),
        (101, "un euro e un centesimo", "one euro and one cent", "ein Euro und ein Cent"),
        (2_150, "ventuno euro e cinquanta", "twenty-one euros and fifty cents", "einundzwanzig Euro fünfzig"),
        (405, "quattro euro e cinque centesimi", "four euros and five cents", "vier Euro und fünf Cent"),
        (10_100, "centouno euro", "one hundred and one euros", "einhundertein Euro"),
        (100_000, "mille euro", "one thousand euros", "eintausend Euro"),
        (100_000_000, "un milione di euro", "one million euros", "eine Million Euro"),
        (200_000_010, "due milioni di euro e dieci", "two million euros and ten cents", "zwei Millionen Euro zehn"),
    ],
)  # fmt: skip
def test_sums(cents: int, italian: str, english: str, german: str) -> None:
    assert tuple(spoken.euro(cents, one) for one in (IT, EN, DE)) == (italian, english, german)


@pytest.mark.parametrize(
    ("day", "italian", "english", "german"),
    [
        (date(2026, 1, 1), "il primo gennaio duemilaventisei", "on the first of January twenty twenty-six",
         "am ersten Januar zweitausendsechsundzwanzig"),
        (date(2024, 11, 8), "l'otto novembre duemilaventiquattro", "on the eighth of November twenty twenty-four",
         "am achten November zweitausendvierundzwanzig"),
        (date(2008, 3, 23), "il ventitré marzo duemilaotto", "on the twenty-third of March two thousand and eight",
         "am dreiundzwanzigsten März zweitausendacht"),
        (date(1998, 7, 30), "il trenta luglio millenovecentonovantotto",
         "on the thirtieth of July nineteen ninety-eight",
         "am dreißigsten Juli neunzehnhundertachtundneunzig"),
        (date(1905, 2, 12), "il dodici febbraio millenovecentocinque", "on the twelfth of February nineteen oh five",
         "am zwölften Februar neunzehnhundertfünf"),
        (date(2000, 2, 3), "il tre febbraio duemila", "on the third of February two thousand",
         "am dritten Februar zweitausend"),
    ],
)  # fmt: skip
def test_days(day: date, italian: str, english: str, german: str) -> None:
    assert tuple(spoken.on(day, one) for one in (IT, EN, DE)) == (italian, english, german)


def test_the_articles_of_italian_days() -> None:
    eleventh, third = date(2026, 11, 11), date(2026, 11, 3)
    said = [spoken.by(eleventh), spoken.since(eleventh), spoken.as_of(eleventh), spoken.since(third), spoken.by(third)]
    assert [one.rsplit(" ", 2)[0] for one in said] == [
        "entro l'undici", "dall'undici", "all'undici", "dal tre", "entro il tre",
    ]  # fmt: skip
    assert spoken.by(third, DE).startswith("bis zum dritten November")


def test_a_notice_number_is_said_digit_by_digit_in_groups_of_four() -> None:
    assert spoken.digits("301000000000012373") == (
        "tre zero uno zero, zero zero zero zero, zero zero zero zero, zero uno due tre, sette tre"
    )
    assert spoken.digits("30100123", EN) == "three zero one zero, zero one two three"


def test_counts() -> None:
    assert [spoken.counted(n, "una rata", "rate") for n in (0, 1, 12)] == ["zero rate", "una rata", "dodici rate"]


@given(st.integers(0, spoken.MOST), st.integers(0, spoken.MOST), st.sampled_from(Language))
def test_no_two_numbers_are_said_alike(one: int, other: int, language: Language) -> None:
    assert (spoken.number(one, language) == spoken.number(other, language)) == (one == other)


@given(st.integers(0, 99_999_999_99), st.integers(0, 99_999_999_99), st.sampled_from(Language))
def test_no_two_sums_are_said_alike(one: int, other: int, language: Language) -> None:
    assert (spoken.euro(one, language) == spoken.euro(other, language)) == (one == other)


def test_below_three_thousand_no_two_numbers_are_said_alike() -> None:
    for language in Language:
        assert len({spoken.number(n, language) for n in range(3_000)}) == 3_000


@given(st.integers(4, spoken.MOST))
def test_an_italian_number_has_an_accent_at_the_end_of_three_and_nowhere_else(value: int) -> None:
    for word in spoken.number(value).split():
        assert ("é" in word) == (word.endswith("tré"))
        assert word == "tre" or not word.endswith("tre")


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.sampled_from(Language))
def test_every_day_is_said(day: date, language: Language) -> None:
    for say in (spoken.on, spoken.by, spoken.since, spoken.as_of):
        said = say(day, language)
        assert not any(char.isdigit() for char in said)
        assert "  " not in said
