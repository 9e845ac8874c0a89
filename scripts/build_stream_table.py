"""Write `docs/streams.md`: every stream, and how it is read, from the catalogue.

Usage: python scripts/build_stream_table.py [--check]

With `--check` nothing is written: the exit code is 1 where the page lags behind the catalogue.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exactonline_client import catalogue
from tap_exactonline.plan import plans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exactonline_client.catalogue import Endpoint
    from tap_exactonline.plan import Plan

FILE = Path(__file__).parent.parent / "docs" / "streams.md"
KINDS = {"crud": "plain", "read": "plain"}
WIDTH = 100

PAGE = """\
# Streams

Made from the catalogue by `make docs-tables`; do not edit by hand. What the columns mean:

- **read from**: the endpoint with the settings as they are, below the division. With
  `use_sync_api: false` bulk and plain endpoints are used instead of sync ones.
- **bookmark**: the column by which only changes are read; `-` means that all rows are read.
- **rows a call**: `all` where the endpoint is not paged.
- **comes with**: the stream whose calls bring these rows along, so that they cost none of their
  own.
- **deletes**: whether Exact's log of deleted rows knows the entity.

{streams}

## Functions

These {number} endpoints demand parameters, whose names and types Exact publishes in its own
reference only. They are not covered by a stream of their own; with their parameters they are
reachable as a [custom stream](custom-streams.md), but for those that cannot be read.

{functions}

## Streams without deletes

The deleted log does not know these entities: a row that is deleted at Exact stays where it was
loaded, unless the setting `compare_keys` names the stream
([how](tap.md#deletes-that-exact-does-not-log)).

{undeleted}
"""


def page() -> str:
    """The whole page."""
    facts = catalogue.load()
    found = sorted(plans(facts, use_sync=True), key=lambda plan: plan.name)
    functions = [item for item in facts.endpoints.values() if item.kind == "function"]
    undeleted = (f"`{plan.name}`" for plan in found if plan.stream.deleted_type is None)
    return PAGE.format(
        streams=table(
            ("stream", "read from", "key", "bookmark", "rows a call", "comes with", "deletes"),
            map(stream_cells, found),
        ),
        number=len(functions),
        functions=table(("path", "key of its rows", "readable"), map(function_cells, functions)),
        undeleted=wrapped(undeleted),
    )


def stream_cells(plan: Plan) -> tuple[str, ...]:
    """A stream's line in the table."""
    endpoint = plan.endpoint
    return (
        f"`{plan.name}`",
        f"{KINDS.get(endpoint.kind, endpoint.kind)}: `{endpoint.id}`",
        ", ".join(plan.primary_keys),
        plan.bookmark or "-",
        str(endpoint.page_size or "all"),
        f"`{plan.headers}`" if plan.headers else "",
        "yes" if plan.stream.deleted_type else "no",
    )


def function_cells(endpoint: Endpoint) -> tuple[str, ...]:
    """A function's line in the table."""
    readable = "yes" if "GET" in endpoint.methods else "no"
    return f"`{endpoint.id}`", ", ".join(endpoint.key) or "-", readable


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def wrapped(names: Iterable[str]) -> str:
    """Names with commas between, in lines of the house's width."""
    lines = [""]
    for name in names:
        line = f"{lines[-1]} {name}," if lines[-1] else f"{name},"
        if len(line) > WIDTH:
            lines.append(f"{name},")
        else:
            lines[-1] = line
    return "\n".join(lines).removesuffix(",") + "."


def main() -> None:
    """Bring the page up to date, or say that it is not."""
    parser = argparse.ArgumentParser(description="Write docs/streams.md from the catalogue.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    after = page()
    if not parser.parse_args().check:
        FILE.write_text(after, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != after:
        sys.exit(f"docs/{FILE.name} is not what the catalogue says: run make docs-tables.")


if __name__ == "__main__":
    main()
