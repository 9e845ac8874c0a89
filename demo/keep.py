"""What one can do with the demo's parts while they are left running: `make demo-keep`."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from demo.stack import PSQL, ROOT, WAREHOUSE

if TYPE_CHECKING:
    from rich.console import Console

    from demo.stack import Stack

# ruff: noqa: S608 - all parts of the SQL are of this file

REVENUE = (
    'select "InvoiceToName" as customer, count(*) as invoices, '
    f'sum("AmountDC")::numeric(12, 2) as amount from {WAREHOUSE}.sales_invoices '
    'where "_sdc_deleted_at" is null group by 1 order by 3 desc limit 5'
)


def places(stack: Stack, division: int) -> list[tuple[str, str]]:
    """What can be opened in a browser, by name."""
    base = stack.sandbox.base_url
    return [
        ("Exact Online (the sandbox): companies and calls", f"{base}/"),
        ("its first company: invoices and entries", f"{base}/companies/{division}"),
    ]


def query(stack: Stack) -> str:
    """A command that asks PostgreSQL for the best customers, to be pasted as it is."""
    shown = PSQL.relative_to(ROOT) if PSQL.is_relative_to(ROOT) else PSQL
    return shlex.join([str(shown), stack.postgres_uri, "--command", REVENUE])


def wait(stack: Stack, division: int, console: Console) -> None:
    """Say what is running, and leave it so until somebody presses Ctrl-C."""
    console.rule("Everything is left running")
    console.print("Open in a browser:")
    for name, address in places(stack, division):
        console.print(f"  {address}  [dim]{name}", soft_wrap=True)
    console.print(f"Ask PostgreSQL, in {ROOT}:", soft_wrap=True)
    console.print(query(stack), soft_wrap=True, markup=False)
    console.print("Press Ctrl-C to stop it all.")
    while True:
        time.sleep(3600)
