"""Names of columns: those of Exact, or in snake case, as identifiers that need no quotes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTING = "column_names"
EXACT, SNAKE = "exact", "snake"
RESERVED = frozenset(
    # Words that PostgreSQL or Snowflake reserve, so that they cannot name a column without quotes.
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "authorization",
        "between",
        "binary",
        "both",
        "by",
        "case",
        "cast",
        "check",
        "collate",
        "collation",
        "column",
        "concurrently",
        "connect",
        "connection",
        "constraint",
        "create",
        "cross",
        "current",
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "default",
        "deferrable",
        "delete",
        "desc",
        "distinct",
        "do",
        "drop",
        "else",
        "end",
        "except",
        "exists",
        "false",
        "fetch",
        "following",
        "for",
        "foreign",
        "freeze",
        "from",
        "full",
        "grant",
        "group",
        "having",
        "ilike",
        "in",
        "increment",
        "initially",
        "inner",
        "insert",
        "intersect",
        "into",
        "is",
        "isnull",
        "join",
        "lateral",
        "leading",
        "left",
        "like",
        "limit",
        "localtime",
        "localtimestamp",
        "minus",
        "natural",
        "not",
        "notnull",
        "null",
        "of",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "outer",
        "overlaps",
        "placing",
        "primary",
        "qualify",
        "references",
        "regexp",
        "returning",
        "revoke",
        "right",
        "rlike",
        "row",
        "rows",
        "sample",
        "select",
        "session_user",
        "set",
        "similar",
        "some",
        "start",
        "symmetric",
        "system_user",
        "table",
        "tablesample",
        "then",
        "to",
        "trailing",
        "trigger",
        "true",
        "try_cast",
        "union",
        "unique",
        "update",
        "user",
        "using",
        "values",
        "variadic",
        "verbose",
        "when",
        "whenever",
        "where",
        "window",
        "with",
    ]
)


def snake(name: str) -> str:
    """Convert a name: `AmountVATFC` to `amount_vat_fc`, `User`, which SQL reserves, to `user_`."""
    # Or VATFC would be one word.
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name.replace("VAT", "Vat"))
    plain = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words).lower()
    return f"{plain}_" if plain in RESERVED else plain


def by_exact_name(stream: str, columns: Iterable[str], style: str | None) -> dict[str, str]:
    """Map Exact's names of a stream's columns to those of its records.

    Raises:
        ConfigurationError: two columns would have one name.
    """
    if style != SNAKE:
        return {name: name for name in columns}
    names: dict[str, str] = {}
    owners: dict[str, str] = {}
    for column in columns:
        name = names[column] = snake(column)
        if name in owners:
            raise ConfigurationError(
                f"Setting {SETTING}: the columns {owners[name]} and {column} of stream {stream} "
                f"are both {name} in snake case. Use {EXACT}, or leave one of them out of the "
                "select of the stream."
            )
        owners[name] = column
    return names
