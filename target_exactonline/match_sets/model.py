"""Match sets: entries of an account that cancel each other out, so that they are no longer open.

Read from records and checked without a call, and written as the XML that Exact takes; with the
refusals in its answer.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.etree.ElementTree import Element, SubElement

import msgspec

from exactonline_client.deletion import Mark, mark_of
from exactonline_client.http.xml import ROOT
from exactonline_client.store.references import LONGEST_REFERENCE
from target_exactonline.load.journal import made_up
from target_exactonline.mapping.record import is_metadata, unclear_mark
from target_exactonline.schema.names import plain
from target_exactonline.schema.values import CONVERTERS, describe, is_empty, to_moment, wrong_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exactonline_client.http.xml import Message

STREAM = "match_sets"
TOPIC = "MatchSets"
ENTITY = "xml/MatchSets"
"""Id of the entity in the journal."""
GL_ACCOUNTS, JOURNALS = "financial/GLAccounts", "financial/Journals"
DELETED = (
    "it was deleted at the source: a match set is not deleted by a record, only undone in Exact "
    "Online"
)

TEXT, WHOLE, NUMBER, DAY = "Edm.String", "Edm.Int32", "Edm.Double", "Edm.DateTime"
# Fields of a record: name, aliases, and type.
LINE_FIELDS = {
    "year": (("finyear", "financialyear"), WHOLE),
    "period": (("finperiod", "financialperiod"), WHOLE),
    "journal": (("journalcode",), TEXT),
    "entry": (("entrynumber",), WHOLE),
    "amount": (("amountdc",), NUMBER),
}
SET_FIELDS = {
    "reference": ((), TEXT),
    "gl_account": (("glaccountcode",), TEXT),
    "account": (("accountcode",), TEXT),
    "lines": (("matchlines",), ""),
    "write_off": ((), ""),
}
WRITE_OFF_FIELDS = {
    "gl_account": (("glaccountcode",), TEXT),
    "type": ((), TEXT),
    "description": ((), TEXT),
    "year": (("finyear", "financialyear"), WHOLE),
    "period": (("finperiod", "financialperiod"), WHOLE),
    "date": ((), DAY),
}
# The elements of a write-off, in the order of Exact's schema.
WRITE_OFF_ELEMENTS = {
    "description": "Description",
    "year": "FinYear",
    "period": "FinPeriod",
    "date": "Date",
}
FEWEST_LINES = 2

_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


@dataclass
class MatchSet:
    """One record on its way to Exact Online."""

    reference: str
    """The record's own, or a made-up one if it has none that can be used."""
    record: Mapping[str, Any]
    values: dict[str, Any] = field(default_factory=dict)
    lines: list[dict[str, Any]] = field(default_factory=list)
    write_off: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def payload_hash(self) -> str:
        """Hash of the content."""
        content = [self.values["gl_account"], self.values["account"], self.lines, self.write_off]
        return hashlib.sha256(_encode(content)).hexdigest()

    @property
    def total(self) -> Decimal:
        """Sum of the lines."""
        return sum((Decimal(line["amount"]) for line in self.lines), Decimal(0))

    def codes(self) -> Iterator[tuple[str, str, str]]:
        """Yield codes of ledger accounts and journals: endpoint of the list, path, code."""
        yield GL_ACCOUNTS, "gl_account", self.values["gl_account"]
        for number, line in enumerate(self.lines, start=1):
            yield JOURNALS, f"lines[{number}].journal", line["journal"]
        if self.write_off:
            yield GL_ACCOUNTS, "write_off.gl_account", self.write_off["gl_account"]

    def element(self) -> Element:
        """Make the XML element of the set."""
        root = Element("MatchSet")
        SubElement(root, "GLAccount", code=self.values["gl_account"])
        SubElement(root, "Account", code=self.values["account"])
        lines = SubElement(root, "MatchLines")
        for line in self.lines:
            SubElement(
                lines,
                "MatchLine",
                finyear=str(line["year"]),
                finperiod=str(line["period"]),
                journal=line["journal"],
                entry=str(line["entry"]),
                amountdc=f"{Decimal(line['amount']):f}",
            )
        if self.write_off and self.total:
            self._write_off(root)
        return root

    def _write_off(self, root: Element) -> None:
        # Without a type, Exact derives debit or credit from the difference.
        kind = {"type": self.write_off["type"]} if "type" in self.write_off else {}
        element = SubElement(root, "WriteOff", kind)
        SubElement(element, "GLAccount", code=self.write_off["gl_account"])
        for name, tag in WRITE_OFF_ELEMENTS.items():
            if name in self.write_off:
                SubElement(element, tag).text = str(self.write_off[name])


def is_match_set_stream(stream_name: str) -> bool:
    """Whether a stream holds match sets; its name may have a schema in front."""
    return plain(re.split(r"[-.]", stream_name)[-1]) == plain(STREAM)


def document(elements: Iterable[Element]) -> Element:
    """Make one XML document of sets."""
    root = Element(ROOT)
    SubElement(root, TOPIC).extend(elements)
    return root


Identity: TypeAlias = "tuple[tuple[str, str], frozenset[tuple[object, ...]]]"
"""The codes of a set's accounts, and its lines."""


def identity(element: Element) -> Identity:
    """Return the parts of a set by which it is recognised at Exact."""
    names = ("finyear", "finperiod", "journal", "entry")
    lines = (
        (*(line.get(name, "").strip() for name in names), _amount(line.get("amountdc", "")))
        for line in element.iter("MatchLine")
    )
    return (_code(element, "GLAccount"), _code(element, "Account")), frozenset(lines)


def _amount(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except ArithmeticError:
        return text


def _code(element: Element, name: str) -> str:
    child = element.find(name)
    return "" if child is None else child.get("code", "").strip()


def read(record: Mapping[str, Any]) -> MatchSet:
    """Make a set of a record, with all its problems; never raises."""
    problems: list[str] = []
    values = _fields(record, SET_FIELDS, "", problems)
    missing = [name for name in ("reference", "gl_account", "account") if not values.get(name)]
    problems += [f"{name} is missing" for name in missing]
    reference = values.get("reference", "")
    if len(reference) > LONGEST_REFERENCE:
        problems.append(f"reference is longer than {LONGEST_REFERENCE} characters")
        reference = ""
    item = MatchSet(reference or made_up(record), record, values, problems=problems)
    item.lines = _lines(values.pop("lines", None), problems)
    if values.get("write_off") is not None:
        item.write_off = _write_off(values["write_off"], problems)
    if not problems:
        _check_total(item)
    mark = unclear_mark(record) or (DELETED if mark_of(record) is Mark.DELETED else None)
    if mark:
        item.problems = [mark]
    return item


def _lines(given: object, problems: list[str]) -> list[dict[str, Any]]:
    rows = _decoded(given)
    if not isinstance(rows, list) or len(rows) < FEWEST_LINES:
        problems.append("lines should be a list of at least two lines, which belong together")
        return []
    lines = []
    for number, row in enumerate(rows, start=1):
        name = f"lines[{number}]"
        if not isinstance(row, dict):
            problems.append(f"{name} should be an object, but is {describe(row)}")
            continue
        unclear = unclear_mark(row)
        if unclear or mark_of(row) is Mark.DELETED:
            problems.append(f"{name}.{unclear}" if unclear else f"{name} was deleted at the source")
        line = _fields(row, LINE_FIELDS, f"{name}.", problems)
        problems += [f"{name}.{item} is missing" for item in LINE_FIELDS if item not in line]
        if line.get("amount") == 0:
            problems.append(f"{name}.amount is zero")
        lines.append(line)
    return lines


def _write_off(given: object, problems: list[str]) -> dict[str, Any]:
    row = _decoded(given)
    if not isinstance(row, dict):
        problems.append(f"write_off should be an object, but is {describe(row)}")
        return {}
    fields = _fields(row, WRITE_OFF_FIELDS, "write_off.", problems)
    if not fields.get("gl_account"):
        problems.append("write_off.gl_account is missing: the ledger account of the difference")
    return fields


def _check_total(item: MatchSet) -> None:
    """Add problems of a set whose fields are right."""
    if item.total and not item.write_off:
        item.problems.append(
            "the amounts of the lines do not add up to zero, and no write_off is given for the "
            "difference (debit is positive: an open sales invoice; credit negative: its payment)"
        )
    if len({line["amount"] > 0 for line in item.lines}) == 1:
        item.problems.append("all lines are on one side: debit belongs with credit")


def _fields(
    row: Mapping[str, Any],
    known: Mapping[str, tuple[tuple[str, ...], str]],
    where: str,
    problems: list[str],
) -> dict[str, Any]:
    """Convert the fields of an object, by their names here; add its problems to `problems`."""
    by_plain = {
        alias: name for name, (others, _) in known.items() for alias in (plain(name), *others)
    }
    fields: dict[str, Any] = {}
    for given, value in row.items():
        name = by_plain.get(plain(given))
        if is_metadata(given) or (name and is_empty(value)):
            continue
        if name is None:
            problems.append(f"{where}{given} is not a field of a match set; {', '.join(known)} are")
        elif name in fields:
            problems.append(f"{where}{name} is given twice")
        else:
            _take(fields, name, value, known[name][1], where, problems)
    return fields


def _take(  # noqa: PLR0913, PLR0917 - a value, where it belongs, and where its problems go
    fields: dict[str, Any], name: str, value: object, kind: str, where: str, problems: list[str]
) -> None:
    try:
        fields[name] = _converted(value, kind)
    except (ArithmeticError, TypeError, ValueError):
        fields[name] = None
        problems.append(f"{where}{name} {wrong_type(value, kind)}")


def _converted(value: object, kind: str) -> Any:  # noqa: ANN401 - as the kind has it
    if not kind:
        return value
    if kind == DAY:
        return to_moment(value).isoformat()[: len("2026-06-25")]
    converted = CONVERTERS[kind](value)
    if isinstance(converted, str):
        converted = converted.strip()
        if not converted.isprintable():
            raise ValueError
    return converted


def _decoded(given: object) -> object:
    """Decode a list or an object that came as JSON text."""
    if not isinstance(given, str):
        return given
    try:
        return msgspec.json.decode(given)
    except msgspec.DecodeError:
        return given


def refusals(items: Sequence[MatchSet], messages: Sequence[Message]) -> dict[str, str]:
    """Return the reasons of refused sets, by reference; empty if the answer has none."""
    errors = [message for message in messages if message.is_error]
    if len(messages) == len(items):
        pairs = zip(items, messages, strict=True)
        return {item.reference: message.text for item, message in pairs if message.is_error}
    if messages and not errors:
        return {}
    return {item.reference: _about(item, errors) for item in items}


def _about(item: MatchSet, errors: Sequence[Message]) -> str:
    """Join the errors that may be about a set: those that name one of its entries, else all."""
    names = {str(line["entry"]) for line in item.lines}
    naming = [error.text for error in errors if any(name in error.text for name in names)]
    return "; ".join(dict.fromkeys(naming or [error.text for error in errors]))
