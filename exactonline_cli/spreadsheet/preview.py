"""What an import will do, as documents: for people, and as plain data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exactonline_cli.spreadsheet.columns import KNOWN
from exactonline_cli.spreadsheet.csv_file import SHOWN as DELIMITER_NAMES
from exactonline_cli.spreadsheet.headers import IGNORE, PARTY_NAME
from exactonline_cli.spreadsheet.model import say
from exactonline_cli.spreadsheet.rules import DISCOUNT, LIST_PRICE, PRICE
from exactonline_cli.spreadsheet.table import is_empty, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exactonline_cli.spreadsheet.model import Document, Draft, Value
    from exactonline_cli.spreadsheet.problems import Problem
    from exactonline_cli.spreadsheet.reckoning import Amounts

NEW, THERE, CHANGED, WRONG, OPEN = "new", "there already", "to change", "refused", "in doubt"
"""What becomes of a document."""
STATES = {
    "would_create": NEW,
    "would_update": CHANGED,
    "exists": THERE,
    "unchanged": THERE,
    "would_skip": THERE,
    "would_reject": WRONG,
    "in_doubt": OPEN,
}
"""By the outcome of a dry run."""
MOST_SHOWN = 20
"""Documents that are shown whole."""
ROWS_SHOWN = 3
"""Rows that are shown of mistakes of one kind."""


@dataclass
class Preview:
    """A draft, with what Exact Online has and will reckon."""

    file: str
    draft: Draft
    division: str
    """Number and name."""
    notes: list[str] = field(default_factory=list)

    counts: Counter[str] = field(init=False, default_factory=Counter)
    """How many documents there are of each state."""
    problems: list[tuple[Problem, str | None]] = field(init=False, default_factory=list)
    """All mistakes with the references of their documents, by row."""
    total: Decimal | None = field(init=False, default=None)
    """What the new documents come to; None where that is not known of any."""

    def __post_init__(self) -> None:
        """Sum up the documents."""
        for document in self.draft.documents:
            now = state(document)
            self.counts[now] += 1
            self.problems += [(problem, document.reference) for problem in document.problems]
            amounts = amounts_of(document) if now == NEW else None
            if amounts:
                self.total = (self.total or Decimal(0)) + amounts.total
        self.problems.sort(key=lambda pair: pair[0].row)


def state(document: Document) -> str:
    """What becomes of a document."""
    return WRONG if document.problems else document.outcome or NEW


def lines(preview: Preview, *, everything: bool = False) -> Iterator[str]:
    """The preview for people, line by line.

    Args:
        preview: what is shown.
        everything: show all documents, not the first ones only.
    """
    draft = preview.draft
    yield _heading(preview)
    yield ""
    yield from _columns(draft)
    shown = draft.documents if everything else draft.documents[:MOST_SHOWN]
    for document in shown:
        yield ""
        yield from _document(document)
    hidden = len(draft.documents) - len(shown)
    if hidden:
        yield ""
        yield f"... and {hidden} more documents; --all shows them."
    yield ""
    yield from _mistakes(preview)
    yield from _left_out(draft)
    for note in [*draft.notes, *preview.notes]:
        yield f"Note: {note}"
    yield summary(preview)


def _heading(preview: Preview) -> str:
    table, head = preview.draft.table, preview.draft.headers
    count = len(preview.draft.rows)
    how = (
        f"sheet {table.sheet}"
        if table.sheet
        else f"{table.encoding}, {DELIMITER_NAMES.get(table.delimiter or '', table.delimiter)}"
    )
    return (
        f"{preview.file} ({how}; headers in row {head.row}; {count} "
        f"{'row' if count == 1 else 'rows'}) for division {preview.division}"
    )


def _columns(draft: Draft) -> Iterator[str]:
    """Each column with its field, a value, and how that was found."""
    names = [column.header.replace("\n", " ") for column in draft.mapping.columns]
    width = max(map(len, names), default=0)
    for name, column in zip(names, draft.mapping.columns, strict=True):
        sample = next(
            (text_of(row.cell(column.index)) for row in draft.rows
             if not is_empty(row.cell(column.index))), "",
        )  # fmt: skip
        if column.field.name == IGNORE:
            continue
        number = f" of item {column.group}" if column.group is not None else ""
        how = " (as you say)" if column.how == "given" else ""
        meant = column.field.name
        if meant == LIST_PRICE and column.how == KNOWN and not draft.mapping.of(DISCOUNT):
            # Without a discount, a price for one is what the customer pays.
            meant = PRICE
        yield (
            f"  {name:<{width}}  {MEANS.get(meant, meant)}{number}{how}"
            + (f"  e.g. {_cut(sample, 30)}" if sample else "")
        )
    for name, value in draft.choices.constants.items():
        yield f"  {'(all documents)':<{width}}  {name} = {value}"
    if draft.mapping.left_out:
        yield f"  Left out, as they match no field: {', '.join(draft.mapping.left_out)}."


MEANS = {
    "key": "number of the document",
    "OrderedBy": "customer, by code (OrderedBy)",
    "OrderedByName": "customer, by name",
    "InvoiceDate": "date of the invoice (InvoiceDate)",
    "Item": "item, by code",
    "NetPrice": "price without VAT (NetPrice)",
    "UnitPrice": "price before the discount (UnitPrice)",
    "party": "customer or supplier, by code or name",
    PARTY_NAME: "name, for you only",
    "vat": "VAT",
    "vat_rate": "VAT rate",
    "price_incl": "price with VAT",
    "price_open": "price",
    "line_total": "checked only: amount of the line",
    "vat_amount": "checked only: VAT of the line",
    "total_incl": "checked only: total with VAT",
    "total_excl": "checked only: total without VAT",
    "total_vat": "checked only: VAT",
    "amount_incl": "checked only: amount with VAT",
    "discount_amount": "discount as an amount",
    "item_name": "name of the item, for you only",
    "duration": "quantity in hours",
    "debit": "debit",
    "credit": "credit",
    "side": "debit or credit",
}
"""What is said of fields that have a better name for people."""


def _document(document: Document) -> Iterator[str]:
    reckoned = document.reckoned
    made = " (made)" if document.is_made else ""
    parts = [
        f"{document.reference or '(no reference)'}{made}",
        who(document),
        _day(document),
        f"{'row' if len(document.rows) == 1 else 'rows'} {_span(document.rows)}",
        state(document),
    ]
    yield "  ".join(part for part in parts if part)
    if document.problems:
        return
    yield from _lines(document)
    amounts = reckoned.amounts if reckoned else None
    if document.lines and amounts is not None:
        yield f"    net {amounts.net:.2f}  VAT {amounts.vat:.2f}  total {amounts.total:.2f}"
    if document.note:
        yield f"    {document.note}"


def who(document: Document) -> str:
    """The customer or supplier of a document: its code and name."""
    reckoned = document.reckoned
    if reckoned and reckoned.customer:
        return f"{reckoned.customer.code} {reckoned.customer.name}"
    names = ("OrderedBy", "OrderedByCode", "OrderedByName", "Customer", "CustomerCode", "Supplier",
             "SupplierCode", "Name")  # fmt: skip
    return next((say(document.fields[name]) for name in names if name in document.fields), "")


def _day(document: Document) -> str:
    days = ("InvoiceDate", "OrderDate", "EntryDate")
    return next((say(document.fields[name]) for name in days if name in document.fields), "")


NUMBERS = (0, 3, 5)
"""Columns of `_cells` that are aligned to the right."""


def _lines(document: Document) -> Iterator[str]:
    """The lines of a document, their values below each other."""
    rows = [_cells(document, index) for index in range(len(document.lines))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{cell:>{width}}" if place in NUMBERS else f"{cell:<{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            if width
        ]
        yield f"    {'  '.join(cells)}".rstrip()


def _cells(document: Document, index: int) -> tuple[str, ...]:
    """Quantity, item or account, text, price, discount, amount and VAT of a line."""
    fields, reckoned = document.lines[index].fields, document.reckoned
    amounts, code = reckoned.lines[index] if reckoned else (None, None)
    what = next(
        (say(fields[each]) for each in ("Item", "ItemCode", "GLAccount") if each in fields), ""
    )
    text = fields.get("Description") or (reckoned.items[index] if reckoned else "")
    price = fields.get("NetPrice", fields.get("UnitPrice"))
    discount = fields.get("Discount")
    amount = amounts.net if amounts else fields.get("AmountFC")
    return (
        say(fields["Quantity"]) if "Quantity" in fields else "",
        what,
        _cut(say(text), 40),
        _money(price),
        f"less {say(Decimal(say(discount)) * 100)} %" if discount else "",
        _money(amount),
        f"VAT {code.percentage}" if amounts and code else "",
    )


def _money(value: Value | None) -> str:
    """An amount with cents, or with as many digits as it has."""
    if not isinstance(value, Decimal):
        return "" if value is None else say(value)
    return f"{value:.2f}" if value == round(value, 2) else say(value)


def _mistakes(preview: Preview) -> Iterator[str]:
    """The mistakes, those of one kind together."""
    by_kind: dict[tuple[str | None, str], list[tuple[Problem, str | None]]] = {}
    for problem, reference in preview.problems:
        by_kind.setdefault((problem.column, problem.reason), []).append((problem, reference))
    for same in by_kind.values():
        for problem, reference in same[:ROWS_SHOWN]:
            yield f"{problem.sentence(reference)}."
        if len(same) > ROWS_SHOWN:
            rows = _span([problem.row for problem, _ in same[ROWS_SHOWN:]])
            yield f"  the same in {len(same) - ROWS_SHOWN} more: rows {rows}."


def _left_out(draft: Draft) -> Iterator[str]:
    by_reason: dict[str, list[int]] = {}
    for each in draft.skipped:
        by_reason.setdefault(each.why, []).append(each.row)
    for why, rows in by_reason.items():
        yield f"{'Row' if len(rows) == 1 else 'Rows'} {_span(rows)} left out: {why}."


def summary(preview: Preview) -> str:
    """How many documents there are of each state, and what the new ones come to."""
    counts = preview.counts
    parts = [f"{counts[NEW]} to create", *(f"{counts[each]} {each}" for each in
             (CHANGED, THERE, OPEN, WRONG) if counts[each])]  # fmt: skip
    text = ", ".join(parts)
    return (
        f"{text}." if preview.total is None else f"{text}; together {preview.total:.2f} with VAT."
    )


def facts(preview: Preview) -> dict[str, Any]:
    """The preview as plain data; amounts are text with two decimals."""
    draft = preview.draft
    return {
        "file": preview.file,
        "division": preview.division,
        "encoding": draft.table.encoding,
        "delimiter": draft.table.delimiter,
        "sheet": draft.table.sheet,
        "header_row": draft.headers.row,
        "columns": [
            {"header": column.header, "field": column.field.name, "part": column.field.part,
             "found_by": column.how}
            for column in draft.mapping.columns
        ],
        "left_out_columns": draft.mapping.left_out,
        "skipped_rows": [{"row": each.row, "reason": each.why} for each in draft.skipped],
        "documents": [_facts_of(document) for document in draft.documents],
        "problems": [
            {"row": problem.row, "reference": reference, "column": problem.column,
             "value": problem.value, "reason": problem.reason}
            for problem, reference in preview.problems
        ],
        "notes": [*draft.notes, *preview.notes],
    }  # fmt: skip


def amounts_of(document: Document) -> Amounts | None:
    """What a document with lines comes to; None where that is not known."""
    reckoned = document.reckoned
    return reckoned.amounts if reckoned and reckoned.lines else None


def _facts_of(document: Document) -> dict[str, Any]:
    amounts = None if document.problems else amounts_of(document)
    return {
        "reference": document.reference,
        "reference_made": document.is_made,
        "state": state(document),
        "rows": document.rows,
        "customer": who(document) or None,
        "fields": {name: say(value) for name, value in document.fields.items()},
        "lines": [{name: say(value) for name, value in line.fields.items()}
                  for line in document.lines],
        "net": f"{amounts.net:.2f}" if amounts else None,
        "vat": f"{amounts.vat:.2f}" if amounts else None,
        "total": f"{amounts.total:.2f}" if amounts else None,
        "note": document.note,
    }  # fmt: skip


def _span(rows: Sequence[int]) -> str:
    most = 12
    return ", ".join(map(str, rows[:most])) + (", ..." if len(rows) > most else "")


def _cut(text: str, width: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= width else f"{flat[: width - 3]}..."
