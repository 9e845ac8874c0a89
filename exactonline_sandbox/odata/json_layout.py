"""How JSON is laid out: line breaks, blanks, and characters beyond ASCII."""

from __future__ import annotations

from dataclasses import dataclass
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Layout:
    """The text between the values of a JSON document."""

    name: str
    line: str
    """Behind an opening bracket, and before a closing one."""
    comma: str
    colon: str
    ascii_only: bool
    r"""Whether other characters are written as `\u00e9`."""

    def quote(self, text: str) -> str:
        """A text as JSON."""
        return encode_basestring_ascii(text) if self.ascii_only else encode_basestring(text)

    def named(self, name: str, value: str) -> str:
        """A property of an object; the value is JSON."""
        return f'"{name}"{self.colon}{value}'

    def object(self, *properties: str) -> str:
        """An object of properties, see `named`."""
        return f"{{{self.line}{self.comma.join(properties)}{self.line}}}"

    def array(self, items: Iterable[str]) -> str:
        """An array; the items are JSON."""
        return f"[{self.line}{self.comma.join(items)}{self.line}]"

    def document(self, name: str, value: str) -> str:
        """A whole answer: an object with one property."""
        colon = " : " if self.line and name == "d" else self.colon
        return f'{{{self.line}"{name}"{colon}{value}{self.line}}}'


WIRE = Layout("wire", line="\r\n", comma=", ", colon=": ", ascii_only=True)
"""As the server writes it: with lines and blanks, in ASCII."""
COMPACT = Layout("compact", line="", comma=",", colon=":", ascii_only=False)
"""Without blanks, in UTF-8."""
LAYOUTS = {layout.name: layout for layout in (WIRE, COMPACT)}
