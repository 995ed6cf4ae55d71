"""What a campaign has brought, as tables: the page, the spreadsheets and the PDF are drawn from the same."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from gettext import NullTranslations

from crm.core.clock import ROME
from outbound.results.estimates import Cohort, Estimate
from outbound.results.results import Results
from web.edge.i18n import translations
from web.edge.words import word_for


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    COUNT = "count"
    EURO = "euro"  # whole cents
    SHARE = "share"  # 0 to 1
    DAY = "day"
    INSTANT = "instant"


Value = str | int | float | date | datetime | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head. `about`: a name for machines; `note`: what has to be known to read it."""

    about: str
    title: str
    head: tuple[str, ...]
    kinds: tuple[Kind, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str = ""


def tables(found: Results, language: str) -> list[Table]:
    """All of them, in their order."""
    say = translations(language)
    return [
        _reached(found, say), _outcomes(found, say), _promises(found, say), _cohorts(found, say), _costs(found, say),
        _breaches(found, say),
    ]  # fmt: skip


def _reached(found: Results, say: NullTranslations) -> Table:
    one = found.reached
    rows: list[tuple[Value, ...]] = [
        (say.gettext("Contribuenti della campagna"), one.contacts, None),
        (say.gettext("Cercati al telefono"), one.tried, _share(one.tried, one.contacts)),
        (say.gettext("Ha parlato chi si cercava"), one.right_party, _share(one.right_party, one.contacts)),
        (say.gettext("Tentativi al telefono"), one.attempts, None),
        *(
            (f"{say.gettext('Tentativi al telefono')}: {say.gettext(word_for(how))}", n, _share(n, one.attempts))
            for how, n in one.ended.items()
        ),
        (say.gettext("Reclami dopo un tentativo"), found.complaints, None),
    ]
    head = (say.gettext("Che cosa"), say.gettext("Numero"), say.gettext("Quota"))
    return Table(
        "reached", say.gettext("Chi è stato raggiunto"), head, (Kind.TEXT, Kind.COUNT, Kind.SHARE), tuple(rows)
    )


def _outcomes(found: Results, say: NullTranslations) -> Table:
    rows = tuple((say.gettext(word_for(one)), n, _share(n, found.conversations)) for one, n in found.outcomes.items())
    head = (say.gettext("Esito"), say.gettext("Conversazioni"), say.gettext("Quota"))
    return Table("outcomes", say.gettext("Esiti delle conversazioni"), head, (Kind.TEXT, Kind.COUNT, Kind.SHARE), rows)


def _promises(found: Results, say: NullTranslations) -> Table:
    rows = tuple(
        (say.gettext(word_for(one)), its.number, its.cents, its.paid_cents) for one, its in found.promises.items()
    )
    head = (
        say.gettext("Promessa"), say.gettext("Numero"), say.gettext("Promesso"), say.gettext("Pagato nei termini")
    )  # fmt: skip
    return Table(
        "promises", say.gettext("Promesse di pagare"), head,
        (Kind.TEXT, Kind.COUNT, Kind.EURO, Kind.EURO), rows,
        say.gettext("Conta il giorno del pagamento, non quello in cui il gestionale lo comunica."),
    )  # fmt: skip


def _cohorts(found: Results, say: NullTranslations) -> Table:
    its = found.collected
    head = (
        say.gettext("Cercati dalla settimana del"), say.gettext("Persone"), say.gettext("Incassato"),
        say.gettext("Giorni seguiti"),
        say.gettext("Ha pagato chi è stato cercato"), say.gettext("cercati: da"), say.gettext("cercati: a"),
        say.gettext("Ha pagato chi non ancora"), say.gettext("non ancora: da"), say.gettext("non ancora: a"),
    )  # fmt: skip
    share = (Kind.SHARE, Kind.SHARE, Kind.SHARE)
    kinds = (Kind.DAY, Kind.COUNT, Kind.EURO, Kind.COUNT, *share, *share)
    cents = its.cents or {}
    rows = [_cohort(one.first, one, cents.get(one.first)) for one in its.weeks]
    if len(rows) > 1:
        nothing = (None,) * 7
        rows.append((say.gettext("tutte"), sum(one.people for one in its.weeks), sum(cents.values()), *nothing))
    if its.whole is not None:
        rows.append(_cohort(say.gettext("chi è stato seguito per tutti i giorni"), its.whole, None))
    note = say.gettext(
        "Quota di chi paga qualcosa entro i giorni indicati dal primo tentativo, accanto a quella di chi negli stessi "
        "giorni non era ancora stato cercato (Kaplan-Meier; intervalli di Wilson al 95 per cento). È un confronto, non "
        "una prova: chi si cerca per primo deve di più. Chi aveva già pagato qualcosa è fuori da entrambi i gruppi."
    )
    return Table("collected", say.gettext("Incassi dopo il primo tentativo"), head, kinds, tuple(rows), note)


def _cohort(name: str | date, one: Cohort, cents: int | None) -> tuple[Value, ...]:
    return (name, one.people, cents, one.days, *_bounds(one.tried), *_bounds(one.untried))


def _bounds(one: Estimate | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if one is None else (one.share, one.low, one.high)


def _costs(found: Results, say: NullTranslations) -> Table:
    rows = tuple(_cost_rows(found, say))
    note = (
        say.gettext("I canali senza prezzo non sono nella somma.")
        if any(one.cents is None for one in found.costs)
        else ""
    )
    head = (say.gettext("Canale"), say.gettext("Numero"), say.gettext("Minuti di conversazione"), say.gettext("Costo"))
    return Table("costs", say.gettext("Costi"), head, (Kind.TEXT, Kind.COUNT, Kind.COUNT, Kind.EURO), rows, note)


def _cost_rows(found: Results, say: NullTranslations) -> Iterator[tuple[Value, ...]]:
    for one in found.costs:
        minutes = None if one.minutes is None else round(one.minutes)
        yield say.gettext(word_for(one.channel)), one.number or None, minutes, one.cents
    if len(found.costs) > 1 and found.priced:
        yield say.gettext("in tutto, di ciò che ha un prezzo"), None, None, found.priced


def _breaches(found: Results, say: NullTranslations) -> Table:
    rows = tuple((one.at, say.gettext(word_for(one.law))) for one in found.breaches.first)
    note = say.gettext(
        "Ogni tentativo è ricontrollato su ciò che è stato registrato, senza guardare il giudizio che lo permise."
    )
    head = (say.gettext("Tentativo"), say.gettext("Che cosa"))
    kinds = (Kind.INSTANT, Kind.TEXT)
    return Table("breaches", say.gettext("Regole non rispettate"), head, kinds, rows, note)


def plain(value: Value, kind: Kind) -> object:
    """A value for files of data: euro with decimals, days and instants as ISO 8601 in Rome's time."""
    match value:
        case None:
            return None
        case int() if kind is Kind.EURO:
            return Decimal(value) / 100
        case float():
            return f"{value:.4f}".replace(".", ",")
        case datetime():
            return value.astimezone(ROME).isoformat(sep=" ", timespec="minutes")
        case date():
            return value.isoformat()
    return value


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
