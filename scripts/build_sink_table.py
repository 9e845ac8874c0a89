"""Write `docs/sinks.md`: everything that can be written, from the catalogue.

Usage: python -m scripts.build_sink_table [--check]

With `--check` nothing is written: the exit code is 1 where the page lags behind the catalogue.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.build_stream_table import table
from target_exactonline.entities import entities
from target_exactonline.links import TARGETS
from target_exactonline.shape import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_exactonline.entities import Entity
    from target_exactonline.links import Target

FILE = Path(__file__).parent.parent / "docs" / "sinks.md"

PAGE = """\
# Sinks

Made from the catalogue by `make docs-tables`; do not edit by hand. What can be written, by the name
of its stream ([how](target.md)):

- **may**: C create, U update, D delete.
- **known by**: what may be the reference; the first is taken where the setting `reference_field`
  names a field that the entity does not have. A question mark: the documentation does not promise
  that Exact searches by it. `-`: there is none, so give the record a field of your own called
  `reference`; a record that was read from Exact is known by its key there. Of these
  ({count} of {total}) only the store tells what was loaded:
  [what it means to lose it](exactly-once.md#a-lost-store).
- **needed**: what a record must hold besides its reference. In brackets: what each line must hold.
  A record with its key in the division that is written to, such as `InvoiceID`, needs no more than
  what is to be changed there.

{sinks}

## Codes in place of keys

Exact wants the key (GUID) of an account, item or ledger account. A record may hold its code
instead, and the target looks up the key, many in one call:

- in the field itself: `"OrderedBy": "10021"`, `"Item": "A-0001"`;
- in a field beside it: `OrderedByCode`, `item_code`, `GLAccountCode`; for accounts also the name
  (`OrderedByName`), where only one account has it;
- in an object: `"OrderedBy": {{"Code": "10021", "Name": "Jansen"}}`.

With `create_missing: [accounts]`, an account that is not there is created from the object, or from
code and name beside the field; it becomes a customer or supplier, as the field says. So are items
(code and description) with `create_missing: [items]`. Each is created once, and once more where it
was deleted at Exact since.

What was found is believed for `lookup_hours`. What is not found, or not one row alone, rejects the
record: the reason names the field, the value, and what is near it. Journals, VAT codes, payment
conditions, cost centres and cost units are codes at Exact as well: they are sent as they are.

{targets}

## Records that were read from Exact

A record with a `Division`, as the tap writes it, is taken as it is: what cannot be written is set
aside, not refused. Where that is the division that is written to, its keys are taken as they are.

Where it is another division, its keys mean nothing here. Each is looked up: first among the rows
that the target itself has written from that division, then by the code or name that stands beside
it in the record. Numbers that each division gives out by itself (`OrderNumber`, `EntryNumber`,
`HID`) are left out, and so are keys that nothing can stand for where the document can do without:
contact persons, addresses, documents, users. Any other key that is not found rejects the record.
Write accounts and items before what refers to them.

## Checked before anything is sent

- The lines of a journal entry balance, unless one has a VAT code: Exact then books VAT of its own.
- Opening balance and lines of a bank or cash entry come to its closing balance, where both are
  given.
- Totals that Exact computes (`AmountFC`, `AmountFCExclVat`, `VATAmountFC`) may be given. They are
  not sent, but must agree with each other and, to half a cent a line, with the lines.
- Account codes have at most 18 characters, VAT and country codes 3, units 8.
- `attachments` is a list of files with a document: `{{"path": "scan.pdf"}}`, or
  `{{"file_name": "scan.pdf", "content": "<base64>"}}`; `attachment_path` names a single one. A path
  starts in the folder that the target runs in; a file has at most 10 MB.
"""


def page() -> str:
    """The whole page."""
    found = sorted(entities().values(), key=lambda entity: entity.stream)
    return PAGE.format(
        count=sum(not entity.references for entity in found),
        total=len(found),
        sinks=table(("stream", "written to", "may", "known by", "needed"), map(sink_cells, found)),
        targets=table(
            ("field", "refers to", "found by"), map(target_cells, filter(found_by_name, TARGETS))
        ),
    )


def sink_cells(entity: Entity) -> tuple[str, ...]:
    """An entity's line in the table."""
    methods = {"POST": "C", "PUT": "U", "DELETE": "D"}
    return (
        f"`{entity.stream}`",
        f"`{entity.endpoint.id}`",
        "".join(sign for method, sign in methods.items() if method in entity.endpoint.methods),
        ", ".join(name + ("" if entity.is_sure(name) else "?") for name in entity.references)
        or "-",
        needed(entity),
    )


def needed(entity: Entity) -> str:
    """What a record must hold, with what its lines must hold."""
    shape = shape_of(entity.endpoint.id)
    reference = entity.references[:1]
    parts = []
    for name in shape.required:
        inner = shape.children[name].required if name in shape.children else ()
        if name not in reference:
            parts.append(f"{name} ({', '.join(inner)})" if inner else name)
    return ", ".join(parts)


def target_cells(target: Target) -> tuple[str, ...]:
    """The line of what is referred to."""
    return listed(target.properties), f"`{target.endpoint}`", ", ".join(target.by)


def found_by_name(target: Target) -> bool:
    """Whether it can be given by a code or name."""
    return bool(target.by)


def listed(names: Iterable[str]) -> str:
    """Names with commas between."""
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    """Bring the page up to date, or say that it is not."""
    parser = argparse.ArgumentParser(description="Write docs/sinks.md from the catalogue.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    after = page()
    if not parser.parse_args().check:
        FILE.write_text(after, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != after:
        sys.exit(f"docs/{FILE.name} is not what the catalogue says: run make docs-tables.")


if __name__ == "__main__":
    main()
