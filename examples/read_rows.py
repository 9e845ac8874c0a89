"""Print the open amount of each customer, from the receivables of a company.

Settings come from variables, as those of the `exactonline` command do: EXACTONLINE_CONNECTION or
EXACTONLINE_CLIENT_ID and so on. With pandas installed, it adds up a frame.
"""

from __future__ import annotations

import os
from contextlib import closing
from importlib.util import find_spec
from typing import Any

from exactonline_client.connection import connect
from exactonline_client.rows import read

PREFIX = "EXACTONLINE_"
CUSTOMER, AMOUNT = "AccountName", "AmountDC"


def main() -> None:
    """Read the rows and add them up."""
    settings = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in os.environ.items()
        if name.startswith(PREFIX)
    }
    with closing(connect(settings)) as connection:
        division = connection.me["CurrentDivision"]
        rows = list(read(connection, "receivables", division, columns=[CUSTOMER, AMOUNT]))
        calls = connection.session.usage.total
    totals = totals_of_frame(rows) if find_spec("pandas") else totals_of_rows(rows)
    for name, amount in sorted(totals.items(), key=lambda item: -item[1]):
        print(f"{amount:12.2f}  {name}")
    print(f"{len(rows)} rows, {calls} API calls")


def totals_of_rows(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Add up the amounts of each customer."""
    totals: dict[str, float] = {}
    for row in rows:
        totals[row[CUSTOMER]] = totals.get(row[CUSTOMER], 0.0) + row[AMOUNT]
    return totals


def totals_of_frame(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Add up the amounts of each customer with pandas."""
    import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore] # noqa: PLC0415

    totals: dict[str, float] = pd.DataFrame(rows).groupby(CUSTOMER)[AMOUNT].sum().to_dict()
    return totals


if __name__ == "__main__":
    main()
