"""Does every malformed record end with a reason, and does nothing else suffer?"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.books.attachments import CONTENT
from exactonline_sandbox.books.attachments import TABLE as ATTACHMENTS
from tests.stress import traps
from tests.stress.writing.company import STREAM, company
from tests.stress.writing.forms import ALIVE, EMPTY, MARK, UNCLEAR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.stress.writing.company import Company, Record

SOUND_EVERY = 500
"""One record in so many is sound, and has to arrive between the others."""
REJECTED = 5
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 10**400, 1e308, 5e-324, 0.1 + 0.2, "", " ", "\x00",
    "\ud800", "\u202e\u0301", "a" * 5000, "'", "''; drop", "%27 or 1 eq 1", "{", "[]", "[{}]",
    "[" * 3000, "null", "NaN", "1e999", "2026-02-30", "2026-06-25T25:61:00+99:99", "0000-00-00",
    "12,5", "1,234.50", "02-11-2026", "\u00a0",
    "00000000-0000-0000-0000-000000000000", "not-a-guid", "½", [], {}, [[]], [None], [1, "a"],
    [{}], [{"": None}], {"Code": None}, {"Code": {"Code": 1}}, {"results": []}, [[[[{}]]]],
)  # fmt: skip
NAMES = (
    "YourRef", "your_ref", "YOURREF", "OrderedBy", "ordered_by", "OrderedByCode", "Description",
    "SalesInvoiceLines", "sales_invoice_lines", "Type", "OrderDate", "Discount", "Currency",
    "Journal", "InvoiceID", "Division", "AmountFC", "VATAmountFC", "Status", "_sdc_deleted_at",
    "_SDC_DELETED_AT", "_sdc_batched_at", "attachments", "attachment_path", "reference",
    "Nonsense", "", "__proto__", "é", "a" * 300,
)  # fmt: skip
LINE_NAMES = (
    "Item", "item", "ItemCode", "Quantity", "quantity", "NetPrice", "UnitPrice", "VATCode",
    "GLAccount", "LineNumber", "Notes", "Discount", "AmountFC", "Nonsense", "_sdc_deleted_at",
)  # fmt: skip


@dataclass
class Figures:
    """What became of the records."""

    records: int
    sound: int = 0
    code: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: int = 0
    """Different ones, without what differs from record to record."""
    calls: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def malformed(seed: int, records: int) -> Figures:
    """Load records that were broken at random, with sound ones between them."""
    figures = Figures(records)
    with company(seed, customers=10, items=20) as books:
        trapped, files = traps.make(books.folder), _files(books)
        books.settings["attachments_folder"] = str(trapped.scans)
        text = b"".join(_messages(figures, books, random.Random(seed)))
        begin = time.monotonic()
        before = _invoices(books)
        ended = books.load(text, hard_delete=True)
        figures.seconds = time.monotonic() - begin
        figures.code, figures.calls = ended.code, books.calls()
        reported = books.reported()
        made = _invoices(books)
        sound = {books.invoice(number)["YourRef"] for number in range(figures.sound)}
        sent = [content for key, content in _files(books).items() if key not in files]
        figures.wrong += trapped.wrong(sent)
    if len(sent) != figures.sound:
        figures.wrong.append(f"{len(sent)} files are there, of {figures.sound} sound invoices")
    figures.outcomes = Counter(line["outcome"] for line in reported)
    figures.reasons = len({str(line["reason"]).split(" (")[0] for line in reported})
    if "Traceback" in ended.said:
        figures.wrong.append(f"a traceback: {ended.said[-2000:]}")
    if ended.code != REJECTED:
        figures.wrong.append(f"exit code {ended.code}")
    if len(reported) != records:
        figures.wrong.append(f"{len(reported)} results for {records} records")
    if ended.states[-1:] != [records]:
        figures.wrong.append(f"the last state is {ended.states[-1:]}")
    figures.wrong += [
        f"no reason: {line}"
        for line in reported
        if line["outcome"] == "rejected" and not line["reason"]
    ]
    figures.wrong += [f"deleted: {key}" for key in before.keys() - made.keys()]
    there = Counter(name for name in made.values() if name in sound)
    if there != Counter(sound):
        figures.wrong.append(f"{there.total()} of {len(sound)} sound invoices are there")
    return figures


def _files(books: Company) -> dict[str, bytes]:
    """The files at Exact Online, by the keys of their attachments."""
    rows = books.server.world.company(books.division).table(ATTACHMENTS).rows
    return {str(key): row[CONTENT] for key, row in rows.items() if CONTENT in row}


def _invoices(books: Company) -> dict[str, str]:
    """The reference of each invoice, by its key."""
    rows = books.server.control.truth(books.division, STREAM)
    return {str(row["InvoiceID"]): row["YourRef"] for row in rows}


def _messages(figures: Figures, books: Company, chance: random.Random) -> Iterator[bytes]:
    yield _line({"type": "SCHEMA", "stream": STREAM, "schema": {"properties": {}}})
    for count in range(1, figures.records + 1):
        if count % SOUND_EVERY == 0:
            path = chance.choice(traps.SOUND)
            record = {**books.invoice(figures.sound), "attachment_path": path}
            figures.sound += 1
        else:
            record = broken(books.invoice(10**6 + count), chance)
        yield _line({"type": "RECORD", "stream": STREAM, "record": record})
    yield _line({"type": "STATE", "value": {"next": figures.records}})


def _line(message: Record) -> bytes:
    return json.dumps(message).encode() + b"\n"


def broken(record: Record, chance: random.Random) -> Record:
    """A record with at least one fault that no server is needed to see, and perhaps odd values."""
    record = json.loads(json.dumps(record))
    for _ in range(chance.randint(0, 3)):
        _bend(record, chance)
    chance.choice(FAULTS)(record, chance)
    return record


def _bend(record: Record, chance: random.Random) -> None:
    """Put something odd somewhere, which may be right by accident."""
    lines, odd = record.get("SalesInvoiceLines"), deepcopy(chance.choice(ODD))
    if chance.random() < 0.5 and isinstance(lines, list) and lines and isinstance(lines[0], dict):
        chance.choice(lines)[chance.choice(LINE_NAMES)] = odd
    else:
        record[chance.choice(NAMES)] = odd


def _unknown(record: Record, chance: random.Random) -> None:
    record[f"no_such_field_{chance.randrange(1000)}"] = chance.choice(("x", 1, {"a": 1}))
    record.pop("Division", None)
    _live(record, chance)


def _no_customer(record: Record, chance: random.Random) -> None:
    for name in list(record):
        if name.replace("_", "").casefold().startswith("orderedby"):
            del record[name]
    _live(record, chance)


def _no_lines(record: Record, chance: random.Random) -> None:
    record.pop("sales_invoice_lines", None)
    record["SalesInvoiceLines"] = chance.choice(
        (*EMPTY, "{", "[" * 3000, 5, True, [], [1], {"a": []})
    )
    _live(record, chance)


def _bad_quantity(record: Record, chance: random.Random) -> None:
    record.pop("sales_invoice_lines", None)
    quantity: Any = chance.choice(("many", {}, [], "1,5", "0x10", True, "\u0663"))
    record["SalesInvoiceLines"] = [{"Item": "A-0001", "Quantity": quantity, "NetPrice": 1}]
    _live(record, chance)


def _bad_date(record: Record, chance: random.Random) -> None:
    record.pop("order_date", None)
    record["OrderDate"] = chance.choice(
        ("2026-02-30", "25-06-2026", "yesterday", 20260625, {}, "2026-06-25T99:00:00")
    )
    _live(record, chance)


def _no_reference(record: Record, chance: random.Random) -> None:
    for name in list(record):
        if name.replace("_", "").casefold() in {"yourref", "reference"}:
            del record[name]
    if chance.random() < 0.5:
        record["YourRef"] = chance.choice((*EMPTY, "\x00", "a" * 5000, {}, []))
    _live(record, chance)


def _live(record: Record, chance: random.Random) -> None:
    """Not a request to delete, which needs less to be right, though it may look like one."""
    record[MARK] = chance.choice((*ALIVE, *UNCLEAR))


FAULTS: tuple[Callable[[Record, random.Random], None], ...] = (
    _unknown,
    _no_customer,
    _no_lines,
    _bad_quantity,
    _bad_date,
    _no_reference,
    traps.bad_path,
)
