"""Take the pictures of an import, of the sandbox's pages and of the dashboard: `make pictures`.

They are taken of what runs: a file is imported into a sandbox, and Chromium opens the pages.
"""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from benchmarks.arena import arena, clean_environment
from scripts import dashboard_pictures
from scripts.browser import browser
from scripts.pages import DOCS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.arena import Arena

IMAGES = DOCS / "images"
CLOCK = datetime(2026, 11, 28, 9, 30, tzinfo=timezone.utc)
WIDTH = 108
"""Characters of the terminal."""
LARGEST = 150_000
"""Bytes of a picture."""
REFERENCE = "2026-101"
TABLE = f"""\
Factuurnummer;Klantcode;Factuurdatum;Artikelcode;Aantal;Prijs excl. btw;Btw %;Regelbedrag
{REFERENCE};10000;28-11-2026;A-0001;10;12,50;9;125,00
{REFERENCE};10000;28-11-2026;D-0017;1,5;95,00;21;142,50
2026-102;10001;28-11-2026;A-0004;2,5;13,333;9;33,33
2026-103;10002;28-11-2026;A-0002;2;18,4O;9;36,80
2026-104;10003;31-11-2026;A-0001;1;12,50;9;12,50
Totaal;;;;;;;350,13
"""
"""A file as people have it, with two mistakes."""


def command(here: Arena, file: Path, *options: str) -> str:
    """What an import prints."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "exactonline_cli", "invoices", "import", file.name),
            *("--config", here.file("config.json", here.settings), *options),
        ],
        cwd=here.folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def drawn(title: str, text: str) -> str:
    """A terminal with a text as a drawing, which asks for no font from elsewhere."""
    console = Console(record=True, width=WIDTH, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(Text(text.rstrip()))
    form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title=title, code_format=form, unique_id="import")


def main() -> None:
    """Write the pictures."""
    with arena(seed=1, invoices=60, divisions=3, clock=CLOCK, speed=0.0) as here:
        file = here.folder / "november.csv"
        file.write_text(TABLE, encoding="utf-8")
        shown = command(here, file, "--dry-run")
        title = f"exactonline invoices import {file.name}"
        (IMAGES / "import-preview.svg").write_text(drawn(title, shown), encoding="utf-8")
        command(here, file, "--yes")
        with browser(viewport={"width": 900, "height": 760}, color_scheme="light") as opened:
            tab = opened.new_page()
            tab.goto(here.server.base_url)
            tab.screenshot(path=IMAGES / "sandbox-start.png")
            tab.get_by_role("row").filter(has_text=REFERENCE).get_by_role("link").click()
            tab.screenshot(path=IMAGES / "sandbox-invoice.png", full_page=True)
    taken = dashboard_pictures.take(IMAGES)
    for name in ("import-preview.svg", "sandbox-start.png", "sandbox-invoice.png", *taken):
        size = (IMAGES / name).stat().st_size
        if size > LARGEST:
            sys.exit(f"docs/images/{name} has {size:,} bytes, more than {LARGEST:,}.")
        print(f"docs/images/{name} is up to date")


if __name__ == "__main__":
    main()
