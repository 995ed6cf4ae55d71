"""Bring the catalogues up to date with what the pages can say: `python -m web.locale.update`.

Messages are found in the templates, among the words, and in the Python that writes sentences for a person: the
first argument of a `DomainError` and of what stands in `SAYING`, `gettext`'s argument, a form's `error`, and the
constants of the modules in `SAID`.
A sentence whose parts are all constants of its module is found like a literal. One with values in it is found with
places for them: `{status}` by the name that it is given, or `{1}`, `{2}` in their order (`web.edge.i18n.said`).
"""

import ast
import io
import re
import sys
from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from crm.agendas.models import AppointmentState
from crm.agendas.ratings.models import Because
from crm.agendas.sites import Link
from crm.agendas.wishes.models import Outcome, Part, WishState
from crm.cases.submissions.rules import Stage
from crm.core.errors import DomainError
from web.alerts.words import SAID as ALERTED
from web.audit.fields import FIELDS
from web.audit.sentences import HEAD, SENTENCES
from web.audit.stored import NO, OTHER_CODES, YES
from web.cases.words import SAID as OF_CASES
from web.edge.i18n import CITIZENS, DEFAULT, LANGUAGES, LOCALE_DIR
from web.edge.words import WORDS
from web.practice.words import SAID as PRACTISED
from web.supervision.words import HEAD as CALLS_HEAD

ROOT = LOCALE_DIR.parent.parent
PACKAGES = ("crm", "telephony", "outbound", "web")
NOT_OURS = ROOT / "telephony" / "carriers" / "simulator"  # speaks as the carrier does, in English
SAID = (
    ROOT / "web" / "edge" / "errors.py", ROOT / "crm" / "collection" / "errors.py", ROOT / "crm" / "files" / "gate.py",
    ROOT / "crm" / "documents" / "intake.py", ROOT / "crm" / "proposals" / "acknowledgements.py",
    ROOT / "crm" / "proposals" / "exports.py", ROOT / "crm" / "collection" / "reasons.py",
    *(ROOT / "crm" / "collection" / "sources" / f"{name}.py" for name in ("http", "pages", "contents")),
    ROOT / "crm" / "collection" / "lines.py", ROOT / "telephony" / "ivr" / "errors.py",
    ROOT / "crm" / "agendas" / "errors.py", ROOT / "outbound" / "segments" / "wording.py",
    *(ROOT / "outbound" / "lists" / f"{name}.py" for name in ("checking", "columns", "sheets", "tasks")),
    ROOT / "crm" / "cases" / "protocol" / "http.py",
    ROOT / "outbound" / "letters" / "returning.py", ROOT / "outbound" / "field" / "rounds" / "tasks.py",
    ROOT / "outbound" / "field" / "visits" / "forbidden.py",
)  # fmt: skip
# What citizens read, and of those folders what they do not.
TO_CITIZENS = (
    "web/templates/booking/", "web/booking/", "crm/agendas/", "web/templates/field/badge.html",
    "web/templates/field/_valid.html", "web/templates/consigning/", "web/consigning/", "crm/cases/consigning/",
    "web/templates/submissions/", "web/submissions/", "crm/cases/submissions/", "crm/cases/documents.py",
    "web/cases/files.py",
)  # fmt: skip
TO_STAFF = (
    "crm/agendas/preparing.py", "crm/agendas/bulk/", "crm/agendas/sites.py", "crm/agendas/privacy.py",
    "crm/agendas/wishes/keeping.py", "crm/agendas/feeds/", "crm/agendas/external/", "crm/cases/consigning/service.py",
    "crm/cases/submissions/senders.py",
)  # fmt: skip
CITIZENS_WORDS = (AppointmentState, Part, WishState, Outcome, Because, Link, Stage)
HELD = "privacy.py"  # what each feature holds of a person, and says of erasing him
# What else takes a sentence first.
SAYING = frozenset(
    {
        "wrong",
        "Done",
        "SourceError",
        "ProtocolError",
        "ThisOneError",
        "WholeFileRefused",
        "_trouble",
        "reason_given",
        "told_anew",
    }
)
WORD_LIST = "web/edge/words.py"  # which brings those of each area together
SENTENCE_LIST = "web/audit/sentences.py"
WIDTH = 118
READ = (ast.Call, ast.ClassDef)
PLACE = re.compile(r"\{\w+\}")

Found = Iterator[tuple[str | tuple[str, ...], str]]
Constants = dict[str, object]


def extracted() -> Catalog:
    """Everything the pages can say, each message with the files that say it."""
    template = Catalog()
    for message, file in (*_in_templates(), *_in_words(), *_in_sentences(), *_in_python()):
        template.add(message, locations=[(file, 0)])
    return template


def part_for(language: str, whole: Catalog) -> Catalog:
    """What the pages in a language can say: all of it, or in one of the citizens' alone what citizens read."""
    if language in LANGUAGES:
        return whole
    words = {word for kind in CITIZENS_WORDS for word in WORDS[kind].values()}
    template = Catalog()
    for message in whole:
        read = any(file.startswith(TO_CITIZENS) and not file.startswith(TO_STAFF) for file, _ in message.locations)
        if message.id and (read or message.id in words):
            template.add(message.id, locations=message.locations)
    return template


def catalogue(language: str) -> Catalog:
    """A language's catalogue as it stands in its file."""
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language)


def merged(language: str, template: Catalog) -> Catalog:
    """The catalogue with what is new, to be translated, and without what nobody says any more."""
    current = catalogue(language)
    current.update(template, no_fuzzy_matching=True, update_creation_date=False)
    current.obsolete.clear()
    return current


def written(current: Catalog) -> bytes:
    """A catalogue as its file holds it: no line numbers, so that it changes with the messages alone."""
    buffer = io.BytesIO()
    write_po(buffer, current, width=WIDTH, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    return buffer.getvalue()


def path_of(language: str) -> Path:
    """Where a language's catalogue is."""
    return LOCALE_DIR / language / "messages.po"


def _in_templates() -> Found:
    folder = ROOT / "web" / "templates"
    options = {"**.html": {"newstyle_gettext": "true", "silent": "false", "trim_blocks": "true"}}
    found = extract_from_dir(folder, [("**.html", "jinja2.ext:babel_extract")], options)
    for name, _line, message, _comments, _context in found:
        yield message, f"web/templates/{name}"


def _in_words() -> Found:
    for words in WORDS.values():
        for word in words.values():
            yield word, WORD_LIST


def _in_sentences() -> Found:
    for text in (
        *SENTENCES.values(),
        *FIELDS.values(),
        *HEAD,
        *CALLS_HEAD,
        *ALERTED.values(),
        *PRACTISED,
        *OF_CASES,
        *OTHER_CODES.values(),
        YES,
        NO,
    ):
        yield text, SENTENCE_LIST


def _in_python() -> Found:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    trees = {path: ast.parse(path.read_text("utf-8")) for path in paths if not path.is_relative_to(NOT_OURS)}
    nodes = {path: [one for one in ast.walk(tree) if isinstance(one, READ)] for path, tree in trees.items()}
    saying = SAYING | _domain_errors(list(chain.from_iterable(nodes.values())))
    for path, tree in trees.items():
        constants = _constants(tree)
        said = [_said(node, saying) for node in nodes[path] if isinstance(node, ast.Call)]
        texts = [_text(node, constants) for node in said if node is not None]
        if path in SAID:
            texts += [value for value in constants.values() if isinstance(value, str) and " " in value]
            texts += _listed(tree)
        if path.name == HELD:
            texts += _sentences(tree)
        for text in texts:
            if text and any(char.isalpha() for char in PLACE.sub("", text)):
                yield text, path.relative_to(ROOT).as_posix()
        for both in filter(None, map(_counted, nodes[path])):
            yield both, path.relative_to(ROOT).as_posix()


def _listed(tree: ast.Module) -> list[str]:
    """The texts of a module's tables."""
    tables = [node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)]
    values = [value for table in tables for value in table.values if isinstance(value, ast.Constant)]
    return [value.value for value in values if isinstance(value.value, str) and " " in value.value]


def _sentences(tree: ast.Module) -> list[str]:
    """What a module says to people: its texts that begin as sentences do, without what describes it."""
    described = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = [one for one in ast.walk(tree) if isinstance(one, ast.Constant) and one not in described]
    return [one.value for one in texts if isinstance(one.value, str) and one.value[:1].isupper()]


def _domain_errors(nodes: list[ast.Call | ast.ClassDef]) -> set[str]:
    """The names of `DomainError` and of every class derived from it."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for node in nodes
        if isinstance(node, ast.ClassDef)
    }
    errors = {DomainError.__name__}
    while more := {name for name, above in bases.items() if above & errors} - errors:
        errors |= more
    return errors


def _said(call: ast.Call, saying: frozenset[str]) -> ast.expr | None:
    """The argument of a call that a person will read."""
    match call:
        case ast.Call(func=ast.Name(id=name), args=[text, *_]) if name in saying:
            return text
        case ast.Call(func=ast.Attribute(attr="gettext"), args=[text]):
            return text
        case ast.Call(func=ast.Name(), keywords=keywords):
            return next((keyword.value for keyword in keywords if keyword.arg == "error"), None)
        case _:
            return None


def _counted(node: ast.AST) -> tuple[str, str] | None:
    """What a call says of one, and of several."""
    match node:
        case ast.Call(
            func=ast.Attribute(attr="ngettext"), args=[ast.Constant(value=str(one)), ast.Constant(value=str(many)), _]
        ):
            return one, many
        case _:
            return None


def _constants(tree: ast.Module) -> Constants:
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _text(node: ast.expr, constants: Constants) -> str | None:
    """The text of an expression, with places for what is not the same at every run."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="format")):
            value = constants.get(name)
            return None if value is None else str(value)
        case ast.Name(id=name):
            value = constants.get(name)
            return None if value is None else str(value)
        case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
            return _text(value, constants)
        case ast.JoinedStr(values=values):
            places = count(1)
            parts = [_text(value, constants) for value in values]
            return "".join(f"{{{next(places)}}}" if part is None else part for part in parts)
        case _:
            return None


def main() -> None:
    """Rewrite every catalogue; end with what is still to be translated, if anything."""
    missing, whole = [], extracted()
    for language in CITIZENS:
        if language == DEFAULT:
            continue
        current = merged(language, part_for(language, whole))
        path_of(language).write_bytes(written(current))
        missing += [f"{language}: {message.id}" for message in current if message.id and not message.string]
    if missing:
        sys.exit("To be translated:\n" + "\n".join(missing))


if __name__ == "__main__":
    main()
