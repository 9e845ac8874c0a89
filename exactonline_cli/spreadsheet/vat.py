"""VAT codes and amounts of the lines of a draft, by the codes of the division."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet import reckoning
from exactonline_cli.spreadsheet.choices import CODES, RATES, Question
from exactonline_cli.spreadsheet.headers import (
    LINE_TOTAL,
    PRICE_INCL,
    TOTAL_EXCL,
    TOTAL_INCL,
    TOTAL_VAT,
    VAT,
    VAT_AMOUNT,
    VAT_RATE,
)
from exactonline_cli.spreadsheet.model import say
from exactonline_cli.spreadsheet.problems import Problem
from exactonline_cli.spreadsheet.reckoned import Reckoned
from exactonline_cli.spreadsheet.rules import DISCOUNT, LIST_PRICE, PRICE, refuse_other_rows

if TYPE_CHECKING:
    from exactonline_cli.spreadsheet.books import Books, Customer, Item
    from exactonline_cli.spreadsheet.model import Document, Draft, Line
    from exactonline_cli.spreadsheet.reckoning import Amounts, VatCode

CODE = "VATCode"
PER_CENT = " %"
INVOICES = "sales_invoices"


def questions(draft: Draft, books: Books) -> list[Question]:
    """What a column of VAT leaves open: whether its numbers are codes or rates."""
    column = draft.mapping.of(VAT)
    if column is None or draft.choices.vat or not books.vat_codes:
        return []
    plain = _plain_texts(draft)
    as_codes = {text for text in plain if books.vat(text)}
    rates = {_of_rate(code) for code in books.vat_codes.values()}
    as_rates = {text for text in plain if text in rates}
    if plain and plain == as_codes == as_rates:
        example = min(plain)
        return [
            Question(
                f"column {column.header}: {example!r} can be a VAT code or {example} %",
                "vat",
                (CODES, RATES),
            )
        ]
    return []


def _of_rate(code: VatCode) -> str:
    return code.percentage.removesuffix(PER_CENT)


def apply(draft: Draft, books: Books) -> None:
    """Give the lines of sound documents their VAT codes, and reckon what these come to.

    What does not fit becomes a problem of its document.
    """
    codes = _Codes(books, are_codes=_are_codes(draft, books))
    for document in draft.documents.edited():
        if document.problems:
            continue
        names = ("OrderedBy", "OrderedByCode", "OrderedByName")
        customer = books.customer(*(_say(document, name) for name in names))
        reckoned = Reckoned(customer)
        for line in document.lines:
            code = codes.of(document, line, customer)
            item = _item(line, books)
            reckoned.lines.append((_amounts(line, item, code), code))
            reckoned.items.append(item.description if item else "")
        if draft.entity.stream == INVOICES and books.vat_codes:
            _compare(document, reckoned)
        refuse_other_rows(document)
        document.reckoned = reckoned


def _plain_texts(draft: Draft) -> set[str]:
    """What stands in a column of VAT without a per cent sign."""
    texts = {
        say(line.meant[VAT])
        for document in draft.documents
        for line in document.lines
        if VAT in line.meant
    }
    return {text for text in texts if not text.endswith(PER_CENT)}


def _are_codes(draft: Draft, books: Books) -> bool:
    """Whether plain numbers in a column of VAT are codes."""
    if draft.choices.vat:
        return draft.choices.vat == CODES
    return not _plain_texts(draft) <= {_of_rate(code) for code in books.vat_codes.values()}


@dataclass(frozen=True)
class _Codes:
    """Finds the VAT codes of lines."""

    books: Books
    are_codes: bool
    """Plain numbers in a column of VAT are codes, not rates."""

    def of(self, document: Document, line: Line, customer: Customer | None) -> VatCode | None:
        """The VAT code of a line: that given, that of the rate that is given, or the usual one."""
        usual = self._usual(line, customer)
        includes = PRICE_INCL in line.meant
        text = _say_meant(line, VAT_RATE) or _say_meant(line, VAT)
        is_rate = text is not None and (text.endswith(PER_CENT) or not self.are_codes)
        if text is not None and not is_rate:
            line.fields[CODE] = text
            line.headers.setdefault(CODE, line.header(VAT) or "")
        given = self.books.vat(_say(line, CODE))
        if not self.books.vat_codes or not (is_rate or includes):
            return given or usual
        base = given or usual
        rate = _rate(text or "") if is_rate else base.rate if base else None
        if is_rate and rate is None:
            document.refuse(line.problem("is not a rate of VAT; write it as 21 %", VAT_RATE, VAT))
        if rate is None or (not is_rate and not rate):
            return base
        return self._of_rate(document, line, (given, usual), rate)

    def _usual(self, line: Line, customer: Customer | None) -> VatCode | None:
        """The code that Exact Online gives a line that has none: the customer's, or the item's."""
        item = _item(line, self.books)
        return self.books.vat(
            (customer.vat_code if customer else None) or (item.vat_code if item else None)
        )

    def _of_rate(
        self,
        document: Document,
        line: Line,
        preferred: tuple[VatCode | None, ...],
        rate: Decimal,
    ) -> VatCode | None:
        """Give a line the code of a rate: one that it prefers, else the only one there is."""
        includes = PRICE_INCL in line.meant and bool(rate)
        fitting = [
            code
            for code in self.books.vat_codes.values()
            if (code.rate, code.includes) == (rate, includes)
            and code.for_sales
            and not (rate and code.charged)
        ]
        found = next((code for code in preferred if code in fitting), None)
        if found is None and len(fitting) == 1:
            found = fitting[0]
        if found is None:
            reason = self._why_none(fitting, rate, includes=includes)
            document.refuse(line.problem(reason, VAT_RATE, VAT, PRICE_INCL, PRICE))
            return None
        line.fields[CODE] = found.code
        line.headers.setdefault(CODE, line.header(VAT_RATE, VAT, PRICE_INCL, PRICE) or "")
        return found

    def _why_none(self, fitting: list[VatCode], rate: Decimal, *, includes: bool) -> str:
        shown = f"{(rate * 100).normalize():f} %"
        kind = "with VAT in the price" if includes else "without VAT in the price"
        if fitting:
            named = ", ".join(f"{code.code} ({code.description})" for code in fitting)
            return (
                f"can be one of several VAT codes of {shown} {kind}: {named}; give the code in a "
                "column Btw-code, or --set VATCode=CODE"
            )
        rates = {code.percentage for code in self.books.vat_codes.values()
                 if code.includes == includes and code.for_sales}  # fmt: skip
        return f"has no VAT code: none has {shown} {kind} (known: {', '.join(sorted(rates))})"


def _rate(text: str) -> Decimal | None:
    try:
        return Decimal(text.removesuffix(PER_CENT)) / 100
    except ArithmeticError:
        return None


def _item(line: Line, books: Books) -> Item | None:
    return books.item(_say(line, "Item") or _say(line, "ItemCode"))


def _amounts(line: Line, item: Item | None, code: VatCode | None) -> Amounts | None:
    price = _number(line, PRICE)
    if price is None:
        listed = _number(line, LIST_PRICE)
        if listed is None:
            listed = item.price if item else None
        price = None if listed is None else reckoning.discounted(
            listed, _number(line, DISCOUNT) or Decimal(0)
        )  # fmt: skip
    if price is None:
        return None
    quantity = _number(line, "Quantity")
    return reckoning.line(Decimal(1) if quantity is None else quantity, price, code)


def _number(line: Line, name: str) -> Decimal | None:
    value = line.fields.get(name)
    if isinstance(value, Decimal):
        return value
    try:
        return Decimal(value) if isinstance(value, str) else None
    except ArithmeticError:
        return None


def _say(line: Line, name: str) -> str | None:
    return say(line.fields[name]) if name in line.fields else None


def _say_meant(line: Line, name: str) -> str | None:
    return say(line.meant[name]) if name in line.meant else None


def _compare(document: Document, reckoned: Reckoned) -> None:
    """Compare the totals of the file with what Exact Online will reckon, to the cent."""
    for line, (amounts, _) in zip(document.lines, reckoned.lines, strict=True):
        if amounts is not None:
            _compare_line(document, line, amounts)
    amounts = reckoned.amounts
    if amounts is None or document.problems:
        return
    net, vat, total = amounts.net, amounts.vat, amounts.total
    includes = any(PRICE_INCL in line.meant for line in document.lines)
    for name, possible in (
        (TOTAL_INCL, (total,)),
        (TOTAL_EXCL, (net, total) if includes else (net,)),
        (TOTAL_VAT, (vat,)),
    ):
        given = document.totals.get(name, [])
        if given and not _agree(given, possible):
            _differ(document, name, given[0], possible[0])


def _compare_line(document: Document, line: Line, amounts: Amounts) -> None:
    for name, possible in (
        (LINE_TOTAL, (amounts.net, amounts.total)),
        (VAT_AMOUNT, (amounts.vat,)),
    ):
        given = line.meant.get(name)
        if isinstance(given, Decimal) and not _agree([given], possible):
            document.refuse(
                line.problem(
                    f"is not what Exact will calculate, {possible[0]:.2f}: correct the "
                    f"price, the quantity or the VAT, or leave the column out with --column "
                    f"{line.header(name)!r}=ignore",
                    name,
                )
            )


def _agree(given: list[Decimal], possible: tuple[Decimal, ...]) -> bool:
    """Whether a total is one of some amounts; its rows may each bear it, or their part of it."""
    whole = {reckoning.cents(amount) for amount in possible}
    return (
        reckoning.cents(sum(given, Decimal(0))) in whole
        or {reckoning.cents(amount) for amount in given} <= whole
    )


def _differ(document: Document, name: str, given: Decimal, reckoned: Decimal) -> None:
    header = document.header(name)
    document.refuse(
        Problem(
            document.row,
            f"is not what Exact will calculate, {reckoned:.2f}: correct the lines, give "
            f"--prices incl if they include VAT, or leave the column out with --column "
            f"{header!r}=ignore",
            header,
            say(given),
        )
    )
