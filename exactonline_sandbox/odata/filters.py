"""`$filter`: parse to a syntax tree, and compile that to a Python predicate."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from exactonline_sandbox.errors import bad_request
from exactonline_sandbox.odata.literals import Literal, fits, parse_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exactonline_client.catalogue import Property

    Row = dict[str, Any]
    Getter = Callable[[Row], Any]
    Predicate = Callable[[Row], bool | None]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<literal>(?:guid|(?i:datetime))?'(?:[^']|'')*')
      | (?P<number>-?\d[\w.+-]*)
      | (?P<word>[A-Za-z_][\w/]*)
      | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "substringof": lambda part, text: part in text,
    "startswith": lambda text, start: text.startswith(start),
    "endswith": lambda text, end: text.endswith(end),
}
_CONVERSIONS: dict[str, Callable[[str], str]] = {"tolower": str.lower, "trim": str.strip}
_MAX_DEPTH = 100


@dataclass(frozen=True)
class Name:
    """A property."""

    name: str


@dataclass(frozen=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Compare:
    """A comparison of two values."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Logical:
    """`and` or `or` of two conditions."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Not:
    """The negation of a condition."""

    condition: Node


Node: TypeAlias = Name | Literal | Call | Compare | Logical | Not

_SYNTAX = "Bad Request - Error in query syntax."


def parse_filter(text: str, *, zoned: bool = False) -> Node:
    """Parse a `$filter`.

    Args:
        text: The filter.
        zoned: Whether `datetime'...Z'` is taken, as a time of the server's clock.

    Raises:
        ApiError: 400 for invalid syntax or an invalid literal.
    """
    parser = _Parser(_tokens(text), zoned=zoned)
    condition = parser.condition(0)
    if parser.peek() is not None:
        raise bad_request(_SYNTAX)
    return condition


def _tokens(text: str) -> list[str]:
    found, position = [], 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if not match:
            raise bad_request(_SYNTAX)
        found.append(match[0].strip())
        position = match.end()
    return found


class _Parser:
    """Recursive descent: `or` binds weakest, then `and`, `not`, and a comparison."""

    def __init__(self, tokens: list[str], *, zoned: bool) -> None:
        self._tokens = tokens
        self._zoned = zoned
        self._position = 0

    def peek(self) -> str | None:
        """The next token, or None at the end."""
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def take(self, expected: str | None = None) -> str:
        """Consume a token; 400 at the end, or if it is not the expected one."""
        token = self.peek()
        if token is None or expected not in (None, token):
            raise bad_request(_SYNTAX)
        self._position += 1
        return token

    def condition(self, depth: int) -> Node:
        """One or more conditions joined by `or`."""
        left = self._conjunction(depth)
        while self.peek() == "or":
            self.take()
            left = Logical("or", left, self._conjunction(depth))
        return left

    def _conjunction(self, depth: int) -> Node:
        left = self._negation(depth)
        while self.peek() == "and":
            self.take()
            left = Logical("and", left, self._negation(depth))
        return left

    def _negation(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise bad_request(_SYNTAX)
        if self.peek() == "not":
            self.take()
            return Not(self._negation(depth + 1))
        return self._comparison(depth)

    def _comparison(self, depth: int) -> Node:
        left = self._operand(depth)
        if self.peek() in _COMPARISONS:
            return Compare(self.take(), left, self._operand(depth))
        return left

    def _operand(self, depth: int) -> Node:
        token = self.take()
        if token == "(":  # noqa: S105 - a bracket
            inner = self.condition(depth + 1)
            self.take(")")
            return inner
        if token in (")", ",") or token in _COMPARISONS:
            raise bad_request(_SYNTAX)
        if self.peek() == "(" and token[0].isalpha():
            return Call(token, self._arguments(depth))
        if token in ("true", "false", "null") or not (token[0].isalpha() or token[0] == "_"):
            return parse_literal(token)
        return parse_literal(token, zoned=self._zoned) if "'" in token else Name(token)

    def _arguments(self, depth: int) -> tuple[Node, ...]:
        self.take("(")
        arguments = [self._operand(depth + 1)]
        while self.peek() == ",":
            self.take()
            arguments.append(self._operand(depth + 1))
        self.take(")")
        return tuple(arguments)


def names(node: Node) -> set[str]:
    """The properties used in a filter."""
    if isinstance(node, Name):
        return {node.name}
    if isinstance(node, Compare | Logical):
        return names(node.left) | names(node.right)
    if isinstance(node, Not):
        return names(node.condition)
    if isinstance(node, Call):
        return set().union(*(names(argument) for argument in node.arguments))
    return set()


@dataclass(frozen=True)
class FilterCompiler:
    """Compiles a filter to a predicate on rows with three values: None where a null decides."""

    properties: Mapping[str, Property]
    getter: Callable[[str], Getter]
    """Returns the reader of the comparable value of a property."""

    def predicate(self, node: Node) -> Predicate:
        """The predicate of a condition.

        Raises:
            ApiError: 400 for an unknown property or incompatible types.
        """
        if isinstance(node, Logical):
            return _joined(node.operator, self.predicate(node.left), self.predicate(node.right))
        if isinstance(node, Not):
            inner = self.predicate(node.condition)
            return lambda row: None if (value := inner(row)) is None else not value
        if isinstance(node, Compare):
            return self._comparison(node)
        if isinstance(node, Call) and node.function in _TESTS:
            return self._test(node)
        if isinstance(node, Name) and self._property(node.name).type == "Edm.Boolean":
            return self.getter(node.name)
        raise bad_request(_SYNTAX)

    def _comparison(self, node: Compare) -> Predicate:
        left, right, sign = node.left, node.right, node.operator
        if isinstance(left, Literal):
            left, right = right, left
            sign = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}.get(sign, sign)
        if not isinstance(right, Literal):
            raise bad_request("Comparing two properties is not supported.")
        if isinstance(left, Call) and left.function in _TESTS:
            return _compared(self._test(left), sign, right)
        self._check_types(left, right)
        return _compared(self._value(left), sign, right)

    def _check_types(self, left: Node, right: Literal) -> None:
        if isinstance(left, Name):
            item = self._property(left.name)
            if not fits(right, item):
                raise bad_request(
                    f"Operator '{item.type}' and '{right.type}' are incompatible operand types "
                    f"for property '{left.name}'."
                )
        elif right.type not in ("Edm.String", "Edm.Null"):
            raise bad_request(_SYNTAX)

    def _test(self, node: Call) -> Predicate:
        test = _TESTS[node.function]
        if len(node.arguments) != 2:  # noqa: PLR2004 - all tests take two
            raise bad_request(_SYNTAX)
        first, second = (self._value(argument) for argument in node.arguments)

        def predicate(row: Row) -> bool | None:
            one, other = first(row), second(row)
            return None if one is None or other is None else test(one, other)

        return predicate

    def _value(self, node: Node) -> Getter:
        """A reader of a text (or, for a bare property, any value) from a row."""
        if isinstance(node, Literal):
            if node.type != "Edm.String":
                raise bad_request(_SYNTAX)
            return lambda _row: node.value
        if isinstance(node, Name):
            self._property(node.name)
            return self.getter(node.name)
        if isinstance(node, Call) and node.function in _CONVERSIONS and len(node.arguments) == 1:
            change, inner = _CONVERSIONS[node.function], self._value(node.arguments[0])
            return lambda row: None if (text := inner(row)) is None else change(text)
        if isinstance(node, Call):
            raise bad_request(f"Unknown function '{node.function}'.")
        raise bad_request(_SYNTAX)

    def _property(self, name: str) -> Property:
        item = self.properties.get(name)
        if item is None or item.navigation:
            raise bad_request(f"No property '{name}' exists that can be filtered on.")
        return item


def _joined(sign: str, left: Predicate, right: Predicate) -> Predicate:
    decisive = sign == "or"

    def predicate(row: Row) -> bool | None:
        first = left(row)
        if first is decisive:
            return decisive
        second = right(row)
        if second is decisive:
            return decisive
        return None if first is None or second is None else not decisive

    return predicate


def _compared(read: Getter, sign: str, literal: Literal) -> Predicate:
    expected = literal.value
    if expected is None:
        if sign not in ("eq", "ne"):
            raise bad_request(_SYNTAX)
        return lambda row: (read(row) is None) == (sign == "eq")
    compare = _COMPARISONS[sign]
    return lambda row: None if (value := read(row)) is None else compare(value, expected)
