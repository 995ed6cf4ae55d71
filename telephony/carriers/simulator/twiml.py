"""TwiML, read into values: a document is a tuple of verbs, each with attributes, text and children."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from telephony.carriers.simulator.errors import DocumentError

VERBS = frozenset(
    {"Say", "Play", "Pause", "Gather", "Enqueue", "Leave", "Dial", "Redirect", "Hangup", "Reject", "Record", "Message"}
)
WAITING = frozenset({"Say", "Play", "Pause", "Gather", "Redirect", "Hangup", "Leave"})
"""Verbs allowed in the waiting document of a queue."""
BACKGROUND = frozenset({"Say", "Play", "Pause", "Redirect"})
"""Verbs allowed while a conference has not begun or a participant is held."""
PROMPTS = frozenset({"Say", "Play", "Pause"})
NESTED: Mapping[str, frozenset[str]] = {"Gather": PROMPTS, "Dial": frozenset({"Conference", "Number"})}
SSML = frozenset({"Say"})
MAX_CHARACTERS = 65_536


@dataclass(frozen=True, slots=True)
class Verb:
    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple["Verb", ...] = ()

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def flag(self, name: str, *, default: bool) -> bool:
        raw = self.attributes.get(name)
        return default if raw is None else raw.lower() == "true"

    def number(self, name: str, default: float) -> float:
        raw = self.attributes.get(name, "")
        try:
            return float(raw)
        except ValueError:
            return default


def parse(text: str, url: str) -> tuple[Verb, ...]:
    """The verbs of a document, or Twilio's 12100 (not XML, not a Response) or 12200 (unknown element)."""
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(11750, url, "the document is larger than 64 kB")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DocumentError(12100, url, "document type declarations are refused")
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities refused above
    except ET.ParseError as error:
        raise DocumentError(12100, url, f"not XML: {error}") from None
    if root.tag != "Response":
        raise DocumentError(12100, url, f"the root is <{root.tag}>, not <Response>")
    return tuple(_verb(element, VERBS, url) for element in root)


def _verb(element: ET.Element, allowed: frozenset[str], url: str) -> Verb:
    if element.tag not in allowed:
        raise DocumentError(12200, url, f"<{element.tag}> is not allowed here")
    if element.tag in SSML:
        return Verb(element.tag, dict(element.attrib), " ".join("".join(element.itertext()).split()))
    nested = NESTED.get(element.tag, frozenset())
    children = tuple(_verb(child, nested, url) for child in element)
    return Verb(element.tag, dict(element.attrib), (element.text or "").strip(), children)
