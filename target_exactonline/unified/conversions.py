"""How a field of the unified shape is written: each conversion undoes a way of reading.

`unified.csv` names the conversion of each field in its column `write`. None of them raises; what is
wrong is noted in the draft.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from target_exactonline.schema.unified import CODE, LINK, NAME, joined, words
from target_exactonline.schema.values import as_text, describe, is_empty
from target_exactonline.unified.draft import parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal

    from target_exactonline.schema.unified import UnifiedField
    from target_exactonline.unified.draft import Draft

    Conversion = Callable[[Draft, UnifiedField, Any], None]

PERIOD = re.compile(r"([0-9]{4})-([0-9]{1,2})")
HUNDRED = 100


def _same(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    for prop in item.properties:
        draft.put(item, prop, value)


def _number(change: Callable[[Draft, Decimal], Decimal]) -> Conversion:
    def convert(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
        number = draft.number(item, value)
        if number is not None or is_empty(value):
            _same(draft, item, None if number is None else change(draft, number))

    return convert


def _words(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    known = words()[item.argument]
    exact = known.get(as_text(value))
    if exact is not None:
        for prop, part in zip(item.properties, exact.split(), strict=False):
            draft.put(item, prop, part)
    elif not is_empty(value):
        _refuse_word(draft, item, known)


def _refuse_word(draft: Draft, item: UnifiedField, known: Iterable[str]) -> None:
    if not draft.source.from_exact:
        draft.refuse(item.name, f"should be {_either(known)}, but is another word")


def _either(known: Iterable[str]) -> str:
    return " or ".join(known)


def _only(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    """A list of one value, of which Exact Online keeps no more."""
    values = parsed(value)
    if not isinstance(values, list):
        values = [values]
    if len(values) > 1:
        draft.refuse(item.name, f"holds {len(values)} values, and Exact Online keeps one")
    else:
        _same(draft, item, values[0] if values else None)


def _link(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    """A row that the object refers to: by its key, else its code, else its name."""
    ways = draft.links.setdefault(item.properties, {})
    if is_empty(ways.setdefault(item.write, value)):
        ways[item.write] = value
    elif not is_empty(value) and as_text(ways[item.write]) != as_text(value):
        draft.refuse(item.name, "is given twice, with different values")


def settle_links(draft: Draft) -> None:
    """Turn what names related rows into properties; a code is one that the look-ups find."""
    for properties, ways in draft.links.items():
        chosen = [way for way in (LINK, CODE, NAME) if not is_empty(ways.get(way))]
        if not draft.source.from_exact:
            # Key, code and name of a row mostly come together; the first of them is enough.
            chosen = chosen[:1]
        for prop in properties:
            if not chosen and LINK in ways:
                draft.values[prop] = None
            for way in chosen:
                beside = draft.shape.links[prop].target.title if way == NAME else ""
                if way == CODE and LINK in chosen:
                    beside = "Code"
                draft.values.setdefault(prop + beside, ways[way])


def leave_fallbacks(draft: Draft) -> None:
    """Leave out what was read as another field, as Exact Online has no value of its own there."""
    for item in draft.resource.fields.values():
        if item.write == FALLBACK and draft.source.from_exact:
            (prop,) = item.properties
            (other,) = draft.resource.fields[joined(item.argument)].properties
            if prop in draft.values and draft.values[prop] == draft.values.get(other):
                del draft.values[prop]


def _const(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    """A field that has the same value for all that is written."""
    if is_empty(value) or draft.source.from_exact:
        return
    if as_text(value).casefold() != item.argument:
        draft.refuse(item.name, f"should be {item.argument}: nothing else can be written")


def _state(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    """What becomes of a new document, which may be said beforehand."""
    if is_empty(value) or draft.source.from_exact:
        return
    opened, _, final = item.argument.partition("/")
    accepted, others = opened.split(), final.split()
    if draft.source.finalizes and others:
        accepted, others = others, accepted
    if as_text(value) in others:
        setting = "none" if draft.source.finalizes else "print"
        draft.refuse(item.name, f"should be {_either(accepted)}, unless finalize is {setting}")
    elif as_text(value) not in accepted:
        draft.refuse(
            item.name, f"should be {_either(accepted)}, which is what a new document becomes"
        )


def _period(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    """Year and period in one text."""
    if is_empty(value):
        _same(draft, item, None)
        return
    found = PERIOD.fullmatch(as_text(value))
    if found is None:
        draft.refuse(
            item.name, f"should be a year and a period, such as 2026-06, but is {describe(value)}"
        )
        return
    for prop, part in zip(item.properties, found.groups(), strict=True):
        draft.put(item, prop, int(part))


def _check(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    """A total that Exact Online computes, and that is compared with it."""
    number = draft.number(item, value)
    if number is not None:
        _same(draft, item, checked(draft, item, number))


def checked(draft: Draft, item: UnifiedField, number: Decimal) -> Decimal:
    """What a total is at Exact Online."""
    return number * {"": 1, "negate": -1, "signed": draft.sign}[item.argument]


def _sum(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    """An amount that is compared with others of the record."""
    draft.number(item, value)


def _order(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    draft.place = draft.number(item, value)


def _for_lines(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    if not is_empty(value):
        draft.for_lines[item.write] = (item, value)


def _sign(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    """The word that tells which sign amounts have."""
    known = item.argument.split("/")
    if not is_empty(value) and as_text(value) not in known:
        _refuse_word(draft, item, known)


def _none(draft: Draft, item: UnifiedField, value: Any) -> None:  # noqa: ANN401
    if is_empty(value) or value in ([], "[]") or draft.source.from_exact:
        return
    if item.argument:
        draft.refuse(item.name, f"cannot be written here: it is of stream {item.argument}")
    else:
        draft.refuse(item.name, "cannot be written: Exact Online fills it in")


FALLBACK = "fallback"
SIGN, SIGNED, CHECK = "sign", "signed", "check"
FIRST_LINE, EVERY_LINE = "first_line", "every_line"
CONVERSIONS: Mapping[str, Conversion] = {
    "same": _same,
    FALLBACK: _same,
    "number": _number(lambda _, number: number),
    "negate": _number(lambda _, number: -number),
    "times100": _number(lambda _, number: number / HUNDRED),
    SIGNED: _number(lambda draft, number: number * draft.sign),
    SIGN: _sign,
    "words": _words,
    "only": _only,
    LINK: _link,
    CODE: _link,
    NAME: _link,
    "const": _const,
    "state": _state,
    "period": _period,
    CHECK: _check,
    "sum": _sum,
    "product": _sum,
    "order": _order,
    FIRST_LINE: _for_lines,
    EVERY_LINE: _for_lines,
    "none": _none,
}
"""By their name in `unified.csv`. `times100` says how the field is read; here it is undone."""
