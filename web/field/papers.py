"""Reports of practices, statements of commission and the register of operations as PDF/A."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from outbound.field.closing.queries import Registered, Settled, Share
from outbound.field.closing.report import Report, Visited, Wording
from outbound.field.closing.reports import Made
from outbound.field.closing.settlement import Line
from outbound.field.visits.drawing import Picture, printable
from outbound.field.visits.signs import Sign
from web.edge import paper
from web.edge.i18n import translations
from web.edge.templating import environment
from web.edge.words import word_for
from web.field import tables
from web.field.tables import Column
from web.letters.paper import printable as printed
from web.reports.sheets import Sheet
from web.reports.shown import NUMERIC, heads, rows

SOURCE = Path(__file__).parent / "closing.typ"
STANDARDS: tuple[paper.Standard, ...] = ("a-2a",)
WIDE = frozenset({Column.WHY, Column.CLIENT, Column.WORDS, Column.OPERATION, Column.OUTCOME})
LEFT_OUT = frozenset({Column.MANDATE})  # in files alone
NONE: Mapping[str, bytes] = MappingProxyType({})
Section = dict[str, Any]


def report(made: Made, found: Report, pictures: Mapping[UUID, bytes], language: str) -> bytes:
    """A practice's report. `pictures`: what is in those that it names; one that is not there, or cannot be drawn, is
    told by its name and digest alone.
    """
    words, filters = translations(language), environment(language).filters
    at, day, euro = filters["at"], filters["day"], filters["euro"]
    facts = [
        (words.gettext("Contribuente"), f"{found.taxpayer}, {found.codice_fiscale}"),
        (words.gettext("Indirizzo"), f"{found.street}, {found.postcode} {found.town}"),
        (
            words.gettext("Aperta"),
            f"{at(found.opened_at)}, {words.gettext(word_for(found.origin))} {found.campaign}".strip(),
        ),
        (words.gettext("Chiusa"), f"{at(found.closed_at)}: {words.gettext(word_for(found.closed))}"),
        (words.gettext("Dovuto all'apertura"), euro(found.cents)),
        (words.gettext("Pagato da allora"), euro(found.paid_cents)),
    ]
    if made.reason:
        facts.append((words.gettext("Perché questa edizione"), made.reason))
    files = {f"{one}.jpg": jpeg for one, content in pictures.items() if (jpeg := printable(content))}
    drawn = {one for one in pictures if f"{one}.jpg" in files}
    debts = [
        [one.reference, f"{words.gettext(word_for(one.tax))} {one.year}" if one.tax else "—", one.act_number or "—",
         euro(one.cents), euro(one.paid_cents), "—" if one.residual_cents is None else euro(one.residual_cents)]
        for one in found.debts
    ]  # fmt: skip
    mandates = [
        [f"{one.agent} ({one.badge})", f"{day(one.valid_from)} – {day(one.valid_to)}", euro(one.cents),
         words.gettext(word_for(one.state)), at(one.no_ties_at) if one.no_ties_at else "—"]
        for one in found.mandates
    ]  # fmt: skip
    sections = [
        _section(
            words.gettext("Posizioni"), debts, "lllrrr",
            (
                words.gettext("Posizione"), words.gettext("Tributo"), words.gettext("Atto"), words.gettext("Dovuto"),
                words.gettext("Pagato"), words.gettext("Residuo"),
            ),
        ),
        _section(
            words.gettext("Mandati"), mandates, "llrll",
            (
                words.gettext("Incaricato"), words.gettext("Validità"), words.gettext("Importo"),
                words.gettext("Stato"), words.gettext("Dichiara di non avere legami"),
            ),
        ),
        *(_visit(one, drawn, language) for one in found.visits),
        *_words(found.words, language),
    ]  # fmt: skip
    if not found.visits:
        sections.append(_section(words.gettext("Visite"), [], "", (), [words.gettext("Nessuna visita.")]))
    documents = [[one.title, day(one.dated), one.sha256] for one in found.documents]
    if documents:
        sections.append(
            _section(
                words.gettext("Documenti"),
                documents,
                "lll",
                (words.gettext("Documento"), words.gettext("Data"), "SHA-256"),
                wide=(2,),
            )
        )
    title = words.gettext("Relazione sulla pratica n. {n}, edizione {edition}").format(
        n=found.practice, edition=made.edition
    )
    notes = [
        words.gettext("Preparata il {at}.").format(at=at(made.made_at)), f"{words.gettext('Sigillo')} {made.seal}",
    ]  # fmt: skip
    return _pdf(language, found.ente, title, facts, sections, notes, made.made_at, files=files)


def _words(found: Sequence[Wording], language: str) -> Iterator[Section]:
    words = translations(language)
    for one in found:
        title = words.gettext("Parole dell'ente, versione {n}").format(n=one.version)
        yield _section(
            title if one.version else words.gettext("Le parole di tutti"), [], "", (), [one.reason, one.consequences]
        )


def _visit(one: Visited, drawn: Collection[UUID], language: str) -> Section:
    words, filters = translations(language), environment(language).filters
    at = filters["at"]
    told = [
        words.gettext("Incaricato: {agent} (tesserino {badge})").format(agent=one.agent, badge=one.badge),
        words.gettext("Ora: {at}; ora del telefono: {device}; arrivata al sistema: {received}").format(
            at=at(one.began_at), device=at(one.device_began_at), received=at(one.received_at)
        ),
        words.gettext("Esito: {outcome}").format(outcome=words.gettext(word_for(one.outcome)) if one.outcome else "—"),
    ]
    if one.whom:
        who = ", ".join(part for part in (words.gettext(word_for(one.whom)), one.spoke_with, one.capacity) if part)
        told.append(words.gettext("Con chi: {who}").format(who=who))
    if one.distance_m is not None:
        told.append(
            words.gettext("Distanza dall'indirizzo: {m} m (precisione {accuracy} m)").format(
                m=one.distance_m, accuracy="—" if one.accuracy_m is None else one.accuracy_m
            )
        )
    if one.note:
        told.append(words.gettext("Nota: {note}").format(note=one.note))
    steps = [
        [at(step.at) if step.at else "—", words.gettext(word_for(step.deed)),
         words.gettext(word_for(step.whom)) if step.whom else "",
         _version(step.words, language),
         words.gettext(word_for(step.fault)) if step.fault else ""]
        for step in one.steps
    ]  # fmt: skip
    head = (
        words.gettext("Ora del telefono"),
        words.gettext("Che cosa"),
        words.gettext("Con chi"),
        words.gettext("Parole"),
        words.gettext("Da spiegare"),
    )
    if one.signs:
        doubts = ", ".join(words.gettext(word_for(Sign(each))) for each in one.signs)
        told.append(words.gettext("Segni di dubbio: {signs}").format(signs=doubts))
    section = _section(words.gettext("Visita {n}").format(n=one.number), steps, "lllll", head, told)
    return section | {"pictures": [_picture(each, one.number, each.id in drawn, language) for each in one.pictures]}


def _picture(one: Picture, number: int, there: bool, language: str) -> dict[str, str]:
    words = translations(language)
    kind = words.gettext(word_for(one.kind))
    alt = words.gettext("%(kind)s, visita %(n)s") % {"kind": kind, "n": number}
    return {"file": f"{one.id}.jpg" if there else "", "alt": alt, "name": one.name, "sha256": one.sha256}


def _version(said: str, language: str) -> str:
    words = translations(language)
    if said == "0":
        return words.gettext("con le parole di tutti")
    return words.gettext("parole dell'ente, versione {n}").format(n=said) if said else ""


def statement(
    found: Settled, ente: str, shares: Sequence[Share], lines: Sequence[tuple[int, Line]], names: dict[int, str],
    language: str, *, own: bool,
) -> bytes:  # fmt: skip
    """A quarter's statement; `own`: of one agent alone."""
    words, filters = translations(language), environment(language).filters
    euro, day = filters["euro"], filters["day"]
    total = tuple(
        sum(getattr(one, name) for one in shares) for name in ("collected_cents", "earning_cents", "commission_cents")
    )
    facts = [
        (words.gettext("Incassato"), euro(total[0])), (words.gettext("Nei mandati"), euro(total[1])),
        (words.gettext("Provvigione"), euro(total[2])),
        (words.gettext("Liquidata il"), filters["at"](found.closed_at)),
        (words.gettext("Il gestionale aveva comunicato fino al"), day(found.known_on)),
    ]  # fmt: skip
    if own and shares:
        facts.insert(0, (words.gettext("Incaricato"), names[shares[0].agent_id]))
    sections = [] if own else [_of_sheet(tables.agents(shares, names), language)]
    sections.append(_of_sheet(tables.lines(lines, names), language))
    notes = [f"{words.gettext('Sigillo')} {found.seal}"]
    title = words.gettext("Provvigioni del trimestre {quarter}").format(quarter=found.quarter)
    return _pdf(language, ente, title, facts, sections, notes, found.closed_at, wide=True)


def register(
    found: Sequence[Registered], about: str, since: date, until: date, at: datetime, language: str
) -> bytes:  # fmt: skip
    """The register from a day to a day, to be shown to the police, or endorsed."""
    words, filters = translations(language), environment(language).filters
    facts = [
        (words.gettext("Periodo"), f"{filters['day'](since)} – {filters['day'](until)}"),
        (words.gettext("Registrazioni"), str(len(found))),
    ]
    if found:
        facts.append((words.gettext("Dal n. al n."), f"{found[0].number} – {found[-1].number}"))
    sections = [_of_sheet(tables.register(found), language)]
    notes = [
        words.gettext(
            "I numeri sono unici per tutta l'azienda: quelli che qui mancano sono operazioni di altri committenti."
        ),
        words.gettext(
            "L'incaricato è indicato con il numero del tesserino, chi è visitato con il numero della pratica."
        ),
    ]
    title = words.gettext("Registro delle operazioni (art. 120 T.U.L.P.S.)")
    return _pdf(language, about, title, facts, sections, notes, at, wide=True)


def _of_sheet(sheet: Sheet, language: str) -> Section:
    names, written = heads(sheet, language), rows(sheet, language)
    kept = [place for place, (column, _) in enumerate(sheet.columns) if column not in LEFT_OUT]
    return {
        "title": translations(language).gettext(word_for(sheet.name)), "text": [], "pictures": [],
        "head": [names[place] for place in kept],
        "right": [sheet.columns[place][1] in NUMERIC for place in kept],
        "widths": [3 if sheet.columns[place][0] in WIDE else 0 for place in kept],
        "rows": [[row[place] for place in kept] for row in written],
    }  # fmt: skip


def _section(
    title: str, written: Sequence[Sequence[str]], align: str, head: Sequence[str], text: Sequence[str] = (),
    wide: Sequence[int] = (),
) -> Section:  # fmt: skip
    return {
        "title": title, "text": list(text), "pictures": [], "head": list(head), "right": [one == "r" for one in align],
        "widths": [1 if place in wide else 0 for place in range(len(head))], "rows": [list(row) for row in written],
    }  # fmt: skip


def _pdf(
    language: str, about: str, title: str, facts: Sequence[tuple[str, str]], sections: Sequence[Section],
    notes: Sequence[str], at: datetime, *, wide: bool = False, files: Mapping[str, bytes] = NONE,
) -> bytes:  # fmt: skip
    words = translations(language)
    data = {
        "lang": language, "about": about, "title": title, "over": "Filodiretto", "facts": list(facts), "wide": wide,
        "sections": list(sections), "notes": list(notes), "page": words.gettext("pagina"), "foot": f"{about} · {title}",
    }  # fmt: skip
    # Spaces that do not break are none of those characters that are sure to be drawn.
    plain = json.loads(json.dumps(data, ensure_ascii=False).replace("\u00a0", " "))
    return paper.pdf(SOURCE, printed(plain), at, standards=STANDARDS, files=files)
