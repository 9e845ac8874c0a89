"""Pictures of the dashboard: light and dark, on a desk and on a telephone."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.arena import TAP, arena, catalog, clean_environment, measured
from scripts.browser import browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import ViewportSize

    from benchmarks.arena import Arena

CLOCK = datetime(2026, 11, 26, 6, 0, tzinfo=timezone.utc)
EVERY = 6 * 3600
"""Seconds between two runs."""
DIVISIONS = [1700001, 1700002, 1700003]
STREAMS = ("accounts", "gl_accounts", "items", "sales_invoices", "transaction_lines")
DESK: ViewportSize = {"width": 1100, "height": 1180}
TELEPHONE: ViewportSize = {"width": 390, "height": 1180}
VIEWS: tuple[tuple[str, str, ViewportSize, Literal["light", "dark"]], ...] = (
    ("overview", "/overview", DESK, "light"),
    ("overview-dark", "/overview", DESK, "dark"),
    ("postings", "/postings", DESK, "light"),
    ("overview-390", "/overview", TELEPHONE, "light"),
    ("postings-390-dark", "/postings?outcome=rejected", TELEPHONE, "dark"),
)
TABLE = """\
Factuurnummer;Klantcode;Factuurdatum;Artikelcode;Aantal;Prijs excl. btw;Btw %
2026-101;10000;27-11-2026;A-0001;10;12,50;9
2026-102;10001;27-11-2026;A-0004;2,5;13,333;9
2026-103;10002;27-11-2026;A-0002;2;18,4O;9
2026-104;10003;31-11-2026;A-0001;1;12,50;9
"""
"""Two invoices, and two that are refused."""


def _program(*arguments: str, here: Arena, text: str | None = None, **variables: str) -> None:
    """Run a program of ours; some of its records are rejected on purpose."""
    subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=here.folder,
        env={**clean_environment(), **variables},
        input=text,
        stdin=subprocess.DEVNULL if text is None else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )


def _later(here: Arena, seconds: int) -> None:
    """Move the sandbox's clock, and let a call learn what the time is there."""
    here.server.control.clock(advance_seconds=seconds)
    variables = {f"EXACTONLINE_{name.upper()}": each for name, each in here.settings.items()}
    _program("exactonline_cli", "divisions", here=here, **variables)


def _read(here: Arena, divisions: list[int]) -> None:
    """Run the tap every few hours."""
    config = here.file("tap.json", {**here.settings, "divisions": divisions})
    chosen = here.file("catalog.json", catalog(STREAMS))
    output, state = here.folder / "output.jsonl", here.folder / "state.json"
    for _ in range(4):
        known = ["--state", str(state)] if state.exists() else []
        measured([*TAP, "--config", config, "--catalog", chosen, *known], output)
        lines = output.read_text(encoding="utf-8").splitlines()
        last = next(line for line in reversed(lines) if '"type":"STATE"' in line)
        state.write_text(json.dumps(json.loads(last)["value"]), encoding="utf-8")
        _later(here, EVERY)


def _write(here: Arena, division: int) -> None:
    """Import a file, and load records of which some are wrong."""
    config = here.file("target.json", {**here.settings, "division": division})
    (here.folder / "november.csv").write_text(TABLE, encoding="utf-8")
    invoices = ("exactonline_cli", "invoices", "import", "november.csv")
    _program(*invoices, "--config", config, "--yes", here=here)
    _later(here, EVERY)
    messages: list[dict[str, Any]] = [
        {"type": "SCHEMA", "stream": "sales_invoices", "schema": {"properties": {}}}
    ]
    for number, customer in enumerate(("10000", "10001", "99999", "10002", "88888")):
        lines = [{"Item": "A-0001", "Quantity": number + 1, "NetPrice": 12.5}]
        record = {
            "YourRef": f"WEB-{10021 + number}",
            "OrderedBy": customer,
            "SalesInvoiceLines": lines,
        }
        messages.append({"type": "RECORD", "stream": "sales_invoices", "record": record})
    text = "".join(json.dumps(message) + "\n" for message in messages)
    _program("target_exactonline", "--config", config, here=here, text=text)


@contextmanager
def _served(here: Arena) -> Iterator[str]:
    """Run the dashboard; yields the address that opens it."""
    options = ("--no-browser", "--port=0", "--store-url", here.settings["store_url"])
    with subprocess.Popen(
        [sys.executable, "-m", "exactonline_cli", "ui", *options],
        cwd=here.folder,
        env={**clean_environment(), "TZ": "Europe/Amsterdam"},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            if process.stderr is None:
                raise AssertionError
            yield next(line.strip() for line in process.stderr if "/?key=" in line)
        finally:
            process.terminate()


def take(images: Path) -> list[str]:
    """Write the pictures, and return their names."""
    limits = {"daily_limit": 5000, "minutely_limit": 60}
    with arena(seed=1, invoices=900, divisions=3, clock=CLOCK, **limits) as here:
        here.settings["connection"] = "books"
        _later(here, 0)
        _read(here, DIVISIONS)
        _write(here, DIVISIONS[0])
        with _served(here) as address, browser(viewport=DESK) as opened:
            tab = opened.new_page()
            tab.goto(address)
            tab.wait_for_url("**/overview")
            origin = address.partition("/?")[0]
            names = []
            for name, path, size, scheme in VIEWS:
                tab.set_viewport_size(size)
                tab.emulate_media(color_scheme=scheme)
                tab.goto(origin + path)
                names.append(f"dashboard-{name}.png")
                tab.screenshot(path=images / names[-1])
    return names
