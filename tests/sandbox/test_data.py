from __future__ import annotations

import itertools
import json
from collections import defaultdict
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_client.catalogue import load
from exactonline_sandbox import SandboxConfig
from exactonline_sandbox.books.company import Company
from exactonline_sandbox.books.profile import profile_of
from exactonline_sandbox.books.references import reference
from exactonline_sandbox.config import CHOICES, Switches
from exactonline_sandbox.data import fill
from exactonline_sandbox.data.copies import DECISIVE
from exactonline_sandbox.edm.json_text import instant_ms, number_text
from exactonline_sandbox.edm.model import schema
from exactonline_sandbox.edm.values import ZONE, from_wall_clock, wall_clock
from exactonline_sandbox.world import World

NOW = datetime(2026, 3, 4, 12, tzinfo=timezone.utc)
Rows = "list[dict[str, Any]]"


@pytest.fixture(scope="module")
def company() -> Any:
    return World(SandboxConfig(invoices=300, clock=NOW, books="simple")).company(1_700_001)


def rows(company: Any, table: str) -> list[dict[str, Any]]:
    return list(company.table(table).rows.values())


def generated(code: int, switches: Switches) -> list[Any]:
    """The rows of all tables, and of all feeds in the order in which they are seen."""
    config = SandboxConfig(invoices=20, clock=NOW)
    made = Company(code, config.seed, switches, profile_of(code, config.books))
    fill(made, config, NOW)
    feeds = {each.endpoint for each in schema().feed_of.values()}
    return [
        {name: table.rows for name, table in made.tables().items()},
        {name: list(made.feed(name).after(0, NOW)) for name in feeds},
    ]


@pytest.mark.parametrize("code", [1_700_001, 1_700_002])
def test_switches_but_a_few_decide_nothing_of_it(code: int) -> None:
    plain = Switches()
    rest = asdict(plain).keys() - set(DECISIVE)
    turned = replace(plain, **{name: other_value(name, getattr(plain, name)) for name in rest})
    assert generated(code, turned) == generated(code, plain)


@pytest.mark.parametrize("name", DECISIVE)
def test_each_of_the_few_decides_something(name: str) -> None:
    plain = Switches()
    turned = replace(plain, **{name: other_value(name, getattr(plain, name))})
    codes = (1_700_001, 1_700_002)
    assert any(generated(code, turned) != generated(code, plain) for code in codes)


def other_value(name: str, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return ("NL", "*")
    if isinstance(value, str):
        return next(one for one in CHOICES.get(name, ("2024-12",)) if one != value)
    return value + 100_000_000


def test_core_entities_all_have_rows(company: Any) -> None:
    filled = set(company.tables())
    assert len(filled) >= 38
    assert {"crm/BankAccounts", "cashflow/Payments", "subscription/SubscriptionLines"} <= filled


def test_every_value_has_the_type_of_its_column(company: Any) -> None:
    types = {
        "Edm.String": str,
        "Edm.Guid": str,
        "Edm.Boolean": bool,
        "Edm.Double": Decimal,
        "Edm.Int16": int,
        "Edm.Int32": int,
        "Edm.Byte": int,
    }
    for name, table in company.tables().items():
        columns = load().endpoints[name].columns
        for row in table.rows.values():
            for column, value in row.items():
                item = columns.get(column)
                if item is None or item.type not in types:
                    continue
                assert type(value) is types[item.type], (name, column, value)


def test_every_reference_leads_somewhere(company: Any) -> None:
    for name, table in company.tables().items():
        columns = load().endpoints[name].columns
        for row in table.rows.values():
            for column in set(row) & set(columns):
                target = reference(columns[column])
                if target is None or target.table == "users":
                    continue
                other = company.table(target.table)
                found = other.by_code(row[column]) if target.by_code else other.get(row[column])
                assert found is not None, (name, column)


def test_invoices_total_their_lines(company: Any) -> None:
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for line in rows(company, "salesinvoice/SalesInvoiceLines"):
        expected = (line["Quantity"] * line["NetPrice"]).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        assert line["AmountFC"] == expected
        rate = line["VATPercentage"]
        vat = (line["AmountFC"] * rate).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        assert line["VATAmountFC"] == vat
        assert rate in (Decimal("0.21"), Decimal("0.09"), 0)
        sums[line["InvoiceID"]][0] += line["AmountFC"]
        sums[line["InvoiceID"]][1] += line["VATAmountFC"]
    for invoice in rows(company, "salesinvoice/SalesInvoices"):
        net, vat = sums[invoice["InvoiceID"]]
        assert (invoice["AmountFCExclVat"], invoice["VATAmountFC"]) == (net, vat)
        assert invoice["AmountDC"] == net + vat


def test_entries_balance_and_match_their_invoices(company: Any) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows(company, "financialtransaction/TransactionLines"):
        sums[row["EntryID"]] += row["AmountDC"]
    assert set(sums.values()) == {Decimal(0)}
    entries = {row["EntryNumber"]: row for row in rows(company, "salesentry/SalesEntries")}
    for invoice in rows(company, "salesinvoice/SalesInvoices"):
        if invoice["Status"] == 50:
            assert entries[invoice["InvoiceNumber"]]["AmountDC"] == invoice["AmountDC"]
        else:
            assert "InvoiceNumber" not in invoice


def test_bank_statements_follow_each_other(company: Any) -> None:
    statements = rows(company, "financialtransaction/BankEntries")
    for one, other in itertools.pairwise(statements):
        assert one["ClosingBalanceFC"] == other["OpeningBalanceFC"]


def test_dates_span_years_and_touch_the_odd_hours(company: Any) -> None:
    stamps = {row["Created"] for row in rows(company, "salesinvoice/SalesInvoices")}
    assert {stamp.year for stamp in stamps} >= {2023, 2024, 2025, 2026}
    assert max(stamps) <= NOW
    shown = [wall_clock(stamp) for stamp in stamps]
    assert any((stamp.hour, stamp.minute, stamp.second) == (0, 0, 0) for stamp in shown)
    assert any((stamp.hour, stamp.minute, stamp.second) == (23, 59, 59) for stamp in shown)
    repeated = [
        stamp
        for stamp in stamps
        if wall_clock(stamp) == wall_clock(stamp - timedelta(hours=1))
        or wall_clock(stamp) == wall_clock(stamp + timedelta(hours=1))
    ]
    assert repeated


def test_texts_are_awkward_and_some_values_are_missing(company: Any) -> None:
    names = " ".join(row["Name"] for row in rows(company, "crm/Accounts"))
    for awkward in ('"', "'", "&", "<", "é", "ø", "株"):
        assert awkward in names
    accounts = rows(company, "crm/Accounts")
    assert any("Email" not in row for row in accounts)
    assert any(len(row.get("Remarks", "")) > 500 for row in accounts)


def test_sales_alone_when_asked() -> None:
    config = SandboxConfig(invoices=10, lines_per_invoice=5, only=("sales_invoices",), clock=NOW)
    company = World(config).company(1_700_001)
    assert len(company.table("salesinvoice/SalesInvoiceLines")) == 50
    assert "salesentry/SalesEntries" not in company.tables()


def test_purchases_of_any_size() -> None:
    config = SandboxConfig(
        invoices=10, purchase_entries=7, lines_per_entry=5, clock=NOW, books="simple"
    )
    company = World(config).company(1_700_001)
    assert len(company.table("purchaseentry/PurchaseEntries")) == 7
    assert len(company.table("purchaseentry/PurchaseEntryLines")) == 35


def test_wall_clock_of_summer_winter_and_the_doubled_hour() -> None:
    summer = datetime(2026, 6, 25, 14, 31, 0, 220000, tzinfo=timezone.utc)
    assert instant_ms(summer) == 1_782_405_060_220
    assert instant_ms(datetime(2026, 1, 1, tzinfo=timezone.utc)) == 1_767_229_200_000
    first = datetime(2025, 10, 26, 0, 30, tzinfo=timezone.utc)
    assert wall_clock(first) == wall_clock(first + timedelta(hours=1))
    assert from_wall_clock(wall_clock(first)) == first
    assert first.astimezone(ZONE).hour == 2


@given(st.timedeltas(timedelta(days=-9000), timedelta(days=30_000)))
def test_milliseconds_of_the_wall_clock_are_those_of_its_time(since: timedelta) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    shown = wall_clock(epoch + since) - epoch.replace(tzinfo=None)
    assert instant_ms(epoch + since) == shown // timedelta(milliseconds=1)


@given(st.decimals(-(10**12), 10**12, allow_nan=False))
def test_numbers_are_written_as_the_double_that_they_are(value: Decimal) -> None:
    text = number_text(value)
    assert json.loads(text) == float(value)
    assert "." not in text or not float(value).is_integer()


def test_empty_books_have_all_but_documents() -> None:
    empty = World(SandboxConfig(clock=NOW, books="empty")).company(1_700_001)
    full = World(SandboxConfig(clock=NOW, books="full")).company(1_700_001)
    for name in ("financial/GLAccounts", "financial/Journals", "vat/VATCodes"):
        assert len(empty.table(name).rows) == len(full.table(name).rows) > 0
    for name in (
        "crm/Accounts",
        "logistics/Items",
        "salesinvoice/SalesInvoices",
        "financialtransaction/TransactionLines",
    ):
        assert not empty.table(name).rows
