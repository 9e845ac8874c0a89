"""Unified models of the dbt project, from the mapping in `exactonline_client/unified.csv`.

A field of the mapping has a path, such as `customer.id`: it is the column `customer_id` of its
table, and an object inside an object in the lines that a document holds.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactonline_client import catalogue
from scripts.catalogue import snake
from scripts.dbt import PROJECT, column_name
from scripts.pages import ROOT, Files
from tap_exactonline.definitions.definition import DIVISION, stream_definitions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client.catalogue import Property

FOLDER = PROJECT / "models" / "unified"
MAPPING = ROOT / "exactonline_client" / "unified.csv"
WORDS = ROOT / "exactonline_client" / "unified_words.csv"
MADE = "Made from exactonline_client/unified.csv by `make dbt`: not to be edited by hand."
PREFIX = "unified_exact__"
BASE = "base"


@dataclass(frozen=True)
class Lines:
    """Lines that a document holds inside."""

    resource: str
    parent: str
    """Column of the lines that holds the key of their document."""


@dataclass(frozen=True)
class Resource:
    """A unified model: what it is made from, and which rows."""

    name: str
    description: str
    model: str
    where: str = ""
    lines: Lines | None = None


RESOURCES = (
    Resource("companies", "Companies: divisions of Exact.", "stg_exact__divisions"),
    Resource("customers", "Customers and prospects.", "int_exact__relations", "is_customer"),
    Resource("suppliers", "Suppliers.", "int_exact__relations", "is_a_supplier"),
    Resource(
        "invoices",
        "Sales invoices.",
        "int_exact__sales_documents",
        "not is_credit_note",
        Lines("invoice_line_items", "invoice_id"),
    ),
    Resource(
        "invoice_line_items",
        "Lines of sales invoices.",
        "int_exact__sales_document_lines",
        "not is_credit_note",
    ),
    Resource(
        "credit_notes",
        "Credit notes to customers. Amounts are positive.",
        "int_exact__sales_documents",
        "is_credit_note",
        Lines("credit_note_line_items", "credit_note_id"),
    ),
    Resource(
        "credit_note_line_items",
        "Lines of credit notes. Amounts and quantities are positive.",
        "int_exact__sales_document_lines",
        "is_credit_note",
    ),
    Resource(
        "bills",
        "Bills of suppliers, and their credit notes with positive amounts.",
        "int_exact__bills",
        lines=Lines("bill_line_items", "bill_id"),
    ),
    Resource("bill_line_items", "Lines of bills.", "int_exact__bill_lines"),
    Resource(
        "payments",
        "Money received of customers; what is paid back to them is negative.",
        "int_exact__money_lines",
        "is_received",
    ),
    Resource(
        "bill_payments",
        "Money paid to suppliers; what they pay back is negative.",
        "int_exact__money_lines",
        "not is_received",
    ),
    Resource(
        "payment_allocations",
        "What a payment pays, where Exact has matched it.",
        "int_exact__payment_matches",
    ),
    Resource(
        "ledger_accounts",
        "Ledger accounts with their balance. Debit is positive.",
        "int_exact__ledger_accounts",
    ),
    Resource(
        "journal_entries",
        "General journal entries.",
        "int_exact__journal_documents",
        lines=Lines("journal_entry_line_items", "journal_entry_id"),
    ),
    Resource(
        "journal_entry_line_items",
        "Lines of general journal entries. Amounts are positive, the type says debit or credit.",
        "int_exact__journal_document_lines",
    ),
    Resource("tax_rates", "VAT codes.", "int_exact__tax_rates"),
    Resource("invoice_items", "Items that are sold or bought.", "int_exact__invoice_items"),
    Resource(
        "tracking_categories",
        "Cost centres, cost units and projects.",
        "int_exact__tracking_categories",
    ),
)


@dataclass(frozen=True)
class Field:
    """A row of the mapping."""

    resource: str
    field: str
    exact_stream: str
    exact_column: str
    read: str
    """`same`, `negate`, `absolute`, `times100`, `words:LIST`, `const:VALUE`, or `calculated` by the
    model that it is made from, there as `calculated:COLUMN` under a name of its own."""
    write: str
    """How the target writes it: a conversion of `target_exactonline/unified`. Empty where documents
    of this kind cannot be written."""
    sent_as: str
    """The properties that it is written to, where they are not the one that is read."""

    @property
    def column(self) -> str:
        """Name of the column."""
        return self.field.replace(".", "_")


def mapping() -> dict[str, list[Field]]:
    """The fields of each resource, in their order."""
    found: dict[str, list[Field]] = {item.name: [] for item in RESOURCES}
    with MAPPING.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["resource"]].append(Field(**row))
    return found


def words() -> dict[str, dict[str, str]]:
    """What values of Exact are called, by list."""
    found: dict[str, dict[str, str]] = {}
    with WORDS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["list"], {})[row["exact"]] = row["word"]
    return found


def _properties() -> dict[str, dict[str, Property]]:
    return {
        definition.name: definition.columns
        for definition in stream_definitions(catalogue.load(), use_sync=True)
    }


def expression(field: Field, columns: dict[str, dict[str, Property]]) -> str:
    """The SQL of a field.

    Raises:
        KeyError: The stream has no such column, or there is no such way of reading.
    """
    how, _, argument = field.read.partition(":")
    if how == "const":
        return f"'{argument}'"
    if field.exact_stream:
        exact = columns[field.exact_stream][field.exact_column]
        value = f"{BASE}.{column_name(exact)}"
    if how == "calculated":
        return f"{BASE}.{argument or field.column}"
    if how == "words":
        cases = " ".join(
            f"when '{given}' then '{word}'" for given, word in words()[argument].items()
        )
        return f"case cast({value} as {{{{ dbt.type_string() }}}}) {cases} end"
    forms = {"same": "{}", "negate": "-{}", "absolute": "abs({})", "times100": "{} * 100"}
    return forms[how].format(value)


def inside(fields: list[Field]) -> str:
    """The object of JSON that a line is inside its document, as a call of macros."""
    tree: dict[str, object] = {}
    for field in fields:
        *path, last = field.field.split(".")
        branch = tree
        for name in path:
            branch = branch.setdefault(name, {})  # type: ignore[assignment]
        branch[last] = f"'lines.{field.column}'"
    return _object(tree)


def _object(tree: dict[str, object]) -> str:
    pairs = ", ".join(
        f"('{name}', {_object(value) if isinstance(value, dict) else value})"
        for name, value in tree.items()
    )
    return f"exact_online.json_object([{pairs}])"


def render(
    item: Resource, found: dict[str, list[Field]], columns: dict[str, dict[str, Property]]
) -> str:
    """The SQL of a unified model."""
    selected = [f"    {expression(field, columns)} as {field.column}" for field in found[item.name]]
    with_lines = joined = ""
    if item.lines:
        lines = [field for field in found[item.lines.resource] if field.field != item.lines.parent]
        with_lines = (
            "with lines as (\n    select\n        lines.company_id,\n"
            f"        lines.{item.lines.parent},\n"
            f"        {{{{ exact_online.json_array({inside(lines)}, 'line_number, id') }}}}"
            " as line_items\n"
            f"    from {{{{ ref('{PREFIX}{item.lines.resource}') }}}} as lines\n"
            "    group by 1, 2\n)\n\n"
        )
        key = next(field for field in found[item.name] if field.field == "id")
        joined = (
            "\nleft join lines\n"
            f"    on {BASE}.{snake(DIVISION.name)}_id = lines.company_id\n"
            f"    and {expression(key, columns)} = lines.{item.lines.parent}"
        )
        selected.append("    lines.line_items")
    where = f"\nwhere {item.where.replace('is_', f'{BASE}.is_')}" if item.where else ""
    return (
        f"-- {MADE}\n{with_lines}select\n"
        + ",\n".join(selected)
        + f"\nfrom {{{{ ref('{item.model}') }}}} as {BASE}{joined}{where}\n"
    )


REFERENCES = {
    "invoice_id": "invoices",
    "credit_note_id": "credit_notes",
    "bill_id": "bills",
    "journal_entry_id": "journal_entries",
    "item_id": "invoice_items",
    "ledger_account_id": "ledger_accounts",
    "account_id": "ledger_accounts",
    "income_account_id": "ledger_accounts",
    "expense_account_id": "ledger_accounts",
    "asset_account_id": "ledger_accounts",
    "tax_payable_account_id": "ledger_accounts",
    "tax_remitted_account_id": "ledger_accounts",
}
"""What a column names a row of; a test asks whether the row is there."""


def references(names: list[str]) -> Iterator[str]:
    """The tests of the columns that name rows of other models."""
    for name in names:
        if name in REFERENCES:
            other = f"ref('{PREFIX}{REFERENCES[name]}')"
            arguments = f"column: {name}, to: {other}, field: id, division: company_id"
            yield f"      - exact_online.refers_within_division: {{arguments: {{{arguments}}}}}"


def properties(found: dict[str, list[Field]]) -> Iterator[str]:
    """The lines of the file that describes the unified models and tests them."""
    lists = words()
    yield f"# {MADE}"
    yield "version: 2"
    yield "models:"
    for item in RESOURCES:
        names = [field.column for field in found[item.name]]
        key = ", ".join(name for name in ("company_id", "id") if name in names)
        yield f"  - name: {PREFIX}{item.name}"
        yield f'    description: "{item.description}"'
        yield "    data_tests:"
        yield f"      - exact_online.is_key: {{arguments: {{columns: [{key}]}}}}"
        yield from references(names)
        yield "    columns:"
        for field in found[item.name]:
            yield f"      - name: {field.column}"
            yield f'        description: "{described(field)}"'
            how, _, argument = field.read.partition(":")
            if how == "words":
                values = ", ".join(dict.fromkeys(lists[argument].values()))
                yield "        data_tests:"
                yield f"          - accepted_values: {{arguments: {{values: [{values}]}}}}"
        if item.lines:
            yield "      - name: line_items"
            yield f'        description: "An array of {item.lines.resource}, as JSON."'


def described(field: Field) -> str:
    """Where a column comes from."""
    how, _, argument = field.read.partition(":")
    if how == "const":
        return f"Always {argument}."
    source = f"{field.exact_column} of {field.exact_stream}" if field.exact_stream else ""
    notes = {
        "negate": ", with the sign turned",
        "absolute": ", without its sign",
        "times100": ", times 100",
        "words": ", in words",
    }
    if how == "calculated":
        return f"From {source}." if source else "The kind of the category."
    return f"{source}{notes.get(how, '')}."


def build() -> Files:
    """All files of `dbt/models/unified`."""
    found, columns = mapping(), _properties()
    files = {
        FOLDER / f"{PREFIX}{item.name}.sql": render(item, found, columns) for item in RESOURCES
    }
    files[FOLDER / "_unified.yml"] = "\n".join(properties(found)) + "\n"
    return files
