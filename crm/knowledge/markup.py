"""Markdown to HTML that is safe to show: nothing raw, no pictures, links by http, https, mailto and tel alone. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from crm.knowledge.filling import fill

_LINK = re.compile(r"(https?://|mailto:|tel:)", re.IGNORECASE)
_SIGNS = re.compile(r"[*_`]+|^[#>]+|[\[\]|]", re.MULTILINE)


class _Safe(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  # the library's name
        return _LINK.match(url.strip()) is not None


_MARKDOWN = _Safe("commonmark", {"html": False}).enable("table").disable(["image", "html_block", "html_inline"])
_DOWN = {f"h{level}": f"h{min(6, level + 2)}" for level in range(1, 7)}  # the page has a title and a heading above it


def rendered(text: str, values: Mapping[str, str] | None = None) -> str:
    """A text as HTML, with its places filled in. What is filled in is never markup."""
    tokens = _MARKDOWN.parse(text)
    for token in tokens:
        _prepare(token, values or {})
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return html


def steps(text: str, values: Mapping[str, str]) -> list[str]:
    """A script's steps, one a line, each as HTML; list signs before them are taken off."""
    lines = (re.sub(r"^\s*(?:[-*]|\d+[.)])\s+", "", line).strip() for line in text.splitlines())
    return [_inline(line, values) for line in lines if line]


def plain(text: str) -> str:
    """A text without the signs of its markup, as for an excerpt."""
    return " ".join(_SIGNS.sub("", text).split())


def _inline(line: str, values: Mapping[str, str]) -> str:
    tokens = _MARKDOWN.parseInline(line)
    for token in tokens:
        _prepare(token, values)
    html: str = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return html


def _prepare(token: Token, values: Mapping[str, str]) -> None:
    if token.type in {"text", "code_inline"}:
        token.content = fill(token.content, values)
    token.tag = _DOWN.get(token.tag, token.tag)
    if token.type == "link_open":  # beside a call nothing leads away from the page
        _set(token, target="_blank", rel="noopener noreferrer")
    for child in token.children or ():
        _prepare(child, values)


def _set(token: Token, **attributes: Any) -> None:
    for name, value in attributes.items():
        token.attrSet(name, value)
