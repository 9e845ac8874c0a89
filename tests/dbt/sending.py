"""Send documents in the unified shape, and compare them with what the unified models give."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from exactonline_client.connection import connect
from exactonline_client.errors import RecordsRejected
from target_exactonline.target import TargetExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exactonline_sandbox import Server

Record = dict[str, Any]
NOT_READ = {"journal_entries": {"reference"}}
"""Fields that Exact Online keeps nowhere."""
LINES = "line_items"
KINDS = (
    "customers",
    "suppliers",
    "invoice_items",
    "invoices",
    "credit_notes",
    "bills",
    "journal_entries",
    "ledger_accounts",
)
"""Unified models to compare with; the last cannot be written."""
DIGITS = 8
"""Digits behind the point; a quotient, such as the price on a bill, is binary in DuckDB."""
LEDGER = "unified_exact__ledger_accounts"
RELATIONS = ("unified_exact__customers", "unified_exact__suppliers")
BY_KEY_ALONE = ("account", "income_account", "expense_account", "asset_account")
"""Accounts of which the models have the key alone."""


@dataclass(frozen=True)
class Sent:
    """A document, and what became of it."""

    stream: str
    record: Record
    outcome: str
    key: str | None
    reason: str | None


def send(
    server: Server, documents: list[tuple[str, Record]], folder: Path, **settings: Any
) -> list[Sent]:
    """Send documents in their order, in one run of the target."""
    lines = load(server, documents, folder, **settings)
    by_reference = {(line["stream"], line["reference"]): line for line in lines}
    return [_sent(stream, record, by_reference) for stream, record in documents]


def load(
    server: Server, documents: list[tuple[str, Record]], folder: Path, **settings: Any
) -> list[Record]:
    """Run the target once; returns the results of its records."""
    server.control.clock(advance_seconds=600)
    results = folder / "results.jsonl"
    results.unlink(missing_ok=True)
    config = {
        **server.settings(),
        "store_url": f"sqlite:///{folder / 'target.db'}",
        "results_path": str(results),
        "new_store": True,
        **settings,
    }
    target = TargetExactOnline(config=config)
    clock = server.world.clock
    target.run.connection = connect(
        target.config, clock=lambda: clock.now().timestamp(), sleep=lambda _: None
    )
    with suppress(RecordsRejected):
        target.listen(io.StringIO("".join(_messages(documents))))
    target.close()
    return list(map(json.loads, results.read_text(encoding="utf-8").splitlines()))


def _sent(stream: str, record: Record, results: dict[tuple[str, str], Any]) -> Sent:
    line = results[stream, reference(stream, record)]
    return Sent(stream, record, line["outcome"], line["exact_id"], line["reason"])


def reference(stream: str, record: Record) -> str:
    """What a document is known by."""
    names = {"bills": "bill_number", "invoice_items": "code"}
    other = "display_id" if stream in {"customers", "suppliers"} else "reference"
    return str(record[names.get(stream, other)])


def _messages(documents: list[tuple[str, Record]]) -> Iterator[str]:
    last = None
    for stream, record in documents:
        if stream != last:
            schema = {"type": "SCHEMA", "stream": stream, "schema": {"properties": {}}}
            yield json.dumps(schema) + "\n"
            last = stream
        message = {"type": "RECORD", "stream": stream, "record": record}
        yield json.dumps(message, default=str) + "\n"


def rows_to_send(rows: dict[str, list[Record]]) -> list[tuple[str, Record]]:
    """All rows of the models that can be written, as they are."""
    return [(name, row) for name in KINDS[:-1] for row in rows[f"unified_exact__{name}"]]


def row_of(sent: Sent, rows: dict[str, list[Record]]) -> Record | None:
    """The row of a document in its unified model."""
    found = rows[f"unified_exact__{sent.stream}"]
    return next((row for row in found if row["id"] == sent.key), None)


def keys(rows: dict[str, list[Record]]) -> dict[tuple[str, str], str]:
    """Keys of accounts, by whether they are relations and by their code."""
    found = {("account", row["code"].strip()): row["id"] for row in rows[LEDGER]}
    for name in RELATIONS:
        found |= {("relation", row["display_id"].strip()): row["id"] for row in rows[name]}
    return found


def expected(path: str, value: Any, known: dict[tuple[str, str], str]) -> tuple[str, Any]:
    """The field that a related row is read as, and its value, where it was sent by its code."""
    group, _, name = path.rpartition(".")
    if group == "relation" or (group in BY_KEY_ALONE and name == "code"):
        kind = "relation" if group == "relation" else "account"
        return f"{group}.id", known[kind, value]
    return path, value


def differences(sent: Sent, row: Record | None, known: dict[tuple[str, str], str]) -> list[str]:
    """What a document was sent with, and is not in the row of its unified model."""
    name = f"{sent.stream} {reference(sent.stream, sent.record)}"
    if row is None:
        return [f"{name} is not there"]
    unread = {LINES, *NOT_READ.get(sent.stream, ())}
    fields = {field: value for field, value in sent.record.items() if field not in unread}
    columns = {field: row.get(field.replace(".", "_")) for field, _ in _expected(fields, known)}
    found = [f"{name}: {problem}" for problem in _differing(fields, columns, known)]
    lines, sent_lines = parsed(row.get(LINES)) or [], sent.record.get(LINES, [])
    if len(lines) != len(sent_lines):
        found.append(f"{name} has {len(lines)} lines, and was sent with {len(sent_lines)}")
    for number, (line, wanted) in enumerate(zip(lines, sent_lines, strict=False), start=1):
        differing = _differing(wanted, dict(flat(line)), known)
        found += [f"{name}: line {number}: {problem}" for problem in differing]
    return found


def _differing(wanted: Record, found: Record, known: dict[tuple[str, str], str]) -> Iterator[str]:
    for path, value in _expected(wanted, known):
        if not same(value, found.get(path)):
            yield f"{path} is {found.get(path)!r}, and was {value!r}"


def _expected(fields: Record, known: dict[tuple[str, str], str]) -> Iterator[tuple[str, Any]]:
    for path, value in flat(fields):
        yield expected(path, value, known)


def flat(values: Record, within: str = "") -> Iterator[tuple[str, Any]]:
    """The values of an object, and of the objects in it, by their path."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from flat(value, f"{within}{name}.")
        else:
            yield within + name, value


def parsed(value: Any) -> Any:
    """What a column of JSON holds."""
    return json.loads(value) if isinstance(value, str) and value[:1] in {"[", "{"} else value


def same(given: Any, found: Any) -> bool:
    """Whether two values are equal: numbers by their value, days without a time."""
    found = parsed(found)
    if isinstance(given, (list, bool)) or given is None or found is None:
        return bool(given == found)
    try:
        return Decimal(str(given)) == round(Decimal(str(found)), DIGITS)
    except InvalidOperation:
        return str(given) == str(found).removesuffix(" 00:00:00")
