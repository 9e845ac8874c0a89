"""Tables of the page on the unified shape: how each field is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.pages import table
from scripts.unified import RESOURCES, Field, mapping
from target_exactonline.schema.unified import TARGETS, words

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTES = {
    "same": "",
    "number": "",
    "negate": "with the sign turned",
    "times100": "as a fraction",
    "signed": "with the sign of the type",
    "only": "a list of one value",
    "link": "a key; or in its place the code or the name of the row",
    "code": "where its key is not given",
    "name": "where neither key nor code is given",
    "period": "year and period, such as `2026-06`",
    "check": "not sent: compared with what Exact makes of it",
    "sum": "not sent: compared with the sums of the lines",
    "product": "not sent: price and quantity are the amount",
    "order": "not sent: lines are sent in this order",
    "first_line": "to the first line",
    "every_line": "to every line",
}
REFUSED = "refused"


def blocks() -> dict[str, str]:
    """The blocks of the page."""
    return {"written_fields": "\n\n".join(_resources())}


def _resources() -> Iterator[str]:
    found = mapping()
    by_name = {item.name: item for item in RESOURCES}
    for name, target in TARGETS.items():
        about = f"{by_name[name].description} They are written to `{target.stream}`."
        yield f"#### {name}\n\n{about}\n\n{_fields(found[name])}"
        if target.lines:
            yield f"`line_items` of {name}:\n\n{_fields(found[target.lines])}"


def _fields(fields: list[Field]) -> str:
    rows = [[f"`{field.field}`", *_written(field)] for field in fields]
    written = [row for row in rows if row[2] != REFUSED]
    refused = ", ".join(row[0] for row in rows if row[2] == REFUSED)
    return table(("field", "at Exact", "how"), written) + f"\n\nFilled in by Exact: {refused}."


def _written(field: Field) -> tuple[str, str]:
    how, _, argument = field.write.partition(":")
    sent = ", ".join(f"`{name}`" for name in (field.sent_as or field.exact_column).split())
    if how == "none":
        return "", f"of stream `{argument}`" if argument else REFUSED
    if how == "words":
        known = words()[argument]
        return sent, "in words: " + ", ".join(f"`{word}`" for word in known)
    if how == "const":
        return "", f"`{argument}`, nothing else"
    if how == "state":
        opened, _, final = argument.partition("/")
        note = " or ".join(f"`{word}`" for word in opened.split())
        return "", note + (f"; with `finalize`: `{final}`" if final else "")
    if how == "sign":
        plus, minus = argument.split("/")
        return "", f"`{plus}`, or `{minus}` for the other sign"
    return ("" if how in {"sum", "product", "order"} else sent), NOTES[how]
