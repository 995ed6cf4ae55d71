"""Keys that somebody puts elsewhere; and the letters of lists."""

import re
from string import ascii_lowercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import InvalidError
from tests.web.conftest import Desk
from web.edge.letters import letters
from web.edge.templating import HERE
from web.shortcuts.keys import PLACES, Key, moved
from web.shortcuts.words import WORDS

CALLED = {str(key): words for key, words in WORDS[Key].items()}
KEYED = re.compile(r'data-key="(\w)"')
ASKED = re.compile(r'ask\("[\w-]+", "[\w/-]+", "(\w)"')


def test_every_key_of_the_pages_is_in_the_list_and_nothing_else() -> None:
    templates = [one.read_text() for one in (HERE / "templates").rglob("*.html")]
    found = {key for text in templates for key in (*KEYED.findall(text), *ASKED.findall(text))}
    assert found | {"f"} == {str(key) for key in Key}  # `file.js` looks for positions itself


@given(st.dictionaries(st.sampled_from([str(key) for key in Key]), st.sampled_from(PLACES)))
def test_no_two_keys_are_ever_in_one_place(wanted: dict[str, str]) -> None:
    everywhere = [wanted.get(str(key), str(key)) for key in Key]
    if len(set(everywhere)) < len(everywhere):
        with pytest.raises(InvalidError):
            moved(wanted, CALLED)
        return
    places = moved(wanted, CALLED)
    everywhere = [places.get(str(key), str(key)) for key in Key]
    assert len(set(everywhere)) == len(everywhere)
    assert all(places.get(key, key) == place for key, place in wanted.items())


def test_what_is_no_key_and_what_is_taken_is_said_at_the_field() -> None:
    with pytest.raises(InvalidError) as refusal:
        moved({"r": "i", "s": "!", "c": "xy"}, CALLED)
    said = {part.field: str(part) for part in refusal.value.parts}
    assert said["key-r"] == "Alt+I è già di «Identificato»."
    assert said["key-i"] == "Alt+I è già di «Rispondi»."
    assert set(said) == {"key-r", "key-i", "key-s", "key-c"}


@given(st.lists(st.text(max_size=12), max_size=26))
def test_each_of_a_list_has_a_letter_of_its_own(labels: list[str]) -> None:
    found = letters(labels)
    assert len(found) == len(labels)
    assert len(set(found)) == len(found)
    assert set(found) <= set(ascii_lowercase)


@pytest.mark.integration
def test_anna_moves_a_key_switches_all_off_and_has_them_back(desk: Desk) -> None:
    def choose(**fields: str) -> int:
        return desk.client.post("/me/keys", data=fields, headers=desk.headers).status_code

    assert choose(**{"on": "1", "key-r": "7"}) == 204
    assert """data-keys='{"r": "7"}'""" in desk.page()
    assert 'value="7"' in desk.client.get("/me/keys").text
    taken = desk.client.post("/me/keys", data={"on": "1", "key-r": "i"}, headers=desk.headers)
    assert taken.status_code == 422
    assert set(taken.json()["fields"]) == {"key-r", "key-i"}
    assert choose(**{"key-r": "7"}) == 204
    assert "data-keys-off" in desk.page()
    assert "I tuoi tasti rapidi sono spenti." in desk.page()
    assert desk.client.post("/me/keys/reset", headers=desk.headers).status_code == 204
    assert "data-keys" not in desk.page()
