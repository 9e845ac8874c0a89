"""The drawing `docs/images/joins.svg`: core tables as cards, and what their columns point to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from exactonline_client import catalogue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Joins = Mapping[str, Sequence[tuple[str, str]]]
    """Column and the table that it points to, by table."""

GROUPS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Relations": (("accounts",), ("contacts",), ("addresses",), ("documents",)),
    "Lists that others point to": (
        ("items",), ("gl_accounts",), ("vat_codes",), ("journals",), ("payment_conditions",),
        ("projects",), ("costcenters",), ("costunits",), ("financial_periods",),
        ("system_divisions",),
    ),
    "Sales": (("sales_invoices", "sales_invoice_lines"), ("sales_orders", "sales_order_lines")),
    "Purchasing": (
        ("purchase_entries", "purchase_entry_lines"), ("purchase_orders", "purchase_order_lines"),
    ),
    "Entries": (
        ("sales_entries", "sales_entry_lines"), ("bank_entries", "bank_entry_lines"),
        ("cash_entries", "cash_entry_lines"),
        ("general_journal_entries", "general_journal_entry_lines"),
    ),
    "Ledger and open items": (
        ("transaction_lines",), ("receivables",), ("payments",), ("payment_terms",),
    ),
}  # fmt: skip
"""The core tables: documents stand before their lines."""
WIDTH, MARGIN, GAP = 1392, 16, 24
CARD, HEAD, LINE = 322, 30, 18
"""Width of a card, height of its title and of a column in it."""
TITLE = 34
STYLE = """\
text { font: 12px sans-serif; fill: #33414e; }
.group { font-weight: bold; font-size: 15px; fill: #123a5c; }
.card { fill: #ffffff; stroke: #6f8aa3; }
.head { fill: #eef3f8; stroke: #6f8aa3; }
.name { font: bold 13px monospace; fill: #10202e; }
.target { font-family: monospace; fill: #123a5c; }
.lines { fill: none; stroke: #123a5c; stroke-width: 2; marker-end: url(#arrow); }
"""
ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="5" '
    'markerHeight="5" orient="auto"><path d="M0 0 10 5 0 10z" fill="#123a5c"/></marker></defs>'
)


@dataclass(frozen=True)
class Card:
    """A table, and where it is drawn, in pixels."""

    name: str
    joins: Sequence[tuple[str, str]]
    left: float
    top: float
    is_last: bool
    """Whether no card of lines follows it."""

    @property
    def height(self) -> float:
        """Of the whole card."""
        return _height(self.joins)


def draw(joins: Joins) -> str:
    """The drawing as SVG; equal joins give an equal file.

    Args:
        joins: What the columns of each table point to.
    """
    top, parts = float(MARGIN), []
    for title, families in GROUPS.items():
        parts.append(_text(MARGIN, top + TITLE / 2, title, "group"))
        top += TITLE
        for row in _rows(families):
            cards = _placed(row, joins, top)
            parts += [part for card in cards for part in _card(card)]
            top = max(card.top + card.height for card in cards) + GAP / 2
        top += GAP / 2
    size = f'viewBox="0 0 {WIDTH} {top:.0f}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-labelledby="about">',
            '<title id="about">The core tables, and which of their columns point to which</title>',
            f"<style>\n{STYLE}</style>",
            ARROW,
            f'<rect width="{WIDTH}" height="{top:.0f}" fill="#ffffff"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _rows(families: Sequence[tuple[str, ...]]) -> list[list[tuple[str, ...]]]:
    """Families of tables in rows, as many as fit side by side."""
    most = (WIDTH - 2 * MARGIN + GAP) // (CARD + GAP)
    rows: list[list[tuple[str, ...]]] = []
    for family in families:
        if not rows or sum(map(len, rows[-1])) + len(family) > most:
            rows.append([])
        rows[-1].append(family)
    return rows


def _placed(row: Sequence[tuple[str, ...]], joins: Joins, top: float) -> list[Card]:
    names = [(name, name == family[-1]) for family in row for name in family]
    return [
        Card(name, joins.get(name, ()), MARGIN + (CARD + GAP) * place, top, is_last)
        for place, (name, is_last) in enumerate(names)
    ]


def _height(joins: Sequence[tuple[str, str]]) -> float:
    return HEAD + LINE * len(joins) + (LINE / 2 if joins else 0)


def _card(card: Card) -> list[str]:
    place = f'x="{card.left:.0f}" y="{card.top:.0f}" width="{CARD}"'
    parts = [
        f'<rect class="card" {place} height="{card.height:.0f}" rx="5"/>',
        f'<rect class="head" {place} height="{HEAD}" rx="5"/>',
        _text(card.left + 10, card.top + 20, card.name, "name"),
    ]
    for number, (column, target) in enumerate(card.joins):
        y = card.top + HEAD + LINE * (number + 1) - 2
        parts.append(_text(card.left + 10, y, column, "column"))
        parts.append(_text(card.left + CARD - 10, y, f"→ {target}", "target", at_end=True))
    if not card.is_last:
        y = card.top + HEAD / 2
        start = card.left + CARD
        parts.append(f'<path class="lines" d="M{start:.0f} {y:.0f} {start + GAP:.0f} {y:.0f}"/>')
    return parts


def _text(x: float, y: float, text: str, kind: str, *, at_end: bool = False) -> str:
    anchor = ' text-anchor="end"' if at_end else ""
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}"{anchor}>{escape(text)}</text>'


def headers() -> dict[str, tuple[str, str]]:
    """Column and table of the document, by the table of its lines."""
    found = catalogue.load().streams
    return {
        name: (link.field, link.stream) for name, item in found.items() if (link := item.parent)
    }
