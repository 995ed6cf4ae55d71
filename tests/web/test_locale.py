"""The catalogues: whatever the pages can say is there in every language, and fits where it is put."""

import re
from enum import StrEnum
from html.parser import HTMLParser

import pytest
from babel.messages.catalog import Catalog

from telephony.calls.conversation import MAX_NOTE
from web.edge import errors, words
from web.edge.i18n import CITIZENS, DEFAULT, translations
from web.edge.i18n import said as translated
from web.edge.templating import environment, fragment
from web.locale import update

OTHERS = sorted(set(CITIZENS) - {DEFAULT})
TEMPLATES = update.ROOT / "web" / "templates"
PLACEHOLDER = re.compile(r"%\(\w+\)\w|\{\w+\}")
WORD = re.compile(r"[^\W\d_]{2,}")
SAME_EVERYWHERE = {"JSON", "iCalendar", "Filodiretto", "Alt", "Ctrl", "Shift", "Esc", "km", "CSV"}
NO_WORDS = re.compile(r"{% block (?:body_class|kind|band|socket) %}.*?{% endblock %}")
SPOKEN_ATTRIBUTES = {"alt", "aria-label", "aria-description", "placeholder", "title"}


@pytest.fixture(scope="session")
def said() -> Catalog:
    return update.extracted()


def test_messages_of_every_kind_are_found(said: Catalog) -> None:
    for message in (
        "Vai al contenuto",  # a template's
        "Lavoro successivo",  # a word
        "Nome utente o password non corretti.",  # a domain error's
        errors.BROKEN,
        "La pagina è rimasta aperta troppo a lungo: riprova.",  # a form's
        f"La nota è troppo lunga: al massimo {MAX_NOTE} caratteri.",  # put together from constants
        "Lo stesso file è in corso di importazione da un altro processo: attendere che finisca.",  # by its name
        "Il gestionale non ha questo documento (stato {status}).",  # with a place for a value
        "Il codice avviso ha 18 cifre, qui sono {1}: ricopiarlo per intero.",
        "{field}: campo obbligatorio mancante.",  # in a table
        "%(num)s visita aggiunta.",  # of one, and of several
    ):
        assert message in said


def test_areas_that_word_one_kind_word_it_alike() -> None:
    """Pages show whichever of them comes last."""
    seen: dict[type[StrEnum], dict[str, str]] = {}
    for area in words._AREAS:
        for kind, its in area.WORDS.items():
            assert seen.setdefault(kind, its) == its, f"{area.__name__} words {kind.__name__} as no other area does"


@pytest.mark.parametrize("language", OTHERS)
def test_everything_is_translated_and_nothing_else(said: Catalog, language: str) -> None:
    """In German what citizens read."""
    said = update.part_for(language, said)
    catalogue = update.catalogue(language)
    assert not catalogue.obsolete
    assert {message.id for message in said} == {message.id for message in catalogue}, "run python -m web.locale.update"
    assert not [message.id for message in catalogue if message.id and (not message.string or message.fuzzy)]


@pytest.mark.parametrize("language", OTHERS)
def test_translations_have_the_same_placeholders(language: str) -> None:
    for message in update.catalogue(language):
        if message.id:
            asked, given = (sorted(PLACEHOLDER.findall(str(text))) for text in (message.id, message.string))
            assert asked == given, message.id


@pytest.mark.parametrize("language", OTHERS)
def test_translations_fit_in_text_and_in_attributes(language: str) -> None:
    """Templates take them as markup, within double quotes too."""
    for message in update.catalogue(language):
        if message.id:
            given = message.string if isinstance(message.string, str) else "".join(message.string)
            assert not set('"<>&') & set(given), message.id


def test_an_update_keeps_what_is_still_said_adds_what_is_new_and_drops_the_rest() -> None:
    template = Catalog()
    template.add("Pronto", locations=[("here.py", 0)])
    template.add("Mai sentito prima", locations=[("here.py", 0)])
    merged = update.merged("en", template)
    assert {message.id: message.string or "" for message in merged if message.id} == {
        "Pronto": "Ready",
        "Mai sentito prima": "",
    }
    assert b"Topic" not in update.written(merged)


def test_the_catalogue_is_loaded() -> None:
    assert translations("en").gettext("Lavoro successivo") == "Wrap-up"
    assert translations("it").gettext("Lavoro successivo") == "Lavoro successivo"


@pytest.mark.parametrize(("sentence", "english"), [
    ("Il gestionale non ha questo documento (stato 404).",
     "The collection system does not have this document (status 404)."),
    ("codice_fiscale: Codice fiscale «X Y»: deve avere 16 caratteri (persona) o 11 cifre (società o ente).",
     "codice_fiscale: Codice fiscale «X Y»: it must have 16 characters (a person) or 11 digits (a company or body)."),
    ("ente: campo obbligatorio mancante. (e altri 2 errori)",
     "ente: this required field is missing. (and 2 more errors)"),
    ("Accettato con riserva: telefono «1 2»: non è un numero valido; telefono «{3}»: non è un numero valido.",
     "Taken, with a reservation: phone «1 2»: not a valid number; phone «{3}»: not a valid number."),
    ("Il file a.jsonl non si può leggere: Permission denied.", "The file a.jsonl cannot be read: Permission denied."),
    ("Mai detto: (né questo", "Mai detto: (né questo"),
    ("Sconosciuto: " * 70, "Sconosciuto: " * 70),  # at once, whatever a sender writes
    ("", ""),
])  # fmt: skip
def test_a_sentence_with_values_in_it_is_translated(sentence: str, english: str) -> None:
    assert (translated("en", sentence), translated("it", sentence)) == (english, sentence)


@pytest.mark.parametrize(("language", "button", "refusal"), [
    ("it", "Entra", "Nome utente o password non corretti."),
    ("en", "Sign in", "Wrong username or password."),
])  # fmt: skip
def test_the_sign_in_page_speaks_the_language(language: str, button: str, refusal: str) -> None:
    error = translations(language).gettext("Nome utente o password non corretti.")
    html = fragment(
        "sign_in/form.html", language, back="/", username="", error=error, form_token="token", demo_users=[],
        path="/sign-in", providers=(), left=None,
    )  # fmt: skip
    assert f'<html lang="{language}">' in html
    assert f"{button}</button>" in html
    assert refusal in html


@pytest.mark.parametrize("name", sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")))
def test_a_template_translates_only_what_it_says_itself(name: str) -> None:
    """For a value there are filters: what it holds may be a % or a <."""
    assert not re.findall(r"\b(?:_|gettext)\((?![\"'])[^)]*", (TEMPLATES / name).read_text("utf-8"))


@pytest.mark.parametrize("name", sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")))
def test_a_template_says_nothing_past_the_catalogue(name: str) -> None:
    source = NO_WORDS.sub("", (TEMPLATES / name).read_text("utf-8"))
    reader = _Reader()
    reader.feed("".join(text for _, kind, text in environment(DEFAULT).lex(source) if kind == "data"))
    assert set(WORD.findall(" ".join(reader.texts))) <= SAME_EVERYWHERE


class _Reader(HTMLParser):
    """Collects what a person would read or hear."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value for name, value in attrs if name in SPOKEN_ATTRIBUTES and value]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)
