"""Parse the body of a POST or PUT, JSON or Atom, to values by the types of the entity."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from exactonline_sandbox.clock import UTC, tick
from exactonline_sandbox.edm.guids import GUID
from exactonline_sandbox.edm.model import entity_name, model_name, schema
from exactonline_sandbox.edm.values import ZONE, from_wall_clock, padding
from exactonline_sandbox.errors import ApiError, bad_request
from exactonline_sandbox.odata.answer import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from xml.etree.ElementTree import Element

    from exactonline_client.catalogue import Endpoint, Property
    from exactonline_sandbox.books.tables import Row

_STREAM = "Error processing request stream."
_JSON_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_RANGES = {
    "Edm.Byte": (0, 2**8 - 1),
    "Edm.Int16": (-(2**15), 2**15 - 1),
    "Edm.Int32": (-(2**31), 2**31 - 1),
    "Edm.Int64": (-(2**63), 2**63 - 1),
}
_EARLIEST_YEAR = 1753
# Recorded traffic shows that the server accepts these, contrary to its documentation.
_ALSO_ACCEPTED = {"salesinvoice/SalesInvoices": {"InvoiceDate"}}


class Body:
    """Values of a body, and its lines by navigation property."""

    def __init__(self, values: Row, lines: dict[str, list[Row]]) -> None:
        """Set values and lines."""
        self.values = values
        self.lines = lines


def read_body(endpoint: Endpoint, body: bytes, content_type: str, *, creating: bool) -> Body:
    """Parse a body.

    Read-only properties are ignored, as the server does.

    Args:
        endpoint: The endpoint of the call.
        body: The body.
        content_type: Its media type.
        creating: Whether it is a POST; the writable properties of a PUT differ.

    Raises:
        ApiError: 400 for no entity, an unknown property or a value of a wrong type; 415 for other
            formats than JSON and Atom.
    """
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if kind == "application/json":
        given = _json(body)
    elif kind in ("application/atom+xml", "application/xml"):
        given = _atom(body)
    else:
        raise ApiError(415, f"The content type '{kind}' is not supported.")
    if not isinstance(given, dict):
        raise bad_request(f"{_STREAM} The request should be a valid top-level resource object.")
    return _entity(endpoint, given, "post" if creating else "put")


def _json(body: bytes) -> Any:  # noqa: ANN401 - whatever the body is
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise bad_request(f"{_STREAM} The body is no valid JSON.") from error


def _no_constant(name: str) -> None:
    raise ValueError(name)


def parse_xml(body: bytes) -> Element:
    """The root of an XML document.

    Raises:
        ValueError: The document is malformed or unsafe.
    """
    try:
        root: Element = fromstring(body)
    except (ParseError, DefusedXmlException, LookupError) as error:
        raise ValueError(str(error)) from error
    return root


def _atom(body: bytes) -> Any:  # noqa: ANN401 - whatever the body is
    try:
        root = parse_xml(body)
    except ValueError as error:
        raise bad_request(f"{_STREAM} The body is no valid XML.") from error
    properties = root.find(f".//{{{NAMESPACE}/metadata}}properties")
    if properties is None:
        return None
    null = f"{{{NAMESPACE}/metadata}}null"
    return {
        item.tag.rpartition("}")[2]: None if item.get(null) == "true" else item.text or ""
        for item in properties
    }


def _entity(endpoint: Endpoint, given: Mapping[str, Any], flag: str) -> Body:
    values: Row = {}
    lines: dict[str, list[Row]] = {}
    for name, value in given.items():
        if name == "__metadata":
            continue
        item = endpoint.properties.get(name)
        if item is None:
            raise bad_request(
                f"{_STREAM} The property name '{name}' specified for type "
                f"'{model_name(endpoint.id)}' is not valid."
            )
        if item.navigation:
            lines[name] = _collection(item, value)
        elif getattr(item, flag) or name in _ALSO_ACCEPTED.get(endpoint.id, ()):
            values[name] = _value(endpoint, item, value)
    return Body(values, lines)


def _collection(item: Property, value: object) -> list[Row]:
    if value is None or (isinstance(value, dict) and "__deferred" in value):
        return []
    rows = value.get("results") if isinstance(value, dict) else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise bad_request(f"{_STREAM} The property '{item.name}' should be a collection.")
    if item.entity is None:
        return [dict(row) for row in rows]
    child = schema().endpoints[item.entity]
    return [
        {
            name: part
            for name, part in _entity(child, row, "post").values.items()
            if part is not None
        }
        for row in rows
    ]


def _value(endpoint: Endpoint, item: Property, value: object) -> object:
    if value is None:
        return None
    read = _READERS.get(item.type)
    try:
        if read is None:
            raise ValueError(item.type)  # noqa: TRY301 - one answer for all wrong values
        found = read(value, item)
    except (ValueError, TypeError, OverflowError, InvalidOperation, binascii.Error) as error:
        raise bad_request(
            "Error encountered in converting the value from request payload for property "
            f"'{item.name}' to type '{item.type.removeprefix('Edm.')}', which is the property's "
            "expected type. See inner exception for more detail."
        ) from error
    if isinstance(found, str) and padding(entity_name(endpoint), item.name):
        return found.strip()
    return found


def _text(value: object, _item: Property) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _guid(value: object, item: Property) -> str:
    text = _text(value, item).lower()
    if not GUID.fullmatch(text):
        raise ValueError(text)
    return text


def _integer(value: object, item: Property) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError(value)
    number = int(value)
    low, high = _RANGES[item.type]
    if number != Decimal(value) or not low <= number <= high:
        raise ValueError(value)
    return number


def _double(value: object, _item: Property) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError(value)
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(value)
    return number


def _boolean(value: object, _item: Property) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise TypeError(value)


def _binary(value: object, item: Property) -> bytes:
    return base64.b64decode(_text(value, item), validate=True)


def _date(value: object, item: Property) -> date | datetime:
    shown = _wall_clock(_text(value, item))
    if shown.year < _EARLIEST_YEAR:
        raise ValueError(value)
    return tick(from_wall_clock(shown)) if item.date == "instant" else shown.date()


def _wall_clock(text: str) -> datetime:
    """A time on the server's wall clock; a time with a zone is converted to it."""
    json_date = _JSON_DATE.fullmatch(text)
    if json_date:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(json_date[1]))
        return moment.replace(tzinfo=None)
    normal = re.sub(r"(\.\d{1,6})\d*", lambda match: match[1].ljust(7, "0"), text)
    moment = datetime.fromisoformat(normal.replace("Z", "+00:00"))
    return moment.astimezone(ZONE).replace(tzinfo=None) if moment.tzinfo else moment


_READERS: dict[str, Callable[[object, Property], object]] = {
    "Edm.String": _text,
    "Edm.Guid": _guid,
    "Edm.Byte": _integer,
    "Edm.Int16": _integer,
    "Edm.Int32": _integer,
    "Edm.Int64": _integer,
    "Edm.Double": _double,
    "Edm.Boolean": _boolean,
    "Edm.Binary": _binary,
    "Edm.DateTime": _date,
}
