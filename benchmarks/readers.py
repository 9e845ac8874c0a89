"""Reads one list to its end and says how long that took: `python -m benchmarks.readers SIDE FILE`.

The clock runs from the first call to the last record, without the start of the program. The last
line on standard error is the number of seconds.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from benchmarks.plain_tap import PlainTap
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from singer_sdk import Tap


def ours(facts: dict[str, Any]) -> Tap:
    """The tap of this project."""
    tap = TapExactOnline(config=facts["settings"], catalog=facts["catalog"])
    # Opening the store imports SQLAlchemy, which belongs to the start.
    _ = tap.connection
    return tap


def plain(facts: dict[str, Any]) -> Tap:
    """A tap of the SDK's own parts."""
    path, _, query = facts["address"].partition("?")
    config = {"base_url": facts["base_url"], "path": path, "query": query}
    return PlainTap(config={**config, "schema": facts["schema"]})


def download(facts: dict[str, Any]) -> None:
    """The pages alone, thrown away: the ceiling that server and network set."""
    session = requests.Session()
    for address in facts["addresses"]:
        if len(session.get(facts["base_url"] + address, timeout=60).content) == 0:
            raise SystemExit(f"There is nothing at {address}.")


def main() -> None:
    """Command line."""
    _, side, file = sys.argv
    facts = json.loads(Path(file).read_text(encoding="utf-8"))
    tap = {"ours": ours, "plain": plain}.get(side)
    if tap is None:
        began = time.perf_counter()
        download(facts)
    else:
        made = tap(facts)
        began = time.perf_counter()
        made.sync_all()
    print(time.perf_counter() - began, file=sys.stderr)


if __name__ == "__main__":
    main()
