"""OData literals in filters, keys and skip tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.edm.guids import GUID
from exactonline_sandbox.errors import bad_request

if TYPE_CHECKING:
    from exactonline_client.catalogue import Property

_INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1
_DATETIME = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?)?")
_INTEGER = re.compile(r"-?\d+")
_LONG = re.compile(r"-?\d+[Ll]")
_DECIMAL = re.compile(r"-?(\d+\.\d+([eE][+-]?\d+)?[dDfFmM]?|\d+[dDfFmM])")
_QUOTED = re.compile(r"(guid|(?i:datetime))?'(.*)'", re.DOTALL)

INTEGERS = ("Edm.Byte", "Edm.Int16", "Edm.Int32", "Edm.Int64")
NUMBERS = (*INTEGERS, "Edm.Double")


@dataclass(frozen=True)
class Literal:
    """A value with its Edm type; `Edm.Null` for null."""

    value: Any
    type: str


def parse_literal(text: str, *, zoned: bool = False) -> Literal:
    """Parse one literal.

    Args:
        text: The literal as written, such as `guid'...'`, `12L` or `'it''s'`.
        zoned: Whether a time may end in `Z`, which is ignored.

    Raises:
        ApiError: 400 for an invalid literal, or a value outside its type.
    """
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        content = quoted[2].removesuffix("Z") if zoned and _is_time(quoted[1]) else quoted[2]
        return _quoted(quoted[1], content, text)
    if text in ("true", "false"):
        return Literal(text == "true", "Edm.Boolean")
    if text == "null":
        return Literal(None, "Edm.Null")
    return _number(text)


def _quoted(prefix: str | None, content: str, text: str) -> Literal:
    if prefix == "guid":
        if not GUID.fullmatch(content.lower()):
            raise bad_request(f"Unrecognized 'Edm.Guid' literal '{text}' in '{text}'.")
        return Literal(content.lower(), "Edm.Guid")
    if _is_time(prefix):
        return Literal(_moment(content, text), "Edm.DateTime")
    if "'" in content.replace("''", ""):
        raise bad_request("Bad Request - Error in query syntax.")
    return Literal(content.replace("''", "'"), "Edm.String")


def _is_time(prefix: str | None) -> bool:
    return prefix is not None and prefix.lower() == "datetime"


def _moment(content: str, text: str) -> datetime:
    if not _DATETIME.fullmatch(content):
        raise bad_request(f"Unrecognized 'Edm.DateTime' literal '{text}' in '{text}'.")
    whole, _, fraction = content.partition(".")
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError:
        raise bad_request(f"Unrecognized 'Edm.DateTime' literal '{text}' in '{text}'.") from None
    return moment.replace(microsecond=int(fraction.ljust(6, "0")[:6]) if fraction else 0)


def _number(text: str) -> Literal:
    if _LONG.fullmatch(text):
        return _integer(text[:-1], "Edm.Int64", _INT64_MAX)
    if _INTEGER.fullmatch(text):
        return _integer(text, "Edm.Int32", _INT32_MAX)
    if _DECIMAL.fullmatch(text):
        return Literal(Decimal(text.rstrip("dDfFmM")), "Edm.Double")
    raise bad_request("Bad Request - Error in query syntax.")


def _integer(digits: str, edm_type: str, largest: int) -> Literal:
    value = int(digits)
    if not -largest - 1 <= value <= largest:
        raise bad_request(f"Unrecognized '{edm_type}' literal '{digits}' in '{digits}'.")
    return Literal(value, edm_type)


def write_literal(value: object, edm_type: str) -> str:
    """A value as a literal of its type, for skip tokens and keys.

    Args:
        value: The comparable value: text, number, boolean, or datetime of the wall clock.
        edm_type: Its Edm type.
    """
    if value is None:
        return "null"
    if edm_type == "Edm.Guid":
        return f"guid'{value}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        return f"datetime'{_iso(value)}'"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value}L" if edm_type == "Edm.Int64" else str(value)


def _iso(moment: datetime) -> str:
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction


def fits(literal: Literal, item: Property) -> bool:
    """Whether the literal can be compared with this property."""
    if literal.type == "Edm.Null":
        return True
    if literal.type in NUMBERS:
        return item.type in NUMBERS
    return literal.type == item.type
