"""Send documents in the unified shape, read them, and build models of them: are they what was sent?

Two hundred documents of six kinds are made by chance and sent into an empty company. The tap
reads it, dbt builds its models in DuckDB, and each field that was sent has to be in the unified
model. The same documents once more, and the rows of the models sent back, cause no write.
"""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from exactonline_sandbox import Sandbox, SandboxConfig
from tests.dbt import books, sending
from tests.stress.program import Program, hide_warnings

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator

    from tests.dbt.sending import Record

NOW = datetime(2026, 6, 30, 8, tzinfo=timezone.utc)
FIRST_DAY = date(2026, 1, 1)
CENT = Decimal("0.01")
DOCUMENTS = 200
RELATIONS = 20
"""Customers, and as many suppliers; the other documents are of the four other kinds."""
VAT = {"0": Decimal(0), "2": Decimal("0.21"), "4": Decimal("0.09")}
COSTS = ("4300", "4500", "4700", "4900", "7000", "7100")
ITEMS = tuple(f"I-{number}" for number in range(6))
THERE = ("unchanged", "exists")
"""Outcomes of what came back: Exact Online has no way to change a journal entry."""
TEXTS = ("Ànders geschreven", "O'Neil & Zn.", 'met "aanhaling"', "50 % korting; 2 regels", "日本語")


class Maker:
    """Makes documents by chance."""

    def __init__(self, seed: int) -> None:
        """Equal seeds make equal documents."""
        self.rng = random.Random(seed)

    def amount(self, most: int = 500) -> Decimal:
        """An amount in cents."""
        return Decimal(self.rng.randrange(1, most * 100)) * CENT

    def day(self) -> date:
        """A day of the first half of the year."""
        return FIRST_DAY + timedelta(days=self.rng.randrange(180))

    def relation(self, number: int) -> Record:
        """A customer or supplier, with the fields that both have."""
        name = f"{self.rng.choice(TEXTS)} {number}"
        return {
            "display_id": str(number),
            "display_name": name,
            "company_name": self.rng.choice([name, f"{name} BV"]),
            "emails": self.rng.choice([[], [f"post{number}@example.com"]]),
            "phone_numbers": [f"020-{number:07}"],
            "websites": ["https://example.com"],
            "tax_number": f"NL{number:09}B01",
            "company_registration": f"{number:08}",
            "tax_rate": {"code": self.rng.choice([*VAT])},
            "currency": self.rng.choice(["EUR", "USD", "GBP"]),
            "terms_id": self.rng.choice(["14", "30", "60"]),
            "notes": self.rng.choice(TEXTS),
            "status": "active",
        }

    def invoice(self, number: int) -> Record:
        """An invoice."""
        day = self.day()
        return {
            **self._sale(f"INV-{number}"),
            "type": "standard",
            "display_id": 500_000 + number,
            "invoice_date": day.isoformat(),
            "due_date": (day + timedelta(days=self.rng.choice([0, 14, 30]))).isoformat(),
            "discount_percentage": self.rng.choice([0, 0, 5, Decimal("2.5")]),
            "customer_memo": self.rng.choice(TEXTS),
            "line_items": [
                {**self._line(), "service_date": day.isoformat()}
                for _ in range(self.rng.randint(1, 4))
            ],
        }

    def credit_note(self, number: int) -> Record:
        """A credit note to a customer."""
        lines = [self._line() for _ in range(self.rng.randint(1, 3))]
        for line in lines:
            line.pop("discount_percentage", None)
            line["total_amount"] = (line["quantity"] * line["unit_price"]).quantize(
                CENT, ROUND_HALF_UP
            )
        return {
            **self._sale(f"CRE-{number}"),
            "type": "accounts_receivable_credit",
            "date_issued": self.day().isoformat(),
            "note": self.rng.choice(TEXTS),
            "sub_total": sum(line["total_amount"] for line in lines),
            "line_items": lines,
        }

    def _sale(self, reference: str) -> Record:
        return {
            "reference": reference,
            "customer": {"display_id": str(1000 + self.rng.randrange(RELATIONS))},
            "terms_id": self.rng.choice(["14", "30"]),
            "currency": self.rng.choice(["EUR", "EUR", "USD"]),
            "status": "authorised",
        }

    def _line(self) -> Record:
        return {
            "type": "sales_item",
            "item": {"code": self.rng.choice(ITEMS)},
            "description": self.rng.choice(TEXTS),
            "quantity": Decimal(self.rng.randrange(1, 40)) / 2,
            "unit_price": self.amount(),
            "discount_percentage": self.rng.choice([0, 10, Decimal("12.5")]),
            "tax_rate": {"code": self.rng.choice([*VAT])},
            "ledger_account": {"code": self.rng.choice(["8000", "8010", "8050"])},
            "memo": self.rng.choice(TEXTS),
        }

    def bill(self, number: int) -> Record:
        """A bill, or the credit of a supplier."""
        day, lines = self.day(), [self._bill_line() for _ in range(self.rng.randint(1, 4))]
        net = sum((line["total_amount"] for line in lines), Decimal(0))
        tax = sum((line["tax_amount"] for line in lines), Decimal(0))
        return {
            "bill_number": f"BIL-{number}",
            "type": self.rng.choice(["bill", "bill", "accounts_payable_credit"]),
            "supplier": {"display_id": str(2000 + self.rng.randrange(RELATIONS))},
            "journal": "60",
            "bill_date": day.isoformat(),
            "due_date": (day + timedelta(days=30)).isoformat(),
            "po_number": self.rng.randrange(1, 9999),
            "reference": f"P{number:06}",
            "terms_id": "30",
            "currency": "USD",
            "currency_rate": Decimal("0.91"),
            "accounting_period": f"{day.year}-{day.month:02}",
            "notes": self.rng.choice(TEXTS),
            "status": "authorised",
            "sub_total": net,
            "total_tax": tax,
            "total": net + tax,
            "line_items": lines,
        }

    def _bill_line(self) -> Record:
        code, quantity, price = self.rng.choice([*VAT]), self.rng.randint(1, 9), self.amount(90)
        return {
            "description": self.rng.choice(TEXTS),
            "quantity": quantity,
            "unit_price": price,
            "total_amount": quantity * price,
            "tax_amount": (quantity * price * VAT[code]).quantize(CENT, ROUND_HALF_UP),
            "tax_rate": {"code": code},
            "ledger_account": {"code": self.rng.choice(COSTS)},
            "memo": self.rng.choice(TEXTS),
        }

    def journal_entry(self, number: int) -> Record:
        """An entry of two to four lines in balance."""
        day = self.day()
        amounts = [self.amount() for _ in range(self.rng.randint(1, 3))]
        title = self.rng.choice(TEXTS)
        lines = [self._entry_line("debit", amount) for amount in amounts]
        lines.append(self._entry_line("credit", sum(amounts, Decimal(0))))
        return {
            "reference": f"JOU-{number}",
            "journal_symbol": "90",
            "title": title,
            "posted_at": day.isoformat(),
            "accounting_period": f"{day.year}-{day.month:02}",
            "currency": "EUR",
            "status": "approved",
            "line_items": [{**lines[0], "description": title}, *lines[1:]],
        }

    def _entry_line(self, side: str, amount: Decimal) -> Record:
        return {
            "type": side,
            "total_amount": amount,
            "description": self.rng.choice(TEXTS),
            "ledger_account": {"code": self.rng.choice(COSTS)},
            "relation": {"display_id": str(2000 + self.rng.randrange(RELATIONS))},
        }


def documents(seed: int) -> Iterator[tuple[str, Record]]:
    """Items, and the documents that refer to them and to each other."""
    maker = Maker(seed)
    for code in ITEMS:
        yield "invoice_items", {"code": code, "name": f"Item {code}", "sold": True}
    for number in range(RELATIONS):
        yield "customers", maker.relation(1000 + number)
    for number in range(RELATIONS):
        yield "suppliers", maker.relation(2000 + number)
    kinds: dict[str, Callable[[int], Record]] = {
        "invoices": maker.invoice,
        "credit_notes": maker.credit_note,
        "bills": maker.bill,
        "journal_entries": maker.journal_entry,
    }
    for stream, make in kinds.items():
        for number in range((DOCUMENTS - 2 * RELATIONS) // len(kinds)):
            yield stream, make(number)


def run(given: Namespace) -> list[str]:
    """Print how much was compared; returns what differs."""
    hide_warnings()
    sending_all = list(documents(given.seed))
    config = SandboxConfig(
        books="empty", clock=NOW, minutely_limit=1_000_000, daily_limit=1_000_000
    )
    with TemporaryDirectory() as place, Sandbox(config).running() as server:
        folder = Path(place)
        sent = sending.send(server, sending_all, folder, finalize="print")
        server.control.reset_calls()
        again = sending.send(server, sending_all, folder, finalize="print")
        calls = server.control.calls()["calls"]
        rows = built(books.read_once(server, folder), folder)
        server.control.reset_calls()
        read = sending.rows_to_send(rows)
        returned = sending.load(server, read, folder, load_method="upsert")
        calls += server.control.calls()["calls"]
    writes = sum(call["count"] for call in calls if call["method"] != "GET" and call["division"])
    wrong = [*unexpected(sent, "created"), *unexpected(again, "unchanged")]
    wrong += [
        f"{line['stream']} {line['reference']} sent back: {line['outcome']}, {line['reason']}"
        for line in returned
        if line["outcome"] not in THERE
    ]
    known = sending.keys(rows)
    for each in sent:
        wrong += sending.differences(each, sending.row_of(each, rows), known)
    print(f"documents sent      {len(sent):12,}")
    print(f"fields compared     {sum(map(compared, sent)):12,}")
    print(f"rows sent back      {len(returned):12,}")
    print(f"writes after that   {writes:12,}   (must be 0)")
    return wrong + [f"{writes} writes for what was there"] * bool(writes)


def unexpected(sent: list[sending.Sent], outcome: str) -> Iterator[str]:
    """The documents that have another outcome, or one with a reason."""
    for each in sent:
        if each.outcome != outcome or (each.reason and outcome == "created"):
            name = sending.reference(each.stream, each.record)
            yield f"{each.stream} {name}: {each.outcome}, {each.reason}"


def built(tables: books.Tables, folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows of the unified models."""
    database, files = folder / "books.duckdb", folder / "files"
    files.mkdir()
    books.into_duckdb(database, tables, files)
    books.build(books.DUCKDB, folder, NOW.date().isoformat(), DBT_EXACT_PATH=str(database))
    names = [f"analytics_unified.unified_exact__{name}" for name in sending.KINDS]
    return books.dump(database, *names)


def compared(sent: sending.Sent) -> int:
    """How many fields of a document are compared."""
    lines = sent.record.get(sending.LINES, [])
    return sum(len(list(sending.flat(values))) for values in (sent.record, *lines))


PROGRAM = Program("models-unified", __doc__, run)
