"""What a colleague reads on the product's pages: a few attributes, found wherever they stand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

REGIONS = frozenset({"band", "phone", "texts", "file", "talk", "thread", "strip"})
HEADERS_ATTRIBUTE = "hx-headers"
CSRF_HEADER = "x-csrf-token"
TEXT = "#text"
Element = tuple[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Moment:
    """What the product says the agent is doing, and with which call."""

    state: str = ""
    call: str = ""


@dataclass(slots=True)
class Region:
    """One part of the console: its own attributes, its words, where its buttons lead to, what its forms hold."""

    attributes: Mapping[str, str]
    leads_to: set[str] = field(default_factory=set)
    text: str = ""
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: dict[str, list[str]] = field(default_factory=dict)


class Screen:
    """The console as last shown. A frame replaces the regions it brings and leaves the others."""

    def __init__(self) -> None:
        self._regions: dict[str, Region] = {}

    def show(self, html: str) -> None:
        """A whole page, or a frame with some regions."""
        region: Region | None = None
        select = ""
        for tag, attributes in elements(html):
            if attributes.get("id") in REGIONS:
                region = self._regions[attributes["id"]] = Region(attributes)
            if region is None:
                continue
            if tag == TEXT:
                region.text += attributes["text"]
            for verb in ("hx-post", "hx-get"):
                if verb in attributes:
                    region.leads_to.add(attributes[verb])
            if tag == "button" and "hx-post" in attributes and "value" in attributes:
                region.buttons.setdefault(attributes["hx-post"], []).append(attributes["value"])
            if tag == "input" and attributes.get("type") in {"checkbox", "hidden"}:
                region.choices.setdefault(attributes.get("name", ""), []).append(attributes.get("value", ""))
            if tag == "select":
                select = attributes.get("name", "")
                region.choices[select] = []
            elif tag == "option" and select and attributes.get("value"):
                region.choices.setdefault(select, []).append(attributes["value"])

    @property
    def moment(self) -> Moment:
        """The band's state and call."""
        band = self._regions.get("band")
        if band is None:
            return Moment()
        return Moment(band.attributes.get("data-state", ""), band.attributes.get("data-call", ""))

    def text(self, region: str) -> str:
        """What can be read in that region."""
        found = self._regions.get(region)
        return "" if found is None else found.text

    def offers(self, path: str) -> bool:
        """Whether any button or form leads to that address."""
        return any(path in region.leads_to for region in self._regions.values())

    def buttons(self, path: str) -> list[str]:
        """What the buttons that lead to an address say of it."""
        return [value for region in self._regions.values() for value in region.buttons.get(path, ())]

    def choices(self, name: str) -> list[str]:
        """What a field of that name offers, or holds already."""
        return next((r.choices[name] for r in self._regions.values() if name in r.choices), [])


class _Collector(HTMLParser):
    """Keeps every opening tag, and the words between. Never complains: what is not understood is not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.found.append((TEXT, {"text": data}))


def elements(html: str) -> list[Element]:
    """Every element in order: its name and attributes; and every piece of text, under a name no element has."""
    collector = _Collector()
    collector.feed(html)
    collector.close()
    return collector.found


def form_token(html: str) -> str:
    """The hidden token of a form; empty when there is none."""
    fields = (a for tag, a in elements(html) if tag == "input" and a.get("name") == "csrf")
    return next((field.get("value", "") for field in fields), "")


def page_token(html: str) -> str:
    """The token that the page's own requests carry, from the headers its body declares; empty without."""
    for _, attributes in elements(html):
        for name, value in attributes.items():
            if name.startswith(HEADERS_ATTRIBUTE) and (token := _token_in(value)):
                return token
    return ""


def people_found(html: str) -> list[str]:
    """Whom the results of a search offer to propose."""
    buttons = (a for tag, a in elements(html) if tag == "button" and a.get("name") == "contact")
    return [button["value"] for button in buttons if button.get("value")]


def _token_in(headers: str) -> str:
    try:
        declared = json.loads(headers)
    except ValueError:
        return ""
    named = declared.items() if isinstance(declared, dict) else ()
    return next((str(value) for name, value in named if name.lower() == CSRF_HEADER), "")
