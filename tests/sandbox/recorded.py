"""Recorded answers of the service beside those of the sandbox to the same calls.

Usage: python -m tests.sandbox.recorded FOLDER

Prints a table of all that differs: the shape of an answer, its type, its fields, and for each field
whether it is null, zero or a value, of which JSON type, and how wide a code is padded. Contents are
not compared.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exactonline_sandbox import Sandbox, SandboxConfig
from tests.sandbox.conftest import NOON, Api

if TYPE_CHECKING:
    from collections.abc import Iterator

Body = dict[str, Any]

EXPLAINED = {
    (
        "account_get_full",
        "Country",
    ): "entered by a person: the screen fills in a country",
    ("account_get_full", "CountryName"): "as its country",
    ("account_get_full", "LogoThumbnailUrl"): "the sandbox serves no pictures",
    ("account_get_full", "LogoUrl"): "the sandbox serves no pictures",
    ("me", "Phone"): "the users of the sandbox have none",
    ("me", "PictureUrl"): "the sandbox serves no pictures",
    ("me", "Title"): "the users of the sandbox have none",
    ("salesinvoice_get_after_put", "DeliverToAddress"): "the new customer has no address",
    ("salesinvoice_get_after_put", "Description"): "the recorded PUT gave it one",
    ("salesinvoice_get_expand_lines", "DeliverToAddress"): "not taken from the customer",
    ("salesinvoice_post", "DeliverToAddress"): "not taken from the customer",
    (
        "system_divisions",
        "shape",
    ): "edited by hand: its recorded length is a bare list's",
    ("system_divisions", "Phone"): "the companies of the sandbox have none",
    (
        "system_divisions",
        "TemplateCode",
    ): "the companies of the sandbox have none",
    ("vatcodes_list_full", "Account"): "the sandbox has no account of the tax authority",
    ("vatcodes_list_full", "AccountCode"): "the sandbox has no account of the tax authority",
    ("vatcodes_list_full", "AccountName"): "the sandbox has no account of the tax authority",
    ("vatcodes_list_full", "IntrastatType"): "its codes name no type",
}
"""Differences that are meant, by recording and field."""
_PATH = re.compile(r"/api/v1/(?:\d+/)?([\w/]+?)(\(.*\))?")
_LIKE = {"0": "number", "false": "true", "''": "text"}
"""Empty values, and what they are otherwise like."""


@dataclass(frozen=True)
class Recording:
    """A recorded call with its answer."""

    name: str
    method: str
    path: str
    """Below the division, without a key."""
    one: bool
    """Whether it asks for a single row."""
    query: str
    sent: Body | None
    body: Body


@dataclass(frozen=True)
class Difference:
    """Something that the service answers otherwise than the sandbox."""

    recording: str
    what: str
    """A field, or `shape` or `type`."""
    service: str
    sandbox: str


def recordings(folder: Path) -> list[Recording]:
    """The recorded calls of a folder that were answered with rows."""
    found = []
    for file in sorted(folder.glob("*.json")):
        content = json.loads(file.read_text("utf-8"))
        answer = content.get("response")
        if not isinstance(answer, dict) or not isinstance(answer.get("body"), dict):
            continue
        asked = content["request"]
        match = _PATH.fullmatch(asked["path"])
        assert match is not None
        query = "&".join(f"{name}={value}" for name, value in (asked["params"] or {}).items())
        found.append(
            Recording(
                file.stem, asked["method"], match[1], bool(match[2]), query, asked["body"],
                answer["body"],
            )
        )  # fmt: skip
    return found


class Counterpart:
    """The sandbox, with rows like those that were recorded."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._customer = self._first("crm/Accounts?$filter=Status eq 'C'&$top=1&$select=ID")
        self._supplier = self._first("crm/Accounts?$filter=IsSupplier eq true&$top=1&$select=ID")
        self._item = self._first("logistics/Items?$filter=IsSalesItem eq true&$top=1&$select=ID")
        self._group = self._first("logistics/ItemGroups?$top=1&$select=ID")
        self._costs = self._first(
            "financial/GLAccounts?$filter=startswith(Code,'4')&$top=1&$select=ID"
        )
        self._keys: dict[str, str] = {}

    def _first(self, path: str) -> str:
        rows = self._api.rows(path)
        return str(rows[0]["ID"]) if rows else ""

    def answer(self, recording: Recording) -> Body:
        """What the sandbox answers to the same call."""
        if recording.method == "POST":
            return self._created(recording)
        path = recording.path
        if path.startswith("current/"):
            path = f"{self._api.server.base_url}/api/v1/{path}"
        if recording.one:
            path = f"{path}(guid'{self._key(recording.path)}')"
        answer: Body = self._api.get(f"{path}?{recording.query}").json()
        return answer

    def _created(self, recording: Recording) -> Body:
        assert recording.sent is not None
        sent = self._with_own_keys(recording.sent)
        answer = self._api.call("POST", recording.path, sent)
        assert answer.status_code == 201, (recording.name, answer.text)
        created: Body = answer.json()
        return created

    def _with_own_keys(self, sent: Body) -> Body:
        own = {
            "OrderedBy": self._customer,
            "Supplier": self._supplier,
            "Item": self._item,
            "ItemGroup": self._group,
            "GLAccount": self._costs,
            "VATCode": "2",
            "EntryDate": "2026-02-01",
        }
        changed: Body = {name: own.get(name, value) for name, value in sent.items()}
        return {
            name: [self._with_own_keys(row) for row in value] if isinstance(value, list) else value
            for name, value in changed.items()
        }

    def _key(self, path: str) -> str:
        """The key of a row as an app makes it, with few values."""
        if path not in self._keys:
            line = {"Item": self._item, "Quantity": 1, "NetPrice": 1}
            sent: dict[str, Body] = {
                "crm/Accounts": {"Name": "Foobar", "Status": "C"},
                "salesinvoice/SalesInvoices": {
                    "OrderedBy": self._customer, "Type": 8023, "SalesInvoiceLines": [line],
                },
            }  # fmt: skip
            created = self._api.create(path, sent[path])
            self._keys[path] = str(created.get("ID") or created["InvoiceID"])
        return self._keys[path]


def compared(folder: Path, api: Api) -> list[Difference]:
    """All that differs."""
    other = Counterpart(api)
    return [
        difference
        for recording in recordings(folder)
        for difference in _compared(recording, other.answer(recording))
    ]


def _compared(recording: Recording, body: Body) -> Iterator[Difference]:
    shapes = _shape(recording.body, recording), _shape(body, recording)
    if shapes[0] != shapes[1]:
        yield Difference(recording.name, "shape", *shapes)
    yield from _rows_compared(recording.name, _rows(recording.body), _rows(body))


def _rows_compared(name: str, theirs: list[Body], ours: list[Body]) -> Iterator[Difference]:
    """Differences of two lists: what is always so in one, and never in the other."""
    if not theirs or not ours:
        return
    types = theirs[0]["__metadata"]["type"], ours[0]["__metadata"]["type"]
    if types[0] != types[1]:
        yield Difference(name, "type", *types)
    for field in sorted({*theirs[0], *ours[0]} - {"__metadata"}):
        kinds = _kinds(theirs, field), _kinds(ours, field)
        if "rows" in kinds[0] & kinds[1]:
            children = [[child for row in rows for child in row[field]["results"]]
                        for rows in (theirs, ours)]  # fmt: skip
            yield from _rows_compared(f"{name}/{field}", *children)
        elif not _fit(*kinds):
            yield Difference(name, field, *(" or ".join(sorted(kind)) for kind in kinds))


def _fit(theirs: set[str], ours: set[str]) -> bool:
    """Whether the kinds of a field go together.

    One of them is in both, but for an empty value; or the sandbox has a value of which the service
    had none.
    """
    if {_LIKE.get(kind, kind) for kind in theirs} & {_LIKE.get(kind, kind) for kind in ours}:
        return True
    return theirs == {"null"} and not ours & {"absent", *_LIKE}


def _kinds(rows: list[Body], field: str) -> set[str]:
    return {_kind(row[field]) if field in row else "absent" for row in rows}


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "link" if "__deferred" in value else "rows"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return "number" if value else "0"
    if not value:
        return "null" if value is None else "''"
    text = str(value)
    padded = f" of {len(text)}" if text != text.strip() else ""
    return "date" if text.startswith("/Date(") else f"text{padded}"


def _shape(body: Body, recording: Recording) -> str:
    content = body["d"]
    if isinstance(content, list):
        return "bare list"
    if "results" in content:
        # Whether there is more depends on the number of rows; some recordings were cut.
        return "list"
    return "row" if recording.one or recording.method == "POST" else "single row"


def _rows(body: Body) -> list[Body]:
    content = body["d"]
    if isinstance(content, list):
        return content
    rows: list[Body] = content.get("results", [content])
    return rows


def main() -> None:
    """Print the table."""
    with Sandbox(SandboxConfig(invoices=150, clock=NOON, speed=0.0)).running() as server:
        for item in compared(Path(sys.argv[1]), Api(server)):
            reason = EXPLAINED.get((item.recording, item.what), "NOT EXPLAINED")
            line = (item.recording, item.what, item.service, item.sandbox, reason)
            sys.stdout.write(" | ".join(line) + "\n")


if __name__ == "__main__":
    main()
