"""Rows a second: this tap, a tap of the SDK's parts, and published clients, on the same pages.

Usage: python -m benchmarks.throughput [--invoices 10000] [--times 3]

The pages of one list of records with 40 columns are taken from the sandbox once, and then sent as
bytes by a small server, so that reading is measured and not the making of pages.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.encoding import SimpleSingerWriter
from typing_extensions import override

from benchmarks import replay
from benchmarks.arena import arena, catalog, measured
from benchmarks.report import Table
from demo import ending
from exactonline_client.catalogue import load
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from singer_sdk.singerlib import Message

    from benchmarks.arena import Arena

STREAM = "transaction_lines"
COLUMNS = 40
NEEDED = ("ID", "Division", "Timestamp")
HERE = Path(__file__).parent
OURS, PLAIN = "this tap", "plain SDK RESTStream"
SIDES = {OURS: "ours", PLAIN: "plain", "(download alone)": "download"}
SDK, OLDER = "exact-online-sdk", "exactonline"


class Nowhere(SimpleSingerWriter):
    """Writes nothing."""

    @override
    def write_message(self, message: Message) -> None:
        """Drop a message."""


def chosen_columns() -> list[str]:
    """The columns of a record."""
    catalogue = load()
    endpoint = catalogue.endpoints[catalogue.streams[STREAM].sync or ""]
    others = [name for name in endpoint.columns if name not in NEEDED]
    return [*NEEDED, *others[: COLUMNS - len(NEEDED)]]


def record(here: Arena, selection: dict[str, Any], file: Path) -> list[str]:
    """Record what the sandbox answers the tap; returns the addresses of the list's pages."""
    tap = TapExactOnline(config=here.settings, catalog=selection, message_writer=Nowhere())
    session = tap.connection.session
    asked: dict[str, str] = {}
    read = session.read  # every call of the tap goes through it

    def kept(
        address: str,
        division: int | None,
        parse: Callable[[requests.Response], Any],
        *others: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        def noted(answer: requests.Response) -> Any:  # noqa: ANN401
            asked[address.removeprefix(session.base_url)] = answer.text
            return parse(answer)

        return read(address, division, noted, *others)

    session.read = kept  # type: ignore[method-assign, assignment]
    tap.sync_all()
    tap.connection.close()
    replay.save(asked, session.base_url, file)
    path = load().endpoints[load().streams[STREAM].sync or ""].uri
    path = path.format(division=here.server.divisions[0])
    return [address for address in asked if address.startswith(path)]


def measure(invoices: int = 10_000, times: int = 3, *, foreign: bool = True) -> Table:
    """The best of some times for each side."""
    with arena(invoices=invoices) as here:
        selection = catalog([STREAM], chosen_columns())
        recorded = here.folder / "recorded.json"
        addresses = record(here, selection, recorded)
        here.sign_in()
        rows = len(here.server.control.truth(here.server.divisions[0], STREAM))
        (entry,) = selection["streams"]
        properties = {name: entry["schema"]["properties"][name] for name in chosen_columns()}
        with replay.running(recorded) as (base_url, _):
            facts = {
                "base_url": base_url,
                "addresses": addresses,
                "address": addresses[0],
                "folder": str(here.folder),
                "schema": {**entry["schema"], "properties": properties},
                "catalog": selection,
                "settings": {
                    **here.settings,
                    "base_url": base_url,
                    "store_url": f"sqlite:///{here.folder / 'replay' / 'store.db'}",
                },
            }
            file = here.file("facts.json", facts)
            # In turns, so that whatever else the machine does meets all sides alike.
            turns = [
                {name: _seconds(side, file) for name, side in SIDES.items()} for _ in range(times)
            ]
            if foreign:
                turns += [{SDK: _foreign(SDK, file, base_url)} for _ in range(times)]
        if foreign:
            with replay.running(recorded, tls=True) as (base_url, certificate):
                file = here.file("facts.json", {**facts, "base_url": base_url})
                turns += [
                    {OLDER: _foreign(OLDER, file, base_url, certificate)} for _ in range(times)
                ]
    found = {
        name: min(turn[name] for turn in turns if name in turn)
        for name in dict.fromkeys(name for turn in turns for name in turn)
    }
    return Table(
        "throughput",
        "Rows a second",
        f"{rows:,} records of {COLUMNS} columns in {len(addresses)} pages, replayed by a server "
        "that sends recorded bytes: no latency, no limits. The best of "
        f"{times}, from the first call to the last record. *Download alone* is what server and "
        "network can do at most. The taps write Singer records; the clients only hand over rows, "
        "with dates and numbers as the API sends them (`exactonline` by https, since it speaks "
        "nothing else).",
        ("side", "seconds", "rows a second", "to the RESTStream"),
        [
            (side, seconds, round(rows / seconds), found[PLAIN] / seconds)
            for side, seconds in sorted(found.items(), key=lambda item: item[1])
        ],
        drawn="rows a second",
        compared=("rows a second",),
    )


def _seconds(side: str, file: str) -> float:
    run = measured((sys.executable, "-m", "benchmarks.readers", side, file))
    return float(run.errors.splitlines()[-1])


def _foreign(client: str, file: str, base_url: str, certificate: str = "") -> float:
    # Its environment is made the way the tests make it, from the same pins.
    from tests.sandbox.test_foreign_clients import environment  # noqa: PLC0415

    program = HERE / "foreign" / f"{client.replace('-', '_')}_reads.py"
    variables = {
        "EXACT_BASE_URL": base_url,
        "EXACT_CLIENT_ID": "a",
        "EXACT_CLIENT_SECRET": "b",
        "EXACT_REDIRECT_URI": "https://example.com/callback",
        "EXACT_DIVISION": "1700001",
        "SSL_CERT_FILE": certificate,
    }
    folder = str(Path(file).parent)
    done = subprocess.run(
        [str(environment(client)), str(program), file],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": folder, **variables},
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(json.loads(done.stdout.splitlines()[-1])["seconds"])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throughput", description=__doc__)
    parser.add_argument("--invoices", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=3)
    measure(**vars(parser.parse_args())).show()


if __name__ == "__main__":
    ending.run(main)
