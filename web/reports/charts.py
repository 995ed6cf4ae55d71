"""Charts drawn on the server as SVG: the same drawing on the page and in the PDF. Pure.

Colours are attributes, which the page's style sheet overrides by class; a bar is told by its place and its pattern of
light and dark, not by hue alone; all figures stand in the tables beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from crm.core.clock import in_rome
from crm.reports.report import Report

WIDTH, HEIGHT = 720, 180
LEFT, BOTTOM, TOP = 44, 24, 10
FONT = 'font-family="Titillium Web, sans-serif" font-size="10"'
RECEIVED, LOST, INK, LINE = "#0066cc", "#b3222f", "#17324d", "#c5cdd6"
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Bar:
    """What was received, and how much of it was lost."""

    label: str
    received: int
    lost: int


def by_day(report: Report) -> tuple[Bar, ...]:
    """The days with calls; by month where there are more than a chart can tell apart."""
    found: dict[str, list[int]] = {}
    many = (report.last - report.first).days > 31
    for one in report.days:
        sums = found.setdefault(f"{one.day:%m/%y}" if many else str(one.day.day), [0, 0])
        sums[0] += one.counts.received
        sums[1] += one.counts.lost
    return tuple(Bar(label, *sums) for label, sums in found.items())


def by_hour(report: Report) -> tuple[Bar, ...]:
    """The hours of the day, from the first with calls to the last."""
    found: dict[int, list[int]] = {}
    for one in report.hours:
        sums = found.setdefault(in_rome(one.start).hour, [0, 0])
        sums[0] += one.counts.received
        sums[1] += one.counts.lost
    if not found:
        return ()
    return tuple(Bar(str(hour), *found.get(hour, (0, 0))) for hour in range(min(found), max(found) + 1))


def drawn(bars: Sequence[Bar], *, title: str, lost: str) -> str:
    """The chart. `title` names it for whoever does not see it, `lost` is the word for what was lost."""
    most = max((one.received for one in bars), default=0)
    top = _round_up(most)
    width = (WIDTH - LEFT) / max(len(bars), 1)
    said = escape(described(bars, title=title, lost=lost))
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {box} aria-label="{said}">']
    for step in range(5):
        value = top * step / 4
        y = _y(value, top)
        parts.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{LINE}"/>')
        if value == int(value):
            text = f'<text class="axis" x="{LEFT - 6}" y="{y + 3:.1f}" text-anchor="end" fill="{INK}" {FONT}>'
            parts.append(f"{text}{int(value)}</text>")
    for place, one in enumerate(bars):
        x = LEFT + place * width
        for name, value, colour in (("received", one.received, RECEIVED), ("missed", one.lost, LOST)):
            inset = width * (0.14 if name == "received" else 0.32)
            y = _y(value, top)
            if value:
                parts.append(
                    f'<rect class="{name}" x="{x + inset:.1f}" y="{y:.1f}" width="{width - 2 * inset:.1f}" '
                    f'height="{HEIGHT - BOTTOM - y:.1f}" fill="{colour}"/>'
                )
        if place % _every(len(bars)) == 0:
            text = f'<text class="axis" x="{x + width / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle" fill="{INK}"'
            parts.append(f"{text} {FONT}>{escape(one.label)}</text>")
    return "".join((*parts, "</svg>"))


def described(bars: Sequence[Bar], *, title: str, lost: str) -> str:
    """The chart in words."""
    return f"{title}. " + "; ".join(f"{one.label}: {one.received}, {lost} {one.lost}" for one in bars)


def _y(value: float, top: int) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top


def _round_up(most: int) -> int:
    """The first of 4, 8, 20, 40, 80, 200 … that holds the highest bar: quarters of it are whole."""
    scale = 1
    while True:
        for step in STEPS:
            if 4 * step * scale >= most:
                return 4 * step * scale
        scale *= 10


def _every(count: int) -> int:
    """How many bars share a label, so that labels do not touch."""
    return 1 + count // 32
