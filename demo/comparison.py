"""What is in Exact Online, held against what is in the warehouse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.stack import WAREHOUSE
from exactonline_client import catalogue

if TYPE_CHECKING:
    from demo.stack import Stack


@dataclass(frozen=True)
class Count:
    """Rows of one stream in both systems, and how many keys are in one of them alone."""

    stream: str
    in_exact: int
    in_warehouse: int
    different: int


def keys(stack: Stack, stream: str) -> list[tuple[str, ...]]:
    """The keys of the rows of a stream that the warehouse holds and that are not deleted."""
    columns = warehouse_columns(stack, stream)
    if not columns:
        return []
    wanted = ", ".join(f'"{name}"::text' for name in catalogue.load().streams[stream].key)
    living = ' where "_sdc_deleted_at" is null' if "_sdc_deleted_at" in columns else ""
    return stack.sql(f'select {wanted} from "{WAREHOUSE}"."{stream}"{living}')  # noqa: S608


def warehouse_columns(stack: Stack, stream: str) -> set[str]:
    """The columns of a stream's table; none when there is no table yet."""
    rows = stack.sql(
        "select column_name from information_schema.columns "  # noqa: S608
        f"where table_schema = '{WAREHOUSE}' and table_name = '{stream}'"
    )
    return {name for (name,) in rows}


def count(stack: Stack, division: int, stream: str) -> Count:
    """Compare one stream by its keys."""
    key = catalogue.load().streams[stream].key
    truth = [tuple(str(row[name]) for name in key) for row in stack.sandbox.truth(division, stream)]
    found = keys(stack, stream)
    return Count(stream, len(truth), len(found), len(set(truth) ^ set(found)))
