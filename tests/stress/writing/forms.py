"""Do records that come in other forms mean what they say, and no more?

Marks of deletion that are empty, or anything but a moment; keys that are null, empty or missing;
empty texts wherever a column has nothing; numbers, codes and days in each form that a spreadsheet
or a database may give them. Nothing may be deleted but by a moment, and no line may disappear.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from target_exactonline.results.reasons import WRITTEN_BEFORE
from tests.stress.writing.company import STREAM, company

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tests.stress.writing.company import Company, Ended, Record

MARK = "_sdc_deleted_at"
LINES, FLAT = "sales_invoice_lines", "web"
STREAMS = {FLAT: {"entity": "sales_invoices", "rows": "lines"}}
KEYS = {STREAM: [], FLAT: ["your_ref", "line_number"], LINES: ["reference", "LineNumber"]}
EMPTY = (None, "", " ", "\t", "\u00a0")
ALIVE = (*EMPTY, False, 0, 0.0, "false", "False", "0")
UNCLEAR: tuple[Any, ...] = (
    True, "true", 1, "1", "yes", "deleted", "null", "NaT", {}, [], [None], 1_782_405_060, -1,
    "2026-02-30", "25-06-2026", "20260625", "2026-06-25T25:00:00Z", "0001-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z", "9999-12-31", "\x00", "2026-06-25 x",
)  # fmt: skip
MOMENTS = (
    "2026-06-25", "2026-06-25T10:00:00Z", " 2026-06-25 10:00:00.123456+02 ",
    "2026-06-25T10:00:00.5+00:00", "2026-06-25T10:00:00+00:00+00:00", "2026-06-25 10:00:00",
)  # fmt: skip
DAYS = (*EMPTY, "2026-06-25", "2026-06-25T00:00:00", "2026-06-25 00:00:00+00", " 2026-06-25 ")
OPTIONAL = (
    "OrderDate", "Discount", "Currency", "DeliverTo", "Type", "PaymentCondition", "WarehouseCode",
    "Division", "IsExtraDuty", "InvoiceID", "order_number", "attachments", "attachment_path",
)  # fmt: skip
OPTIONAL_OF_LINE = ("VATCode", "GLAccount", "Discount", "CostCenter", "UnitPrice", "delivery_date")
DOOMED_EVERY = 5
"""One victim in so many is deleted by a moment in the end."""
VICTIMS = 100
LINES_A_DOCUMENT = 60
PART = 25_000
"""Records of one load."""
UNCLEAR_SHARE = 0.1
"""Of the records of victims; each has its outcome noted in the store, which takes its time."""
UNCLEAR_EVERY = 20
"""One document put together in so many has a mark that is none, and is rejected."""
REJECTED = 5


@dataclass
class Figures:
    """What came in, and what became of it."""

    records: Counter[str] = field(default_factory=Counter)
    """By stream."""
    marks: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    """Those that had to be at Exact Online in the end."""
    deleted: int = 0
    code: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Expected:
    """What has to be at Exact Online of a document put together of several records."""

    reference: str
    keyed: dict[int, Record] = field(default_factory=dict)
    others: list[Record] = field(default_factory=list)
    marked: Record | None = None
    """The line whose mark is none; another with its key may take its place."""

    @property
    def _rows(self) -> list[Record]:
        return [*self.keyed.values(), *self.others]

    @property
    def rejected(self) -> bool:
        """Whether it must not be written."""
        return any(row is self.marked for row in self._rows)

    @property
    def lines(self) -> Counter[tuple[Decimal, Decimal]]:
        """Quantities and prices."""
        return Counter(_sold(row["Quantity"], row["NetPrice"]) for row in self._rows)


SAID = (None, WRITTEN_BEFORE)
"""Reasons of what is as it was."""


def forms(seed: int, records: int) -> Figures:
    """Load so many records in forms that were chosen at random, into a few companies."""
    figures, chance = Figures(), random.Random(seed)
    begin = time.monotonic()
    for part in range(0, records, PART):
        _load(figures, chance, seed + part, min(PART, records - part))
    figures.seconds = time.monotonic() - begin
    return figures


def _load(figures: Figures, chance: random.Random, seed: int, records: int) -> None:
    """Load records into one company, and see what became of them."""
    with company(seed, customers=10, items=20) as books:
        victims = [books.invoice(number) for number in range(VICTIMS)]
        doomed = {victim["YourRef"] for victim in victims[::DOOMED_EVERY]}
        first = books.load(b"".join(_run((STREAM, each) for each in victims)), streams=STREAMS)
        if first.code:
            raise RuntimeError(first.said)
        books.results.unlink()
        again, outcomes = _victims(victims, figures, chance, records // 2)
        flat, of_flat = _documents(books, figures, chance, FLAT, records * 3 // 10)
        joined, of_joined = _documents(books, figures, chance, LINES, records // 5)
        deletions = [
            (STREAM, {"YourRef": name, MARK: chance.choice(MOMENTS)}) for name in sorted(doomed)
        ]
        messages = [*_mixed(chance, again, flat, joined), *deletions]
        figures.records += Counter(stream for stream, _ in messages)
        ended = books.load(b"".join(_run(messages)), hard_delete=True, streams=STREAMS)
        _check_run(figures, books, ended, outcomes, doomed)
        _check_books(figures, books, {v["YourRef"] for v in victims}, doomed, of_flat + of_joined)


def _run(messages: Iterable[tuple[str, Record]]) -> Iterator[bytes]:
    for stream, keys in KEYS.items():
        schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": {}}}
        yield _line({**schema, "key_properties": keys})
    for stream, record in messages:
        yield _line({"type": "RECORD", "stream": stream, "record": record})
    yield _line({"type": "STATE", "value": {"next": 1}})


def _line(message: Record) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _mixed(
    chance: random.Random, *sources: Sequence[tuple[str, Record]]
) -> Iterator[tuple[str, Record]]:
    """All messages, those of each source in their order."""
    turns = [number for number, source in enumerate(sources) for _ in source]
    chance.shuffle(turns)
    left = [iter(source) for source in sources]
    return (next(left[number]) for number in turns)


def _victims(
    victims: Sequence[Record], figures: Figures, chance: random.Random, number: int
) -> tuple[list[tuple[str, Record]], Counter[tuple[str, bool]]]:
    """Documents that are there, in other forms; how often each has to be rejected, and not."""
    found, outcomes = [], Counter[tuple[str, bool]]()
    for _ in range(number):
        victim = chance.choice(victims)
        unclear = chance.random() < UNCLEAR_SHARE
        mark = chance.choice(UNCLEAR if unclear else ALIVE)
        lines = [
            _sparse(_other(line, chance), OPTIONAL_OF_LINE, chance)
            for line in victim["SalesInvoiceLines"]
        ]
        record = _sparse(_other({**victim, "SalesInvoiceLines": lines}, chance), OPTIONAL, chance)
        record[chance.choice((MARK, MARK, MARK.upper()))] = mark
        figures.marks["unclear" if unclear else "empty"] += 1
        outcomes[victim["YourRef"], unclear] += 1
        found.append((STREAM, record))
    return found, outcomes


def _documents(
    books: Company, figures: Figures, chance: random.Random, stream: str, number: int
) -> tuple[list[tuple[str, Record]], list[Expected]]:
    """Rows of documents that are put together, and what has to come of them."""
    documents, rows = [], []
    for count in range(number // LINES_A_DOCUMENT + 1):
        expected = Expected(f"{stream[0].upper()}-{count:05d}")
        customer = books.customers[count % len(books.customers)]
        shape = _flat if stream == FLAT else _joined
        drawn = [
            shape(expected.reference, customer, line, chance)
            for line in _drawn(books, expected, figures, chance)
        ]
        if stream == LINES:
            header = {"YourRef": expected.reference, "OrderedBy": customer}
            drawn.append((STREAM, _sparse(_other(header, chance), OPTIONAL, chance)))
        documents.append(expected)
        rows.append(drawn)
    return list(_mixed(chance, *rows)), documents


def _drawn(
    books: Company, expected: Expected, figures: Figures, chance: random.Random
) -> Iterator[Record]:
    """The lines of one document, some of which replace others or delete them."""
    marked = chance.randrange(LINES_A_DOCUMENT)
    for count in range(LINES_A_DOCUMENT):
        line: Record = {
            "Item": chance.choice(books.items),
            "Quantity": chance.randint(1, 999),
            "NetPrice": float(Decimal(chance.randint(1, 99_999)) / 100),
            "key": None,
            MARK: chance.choice(ALIVE),
        }
        drawn = chance.random()
        if drawn < 0.3 and expected.keyed:
            line["key"] = chance.choice(list(expected.keyed))
        elif drawn < 0.7:
            line["key"] = count + 1
        gone = count and chance.random() < 0.05
        if gone:
            line[MARK] = chance.choice(MOMENTS)
            expected.keyed.pop(line["key"], None)
        elif line["key"]:
            expected.keyed[line["key"]] = line
        else:
            expected.others.append(line)
        if not gone and count == marked and _is_marked(expected):
            line[MARK] = chance.choice(UNCLEAR)
            expected.marked = line
        figures.marks["moment" if gone else "unclear" if expected.marked is line
                      else "empty"] += 1  # fmt: skip
        yield dict(line)


def _is_marked(expected: Expected) -> bool:
    return int(expected.reference.rpartition("-")[2]) % UNCLEAR_EVERY == 0


def _flat(reference: str, customer: str, line: Record, chance: random.Random) -> tuple[str, Record]:
    """A line with its header beside it, of which some columns are empty."""
    key = line.pop("key")
    mark = line.pop(MARK)
    names = {"Item": "item", "Quantity": "quantity", "NetPrice": "net_price"}
    row = {names[name]: value for name, value in _other(line, chance).items()}
    row |= {"your_ref": _form(reference, chance), "order_date": chance.choice(DAYS), MARK: mark}
    # A row that nothing replaces may have its reference in the other column.
    if key is None and chance.random() < 0.2:
        row |= {"your_ref": chance.choice(EMPTY), "reference": reference}
    row["ordered_by"] = _form(customer, chance)
    for name in ("remarks", "payment_condition", "delivery_date", "notes", "vat_code"):
        row[name] = chance.choice(EMPTY)
    row["description"] = chance.choice((*EMPTY, "Order", "Order "))
    _keyed(row, "line_number", key, chance)
    return FLAT, row


def _joined(
    reference: str, _customer: str, line: Record, chance: random.Random
) -> tuple[str, Record]:
    """A line of a stream of its own."""
    key, mark = line.pop("key"), line.pop(MARK)
    row = _sparse(_other(line, chance), OPTIONAL_OF_LINE, chance)
    row |= {"reference": _form(reference, chance), MARK: mark}
    _keyed(row, "LineNumber", key, chance)
    return LINES, row


def _keyed(row: Record, name: str, key: int | None, chance: random.Random) -> None:
    if key is not None:
        row[name] = _form(key, chance)
    elif chance.random() < 0.7:
        row[name] = chance.choice(EMPTY)


def _other(record: Record, chance: random.Random) -> Record:
    """The same with its values in other forms, and perhaps its names."""
    return {name: _form(value, chance) for name, value in record.items()}


def _sparse(record: Record, names: Sequence[str], chance: random.Random) -> Record:
    """The same with some columns that hold nothing."""
    empty = {name: chance.choice(EMPTY) for name in names if chance.random() < 0.3}
    return {**empty, **record}


def _form(value: object, chance: random.Random) -> object:
    ways: tuple[Callable[[Any], object], ...] = (lambda it: it,)
    if isinstance(value, int):
        ways = (int, float, str, "{} ".format, " {}.0".format, "{}.000".format, "0{}".format)
    elif isinstance(value, float):
        ways = (float, str, " {:.2f}".format, "{:.4f}".format)
    elif isinstance(value, str) and str(value).isdigit() and not value.startswith("0"):
        ways = (str, int, float, "{} ".format, "\t{}".format)
    elif isinstance(value, str):
        ways = (str, "{} ".format, " {}".format, "{}\u00a0".format)
    return chance.choice(ways)(value)


def _sold(quantity: object, price: object) -> tuple[Decimal, Decimal]:
    return Decimal(str(quantity)).normalize(), Decimal(str(price)).normalize()


def _check_run(
    figures: Figures,
    books: Company,
    ended: Ended,
    outcomes: Counter[tuple[str, bool]],
    doomed: set[str],
) -> None:
    """Hold what the run said against what it had to say."""
    reported = books.reported()
    figures.code = ended.code
    figures.outcomes += Counter(line["outcome"] for line in reported)
    if "Traceback" in ended.said:
        figures.wrong.append(f"a traceback: {ended.said[-2000:]}")
    if ended.code != REJECTED:
        figures.wrong.append(f"exit code {ended.code}")
    victims = {name for name, _ in outcomes} | doomed
    said = Counter(
        (line["reference"], line["outcome"] == "rejected")
        for line in reported
        if line["reference"] in victims and line["outcome"] != "deleted"
    )
    figures.wrong += [f"{pair}: {outcomes[pair]} times, {said[pair]} said"
                      for pair in outcomes | said if outcomes[pair] != said[pair]]  # fmt: skip
    figures.wrong += [
        f"not as it was: {line}"
        for line in reported
        if line["reference"] in victims
        and line["outcome"] not in {"rejected", "deleted"}
        and (line["outcome"] not in {"unchanged", "exists"} or line["reason"] not in SAID)
    ]
    figures.wrong += [
        f"more than one reason, or another: {line}"
        for line in reported
        if line["outcome"] == "rejected"
        and (line["reason"].count("should be") != 1 or MARK not in line["reason"].casefold())
    ]


def _check_books(
    figures: Figures,
    books: Company,
    victims: set[str],
    doomed: set[str],
    documents: Sequence[Expected],
) -> None:
    """Hold what is at Exact Online against what has to be there."""
    control = books.server.control
    there = {row["YourRef"]: row for row in control.truth(books.division, STREAM)}
    lines: dict[str, Counter[tuple[Decimal, Decimal]]] = {}
    for row in control.truth(books.division, LINES):
        sold = _sold(row["Quantity"], row["NetPrice"])
        lines.setdefault(row["InvoiceID"], Counter())[sold] += 1
    gone = victims - there.keys()
    figures.deleted += len(gone)
    figures.wrong += [f"deleted without a moment: {name}" for name in sorted(gone - doomed)]
    figures.wrong += [f"not deleted: {name}" for name in sorted(doomed - gone)]
    for document in documents:
        invoice = there.get(document.reference)
        if document.rejected or not document.lines:
            if invoice is not None:
                figures.wrong.append(f"{document.reference} should not be there")
            continue
        found = lines.get(invoice["InvoiceID"], Counter()) if invoice else Counter()
        figures.lines += document.lines.total()
        if found != document.lines:
            figures.wrong.append(
                f"{document.reference}: {found.total()} of {document.lines.total()} lines, "
                f"lacking {document.lines - found}, beyond {found - document.lines}"
            )
