"""Read the tables of ledger accounts, classifications, VAT codes and rates beside the code."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files


@cache
def read_rows(name: str) -> tuple[dict[str, str], ...]:
    """The rows of `charts/<name>.csv`, by the names in its first line."""
    text = (files(__package__) / "charts" / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
