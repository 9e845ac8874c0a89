"""Keeps secrets out of everything a program says: log records, warnings, tracebacks, errors.

What a terminal would obey is written out on the same way: most of what is said quotes others.

`install` once, at the start of a program. From then on every log record is cleaned when it is
made, whichever logger, level and handler it is for, and every text on its way to standard error,
whoever writes it. The text of every error of this project is clean from the start. Standard output
is left alone: it carries data, which must not be altered.

Two things are hidden: what looks like a secret by its name or its form, and every value that was
handed to `remember` where it came into being.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

from exactonline_client.printable import one_line, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

MASK = "[hidden]"
SHORTEST = 6
"""Characters that a value needs to be hidden wherever it stands; names hide shorter ones too."""
LONG = 16
"""Characters from which a value is hidden within a longer word as well."""

_NAMES = "access_token|refresh_token|client_secret|store_key|(?:ssl|pg)?password"
_QUOTE = r"\\*[\"']"
_WORD = r"[^\s\"'\\&,;(){}\[\]<>]"
_IS = rf"(?:{_QUOTE})?\s*[:=]\s*(?:b?{_QUOTE})?"
_SCHEME = r"(?:bearer|basic)"
_FORMS = re.compile(
    # JSON, a Python dictionary, a form or a query: the name, then the value.
    rf"(?P<name>(?<![A-Za-z0-9])(?:{_NAMES}){_IS}){_WORD}{{4,}}"
    # A word as common as "code" names a secret only in a query, or where its value is long.
    rf"|(?P<query>[?&]code=){_WORD}+"
    rf"|(?P<code>\bcode{_IS}){_WORD}{{20,}}"
    rf"|(?P<header>\bauthorization{_IS}(?:{_SCHEME}\s+)?)(?!{_SCHEME}\b){_WORD}{{4,}}"
    rf"|(?P<bearer>\bbearer\s+){_WORD}{{12,}}"
    r"|(?P<address>://[^\s:/@]*:)[^\s/@]+(?=@)",
    re.IGNORECASE,
)


class Redactor:
    """Knows the secrets of this process; as a factory of log records it makes clean ones."""

    def __init__(self, make: Callable[..., logging.LogRecord] = logging.LogRecord) -> None:
        """`make` is the factory that makes the records before they are cleaned."""
        self._make = make
        self._values: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None

    def remember(self, values: Iterable[str]) -> None:
        """Hide these values from now on, also as JSON, a URL or Python's `repr` write them."""
        new = {form for value in values for form in _spellings(value)}
        if new <= self._values:
            return
        self._values |= new
        longest_first = sorted(self._values, key=len, reverse=True)
        self._known = re.compile("|".join(map(_pattern, longest_first)))

    def clean(self, text: str) -> str:
        """The text without the secrets in it."""
        if self._known:
            text = self._known.sub(MASK, text)
        return _FORMS.sub(lambda found: f"{found[str(found.lastgroup)]}{MASK}", text)

    def __call__(self, *args: Any, **options: Any) -> logging.LogRecord:  # noqa: ANN401
        """Make a log record; it stays as it is where nothing in it has to be hidden."""
        record = self._make(*args, **options)
        message = _message(record)
        error = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        clean_message, clean_error = one_line(self.clean(message)), printable(self.clean(error))
        if clean_message != message:
            record.msg, record.args = clean_message, None
        if clean_error != error:
            # Formatters render the error themselves, each in its own way: it becomes text here.
            record.msg, record.args = f"{clean_message}\n{clean_error.rstrip()}", None
            record.exc_info = None
        if record.stack_info:
            record.stack_info = printable(self.clean(record.stack_info))
        return record


class _Guarded:
    """A text stream that cleans what is written to it."""

    def __init__(self, stream: TextIO, *steps: Callable[[str], str]) -> None:
        self._stream = stream
        self._steps = steps

    def write(self, text: str) -> int:
        clean = text
        for step in self._steps:
            clean = step(clean)
        self._stream.write(clean)
        return len(text)

    def for_drawing(self) -> _Guarded:
        """The same stream for who draws tables, of texts that are printable already."""
        return _Guarded(self._stream, *(step for step in self._steps if step is not printable))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        # The bytes below are a way around this guard.
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._stream, name)


def install() -> Redactor:
    """Guard this process, once: a second call gives what the first one made."""
    redactor = _installed()
    if redactor is None:
        redactor = Redactor(logging.getLogRecordFactory())
        logging.setLogRecordFactory(redactor)
    if not isinstance(sys.stderr, _Guarded):
        sys.stderr = _Guarded(sys.stderr, redactor.clean, printable)
        # The interpreter's own writes colours from Python 3.13 on, which the guard would write out.
        sys.excepthook = traceback.print_exception
    return redactor


def guard_output() -> None:
    """Write out what a terminal would obey on standard output too, which then carries text only.

    For a program whose output is read by people, or is JSON; nothing is hidden in it.
    """
    if not isinstance(sys.stdout, _Guarded):
        sys.stdout = _Guarded(sys.stdout, printable)


def drawable(stream: TextIO) -> Any:  # noqa: ANN401 - a guard is a stream in all but its type
    """A guarded stream for who draws tables: colours pass, so each text must be `printable`."""
    return stream.for_drawing() if isinstance(stream, _Guarded) else stream


def remember(*values: str | None) -> None:
    """Hide these values from now on, where `install` was called; a library hides nothing."""
    redactor = _installed()
    if redactor:
        redactor.remember(value for value in values if value)


def clean(text: str) -> str:
    """The text without secrets; without those of this process where `install` was called."""
    return (_installed() or Redactor()).clean(text)


def _installed() -> Redactor | None:
    factory = logging.getLogRecordFactory()
    return factory if isinstance(factory, Redactor) else None


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (KeyError, TypeError, ValueError):
        # A record whose arguments do not fit: logging reports it when it comes to write it.
        return f"{record.msg} {record.args}"


def _spellings(value: str) -> Iterator[str]:
    if len(value.strip()) < SHORTEST:
        return
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield repr(value)[1:-1]


def _pattern(value: str) -> str:
    literal = re.escape(value)
    return literal if len(value) >= LONG else rf"(?<![A-Za-z0-9_]){literal}(?![A-Za-z0-9_])"
