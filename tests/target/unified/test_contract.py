"""What is written in the unified shape is read as it was written: field by field, by `unified.csv`.

The reading is written here once more, as dbt's models do it, and shares no code with the writing.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

import exactonline_client
from exactonline_client import catalogue
from target_exactonline.schema import entities
from target_exactonline.schema.locale import Locale
from target_exactonline.schema.unified import TARGETS, resource
from target_exactonline.unified.record import rewriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = Path(exactonline_client.__file__).parent
NOT_WRITTEN = {"none", "check", "sum", "state", "const", "order", "product", "code", "name"}
"""Ways to write a field of which nothing is to be read again: it is refused, compared, or names
what another field is the key of."""


@dataclass(frozen=True)
class Row:
    """A line of the file that is written."""

    document: str
    resource: str
    field: str
    column: str
    read: str
    write: str

    @override
    def __str__(self) -> str:
        return f"{self.resource}.{self.field}"


def rows() -> list[Row]:
    documents = {name: name for name in TARGETS}
    documents |= {target.lines: name for name, target in TARGETS.items() if target.lines}
    with (FOLDER / "unified.csv").open(encoding="utf-8", newline="") as file:
        return [
            Row(
                documents[row["resource"]],
                row["resource"],
                row["field"],
                row["exact_column"],
                row["read"],
                row["write"],
            )
            for row in csv.DictReader(file)
            if row["write"] and row["write"].partition(":")[0] not in NOT_WRITTEN
        ]


def called(listed: str) -> dict[str, str]:
    with (FOLDER / "unified_words.csv").open(encoding="utf-8", newline="") as file:
        return {row["exact"]: row["word"] for row in csv.DictReader(file) if row["list"] == listed}


def _kind_of_item(row: Mapping[str, Any]) -> str:
    if row["IsStockItem"] in {True, "true"}:
        return "inventory"
    return "service" if int(row["IsTime"]) == 1 else "non_inventory"


CALCULATED: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "company_name": lambda row: row["TradeName"] or row["Name"],
    "emails": lambda row: [row["Email"]] if row["Email"] else [],
    "phone_numbers": lambda row: [row["Phone"]] if row["Phone"] else [],
    "websites": lambda row: [row["Website"]] if row["Website"] else [],
    "status": lambda row: "inactive" if row["Blocked"] == "true" else "active",
    "invoice_items.description": lambda row: row["ExtraDescription"] or row["Description"],
    "sold": lambda row: row["IsSalesItem"],
    "purchased": lambda row: row["IsPurchaseItem"],
    "tracked": lambda row: row["IsStockItem"],
    "taxable": lambda row: int(row["IsTaxableItem"]) == 1,
    "invoice_items.type": _kind_of_item,
    "bills.type": lambda row: (
        "accounts_payable_credit" if row["PurchaseEntryLines"][0]["AmountFC"] < 0 else "bill"
    ),
    "bills.accounting_period": lambda row: f"{row['ReportingYear']}-{row['ReportingPeriod']:02}",
    "bill_line_items.total_amount": lambda row: row["AmountFC"],
    "bill_line_items.tax_amount": lambda row: row["VATAmountFC"],
    "journal_entries.accounting_period": lambda row: (
        f"{row['FinancialYear']}-{row['FinancialPeriod']:02}"
    ),
    "journal_entries.title": lambda row: row["GeneralJournalEntryLines"][0]["Description"],
    "journal_entries.posted_at": lambda row: row["GeneralJournalEntryLines"][0]["Date"],
    "journal_entry_line_items.type": lambda row: "credit" if row["AmountFC"] < 0 else "debit",
}


def read(row: Row, exact: Mapping[str, Any]) -> Any:
    """The value of a field, as its unified model has it."""
    how, _, argument = row.read.partition(":")
    if how == "calculated":
        calculate = CALCULATED.get(f"{row.resource}.{row.field}") or CALCULATED[row.field]
        return calculate(exact)
    value = exact[row.column]
    if how == "words":
        return called(argument)[str(value)]
    changed: dict[str, Callable[[Any], Any]] = {
        "same": lambda number: number,
        "negate": lambda number: -number,
        "absolute": abs,
        "times100": lambda number: number * 100,
    }
    return changed[how](value)


AMOUNTS = st.decimals(Decimal("0.01"), Decimal(1_000_000), places=2)
TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=30)


KEYS = st.uuids().map(str)
BY_WRITE: dict[str, st.SearchStrategy[Any]] = {
    "only": st.lists(TEXTS, max_size=1),
    "period": st.builds("{}-{:02}".format, st.integers(2000, 2100), st.integers(1, 13)),
    "link": KEYS,
    "first_line": TEXTS,
    "every_line": st.dates().map(str),
    **dict.fromkeys(("signed", "negate", "times100", "number"), AMOUNTS),
}
BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "Edm.Boolean": st.booleans(),
    "Edm.Byte": st.booleans(),
    "Edm.Double": AMOUNTS,
    "Edm.Guid": KEYS,
}


def values(row: Row) -> st.SearchStrategy[Any]:
    """What a field may hold."""
    how, _, argument = row.write.partition(":")
    if how == "words":
        return st.sampled_from(sorted(set(called(argument).values())))
    if how == "sign":
        return st.sampled_from(argument.split("/"))
    return BY_WRITE[how] if how in BY_WRITE else BY_TYPE.get(_type(row), TEXTS)


def _type(row: Row) -> str:
    facts = catalogue.load()
    endpoint = entities.find(TARGETS[row.document].stream).endpoint
    if row.document != row.resource:
        lines = endpoint.properties[TARGETS[row.document].collection].entity
        assert lines
        endpoint = facts.endpoints[lines]
    return "" if row.column == "Division" else endpoint.properties[row.column].type


def written(row: Row, value: Any) -> Mapping[str, Any]:
    """What is sent of a document, or of its only line, with a value in one field."""
    whole = resource(row.document)
    field: dict[str, Any] = {row.field: value}
    line: dict[str, Any] = {"total_amount": 12.5}
    if row.document != row.resource:
        line, field = {**line, **field}, {}
    if whole.lines:
        field["line_items"] = json.dumps([line], default=str)
    sent = rewriter(whole, Locale(), finalizes=False)(field)
    assert not sent.problems
    if row.document == row.resource:
        return sent
    (found,) = sent[whole.collection]
    return dict(found)


@pytest.mark.parametrize("row", rows(), ids=str)
@settings(max_examples=12)
@given(data=st.data())
def test_what_is_written_is_read(row: Row, data: st.DataObject) -> None:
    value = data.draw(values(row))
    found = read(row, written(row, value))
    if isinstance(value, Decimal):
        assert Decimal(str(found)) == value
    else:
        assert found == value


def test_all_kinds_of_documents_are_asked() -> None:
    assert {row.document for row in rows()} == set(TARGETS)
    assert len(rows()) > 100


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
NAMES = sorted(
    {name for name in TARGETS for name in resource(name).fields} | {"line_items", "item"}
)


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(TARGETS)),
    record=st.dictionaries(st.sampled_from(NAMES), JUNK, max_size=8),
    line=st.dictionaries(st.sampled_from(NAMES), JUNK, max_size=6),
)
def test_whatever_comes_is_rewritten_or_told(
    name: str, record: dict[str, Any], line: dict[str, Any]
) -> None:
    rewrite = rewriter(resource(name), Locale(), finalizes=False)
    assert rewrite({**record, "line_items": [line]}).original
    assert rewrite({"unit_price": "1e300", "line_items": [{"unit_price": "9e299"}]}).problems
