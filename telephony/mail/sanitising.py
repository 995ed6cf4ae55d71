"""HTML of a stranger made safe to look at: nothing runs, nothing is fetched from elsewhere. Pure.

The cleaning is `nh3`'s (Ammonia). What is left is shown in a frame without rights (`web/mail/frame.py`), twice
guarded: by what is left out here, and by a policy under which nothing of it could run.
"""

import base64
import html as entities
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import nh3

TAGS = frozenset(
    {
        "a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "col", "colgroup", "dd", "del", "div", "dl",
        "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre", "q",
        "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
    }
)  # fmt: skip
_ATTRIBUTES = {
    "a": {"href", "title"}, "img": {"src", "alt", "width", "height"}, "td": {"colspan", "rowspan", "align", "valign"},
    "th": {"colspan", "rowspan", "align", "valign", "scope"}, "table": {"border", "cellpadding", "cellspacing"},
    "ol": {"start"}, "*": {"lang", "dir"},
}  # fmt: skip
_DROPPED = {"script", "style", "head", "title", "object", "template", "svg", "math", "noscript", "iframe"}
_ENDS = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|/table|/blockquote)\b", re.IGNORECASE)
_MANY = re.compile(r"\n\s*\n\s*\n+")
LONGEST = 1_000_000
_NONE: Mapping[str, tuple[str, bytes]] = MappingProxyType({})
MOST_PICTURE, MOST_PICTURES = 400_000, 3_000_000  # bytes of pictures that came along


@dataclass(frozen=True, slots=True)
class Safe:
    """HTML that may be shown; how many pictures of it are elsewhere, and are not fetched."""

    html: str
    blocked: int


def sanitised(html: str, pictures: Mapping[str, tuple[str, bytes]] = _NONE) -> Safe:
    """Safe HTML. `pictures` that came along, by their Content-ID: media type and content; they are put into it."""
    blocked, room = 0, MOST_PICTURES

    def source(tag: str, name: str, value: str) -> str | None:
        nonlocal blocked, room
        if (tag, name) != ("img", "src"):
            return value
        media, content = pictures.get(value.removeprefix("cid:"), ("", b"")) if value.startswith("cid:") else ("", b"")
        if media in {"image/png", "image/jpeg", "image/gif"} and 0 < len(content) <= min(MOST_PICTURE, room):
            room -= len(content)
            return f"data:{media};base64,{base64.b64encode(content).decode()}"
        blocked += 1
        return None

    clean = nh3.clean(
        html[:LONGEST], tags=set(TAGS), clean_content_tags=set(_DROPPED), attributes=dict(_ATTRIBUTES),
        attribute_filter=source, url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow", strip_comments=True,
    )  # fmt: skip
    return Safe(clean, blocked)


def text_of(html: str) -> str:
    """HTML as plain text, a line for each of its lines."""
    broken = _ENDS.sub(lambda found: "\n" + found[0], html[:LONGEST])
    bare = nh3.clean(broken, tags=set(), clean_content_tags=_DROPPED, strip_comments=True)
    lines = (" ".join(line.split()) for line in entities.unescape(bare).replace("\xa0", " ").splitlines())
    return _MANY.sub("\n\n", "\n".join(lines)).strip()
