"""Redact secrets in all output: log records, warnings, tracebacks and errors.

Control characters are escaped as well, since messages often quote foreign text.

Call `install` once, when a program starts. It redacts every log record as it is created, for all
loggers, levels and handlers, and everything that is written to standard error. Errors of this
project redact their own text. Standard output is not touched: it carries data.

Redacted are values that look like secrets by their name or form, and every value passed to
`remember`.
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
"""Minimum length of a remembered value; shorter secrets are redacted by their name only."""
LONG = 16
"""Minimum length for a value to be redacted inside a longer word as well."""

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
    """Holds the secrets of this process; as a log record factory, creates redacted records."""

    def __init__(self, make: Callable[..., logging.LogRecord] = logging.LogRecord) -> None:
        """`make` is the factory whose records are redacted."""
        self._make = make
        self._values: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None

    def remember(self, values: Iterable[str]) -> None:
        """Redact these values from now on, also as encoded by JSON, URLs or `repr`."""
        new = {form for value in values for form in _spellings(value)}
        if new <= self._values:
            return
        self._values |= new
        longest_first = sorted(self._values, key=len, reverse=True)
        self._known = re.compile("|".join(map(_pattern, longest_first)))

    def clean(self, text: str) -> str:
        """Return the text with its secrets redacted."""
        if self._known:
            text = self._known.sub(MASK, text)
        return _FORMS.sub(lambda found: f"{found[str(found.lastgroup)]}{MASK}", text)

    def __call__(self, *args: Any, **options: Any) -> logging.LogRecord:  # noqa: ANN401
        """Create a log record; it is changed only if it holds a secret."""
        record = self._make(*args, **options)
        message = _message(record)
        error = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        clean_message, clean_error = one_line(self.clean(message)), printable(self.clean(error))
        if clean_message != message:
            record.msg, record.args = clean_message, None
        if clean_error != error:
            # Formatters would render the exception themselves, so it is put into the message.
            record.msg, record.args = f"{clean_message}\n{clean_error.rstrip()}", None
            record.exc_info = None
        if record.stack_info:
            record.stack_info = printable(self.clean(record.stack_info))
        return record


class _Guarded:
    """A text stream that applies `steps` to what is written to it."""

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
        """Return the stream without `printable`, for a renderer of tables that emits colours."""
        return _Guarded(self._stream, *(step for step in self._steps if step is not printable))

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        # The byte stream below would bypass the redaction.
        if name == "buffer":
            raise AttributeError(name)
        return getattr(self._stream, name)


def install() -> Redactor:
    """Install the redaction in this process; further calls return the same redactor."""
    redactor = _installed()
    if redactor is None:
        redactor = Redactor(logging.getLogRecordFactory())
        logging.setLogRecordFactory(redactor)
    if not isinstance(sys.stderr, _Guarded):
        sys.stderr = _Guarded(sys.stderr, redactor.clean, printable)
        # The default hook emits colours from Python 3.13 on, which would be escaped.
        sys.excepthook = traceback.print_exception
    return redactor


def guard_output() -> None:
    """Escape control characters on standard output too; nothing is redacted there.

    For programs whose output is JSON or text for people.
    """
    if not isinstance(sys.stdout, _Guarded):
        sys.stdout = _Guarded(sys.stdout, printable)


def drawable(stream: TextIO) -> Any:  # noqa: ANN401 - a guard is a stream in all but its type
    """Return a stream for a renderer of tables: colours pass, so its texts must be `printable`."""
    return stream.for_drawing() if isinstance(stream, _Guarded) else stream


def remember(*values: str | None) -> None:
    """Redact these values from now on, if `install` was called in this process."""
    redactor = _installed()
    if redactor:
        redactor.remember(value for value in values if value)


def clean(text: str) -> str:
    """Return the text redacted, including remembered values if `install` was called."""
    return (_installed() or Redactor()).clean(text)


def _installed() -> Redactor | None:
    factory = logging.getLogRecordFactory()
    return factory if isinstance(factory, Redactor) else None


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (KeyError, TypeError, ValueError):
        # The arguments do not match the message; logging reports that when it emits the record.
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
