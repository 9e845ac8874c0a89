"""Notes on a draft: values sent in another form than in their cells, and what Exact may refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet.cells import FRACTIONS
from exactonline_cli.spreadsheet.countries import country_code
from exactonline_cli.spreadsheet.headers import CHECKS, KEY, VAT, VAT_RATE
from exactonline_cli.spreadsheet.model import say
from exactonline_cli.spreadsheet.rules import SAME_DAY
from exactonline_cli.spreadsheet.table import Percent, is_empty, text_of
from exactonline_client.printable import counted
from target_exactonline.schema.fields import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exactonline_cli.spreadsheet.books import Books
    from exactonline_cli.spreadsheet.columns import Column
    from exactonline_cli.spreadsheet.model import Draft

REFERENCE = "YourRef"
NUMBER = "InvoiceNumber"
MOST_NAMED = 5


def explanations(draft: Draft, books: Books) -> list[str]:
    """Sentences about a draft whose VAT is settled, each about one column or kind of account."""
    return [
        *_of_number(draft),
        *_of_days(draft),
        *_of_discounts(draft),
        *_of_countries(draft),
        *_of_rates(draft, books),
        *_of_checks(draft, books),
        *_of_made(draft),
        *_of_accounts(draft),
    ]


def _of_number(draft: Draft) -> Iterator[str]:
    key, reference = draft.mapping.of(KEY), draft.mapping.of(REFERENCE)
    if key is None or NUMBER not in draft.entity.endpoint.properties:
        return
    if reference is None:
        yield (
            f"{key.header} becomes the reference ({REFERENCE}), by which the document is known; "
            "Exact gives the number itself."
        )
    else:
        yield (
            f"{key.header} only says which rows are one document; {reference.header} is its "
            "reference, and Exact gives the number itself."
        )


def _of_days(draft: Draft) -> Iterator[str]:
    possible = shape_of(draft.entity.endpoint.id).writable
    for given, other in SAME_DAY:
        column = draft.mapping.of(given)
        if column and other in possible and draft.mapping.of(other) is None:
            yield f"{column.header} is used for {other} too, as there is no other date."


def _of_discounts(draft: Draft) -> Iterator[str]:
    for column in draft.mapping.columns:
        name = column.field.name
        if name not in FRACTIONS:
            continue
        lines = (line for document in draft.sound for line in (document, *document.lines))
        found = next((value for line in lines if (value := line.fields.get(name))), None)
        if isinstance(found, Decimal):
            yield (
                f"{column.header}: {say(found * 100)} % is sent as {say(found)}, since a discount "
                "is a fraction at Exact."
            )


def _of_countries(draft: Draft) -> Iterator[str]:
    column = draft.mapping.of("Country")
    if column is None:
        return
    texts = dict.fromkeys(text_of(row.cell(column.index)) for row in draft.rows)
    found = {text: code for text in texts if (code := country_code(text)) and text.upper() != code}
    if found:
        yield f"{column.header}: {', '.join(f'{text} is {code}' for text, code in found.items())}."


def _of_rates(draft: Draft, books: Books) -> Iterator[str]:
    column = draft.mapping.of(VAT_RATE) or draft.mapping.of(VAT)
    if column is None:
        return
    found: dict[tuple[str, str], None] = {}
    for document in draft.sound:
        for line in document.lines:
            text = line.meant.get(VAT_RATE, line.meant.get(VAT))
            code = books.vat(say(line.fields["VATCode"])) if "VATCode" in line.fields else None
            if text is not None and code is not None and say(text) != code.code:
                rate = say(text) if say(text).endswith("%") else f"{say(text)} %"
                found[rate, f"{code.code} ({code.description})"] = None
    if found:
        named = ", ".join(f"{rate} is VAT code {code}" for rate, code in list(found)[:MOST_NAMED])
        yield f"{column.header}: {named}."


def _of_checks(draft: Draft, books: Books) -> Iterator[str]:
    checked = [column for column in draft.mapping.columns if column.field.name in CHECKS]
    if not checked or not books.vat_codes or not any(draft.sound):
        return
    names = ", ".join(column.header for column in checked if _has_numbers(draft, column))
    if names:
        yield f"{names}: not sent, only compared with what Exact will calculate."


def _has_numbers(draft: Draft, column: Column) -> bool:
    cells = (row.cell(column.index) for row in draft.rows)
    return any(isinstance(cell, (Decimal, Percent, str)) and not is_empty(cell) for cell in cells)


def _of_made(draft: Draft) -> Iterator[str]:
    made = (document.reference for document in draft.documents if document.is_made)
    first = next(made, None)
    if first is not None:
        count = 1 + sum(1 for _ in made)
        yield (
            f"{counted(count, 'document has', 'documents have')} no reference in the file. It is "
            f"made of customer, day and place, such as {first}, and is the same when the file is "
            "imported again." + _perhaps(draft.mapping.left_out)
        )


def _of_accounts(draft: Draft) -> Iterator[str]:
    named = (each.reckoned.customer for each in draft.documents if each.reckoned)
    others = sorted({each.code for each in named if each and not each.is_customer})
    if others:
        more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
        yield (
            "Exact may refuse invoices to accounts that are not customers: "
            f"{', '.join(others[:MOST_NAMED])}{more}. Make them customers there first."
        )


def _perhaps(left_out: Sequence[str]) -> str:
    """Where a reference may be after all: rows of one invoice would become several."""
    if not left_out:
        return ""
    named = ", ".join(left_out[:MOST_NAMED])
    return f" If a column that is left out ({named}) has their number, give --column HEADER=key."
