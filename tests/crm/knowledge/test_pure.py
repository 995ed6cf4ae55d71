"""Texts for agents, without a database: what is safe, what is filled in, what is asked, what is looked at again."""

from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.knowledge.asking import all_of, any_of, words_of
from crm.knowledge.filling import PLACES, Situation, fill, unknown
from crm.knowledge.markup import rendered, steps
from crm.knowledge.standing import Opinions, Standing, standing

NOON = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)
ALLOWED = {"p", "strong", "em", "ul", "ol", "li", "h3", "h4", "h5", "h6", "code", "pre", "blockquote", "hr", "br", "a",
           "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip
MARKUP = st.lists(
    st.sampled_from(
        [
            "<script>", "</p>", "<img src=x onerror=a()>", "[a](javascript:b)", "![x](http://e/x.png)", "<", "&", '"',
            "# ", "- ", "1. ", "**", "`", "\n", "\n\n", "| a | b |\n|---|---|\n", "{ente}", "[b](https://e.it)",
            "<!--", "parola ",
        ]
    )
).map("".join)  # fmt: skip


@given(MARKUP, st.text(max_size=20))
def test_whatever_is_written_only_our_own_tags_come_out(text: str, ente: str) -> None:
    seen: list[tuple[str, list[str]]] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, [name for name, _ in attrs]))
            for name, value in attrs:
                assert not (name == "href" and not (value or "").startswith(("https://", "http://", "mailto:", "tel:")))

        def handle_comment(self, data: str) -> None:
            raise AssertionError(data)

    values = {"ente": ente}
    for html in (rendered(text, values), *steps(text, values)):
        Tags().feed(html)
    assert {tag for tag, _ in seen} <= ALLOWED
    assert {name for _, names in seen for name in names} <= {"href", "target", "rel", "style", "start", "class"}


def test_a_name_is_never_markup() -> None:
    assert rendered("Qui {ente}.", {"ente": "<b>*Empoli*</b>"}) == "<p>Qui &lt;b&gt;*Empoli*&lt;/b&gt;.</p>\n"


def test_a_script_has_a_step_a_line() -> None:
    text = "- «**{saluto}**, {ente}»\n\n1. Chiedi il nome\nSenza segno"
    assert steps(text, Situation(NOON, "Anna", "Comune di Empoli").values) == [
        "«<strong>Buongiorno</strong>, Comune di Empoli»", "Chiedi il nome", "Senza segno",
    ]  # fmt: skip


@pytest.mark.parametrize(("hour", "word"), [(15, "Buongiorno"), (16, "Buonasera")])  # 16 and 17 in Rome
def test_the_greeting_is_the_hour_s(hour: int, word: str) -> None:
    assert Situation(NOON.replace(hour=hour), "Anna").values["saluto"] == word


def test_every_place_is_filled_and_a_strange_one_stays_and_is_told() -> None:
    values = Situation(NOON, "Anna").values
    assert set(values) == set(PLACES)
    assert not unknown(" ".join(f"{{{one}}}" for one in PLACES))
    assert fill("{operatore} {importo}", values) == "Anna {importo}"
    assert unknown("{importo} {ente} {importo} {x}") == ("importo", "x")


def test_a_question_has_no_accents_and_its_last_word_may_be_unfinished() -> None:
    assert all_of("Perché la RATA?") == "perche & la & rata:*"
    assert any_of("due rate") == "due | rate:*"
    assert all_of("!? &|:* '") == ""


@given(st.text(max_size=200))
def test_whatever_is_typed_is_no_syntax(text: str) -> None:
    for word in words_of(text):
        assert word.isalnum()
        assert len(word) <= 40
    assert len(words_of(text)) <= 12


@given(st.integers(0, 50), st.integers(0, 50), st.booleans(), st.booleans(), st.integers(-500, 500))
def test_who_is_misled_now_comes_before_what_is_old(
    yes: int, no: int, published: bool, retired: bool, days: int
) -> None:
    found = standing(
        published=published, retired=retired, review_by=TODAY + timedelta(days=days), opinions=Opinions(yes, no),
        today=TODAY,
    )  # fmt: skip
    if retired:
        assert found is Standing.RETIRED
    elif not published:
        assert found is Standing.DRAFT
    elif yes + no >= 3 and yes < no:
        assert found is Standing.USELESS
    else:
        assert found is (Standing.OLD if days < 0 else Standing.GOOD)
