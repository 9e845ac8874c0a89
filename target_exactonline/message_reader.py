"""Read Singer messages; an invalid line ends the run with a readable error.

The SDK's own reader would log the whole line, which may hold personal data.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import IO, TYPE_CHECKING, Any

from singer_sdk.io_base import SingerReader
from singer_sdk.singerlib import SingerMessageType
from singer_sdk.singerlib.json import deserialize_json
from typing_extensions import override

from exactonline_client.errors import ExactOnlineError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

TYPES = [member.value for member in SingerMessageType]
PROPERTIES = "schema.properties"
SHAPES: dict[str, dict[str, type]] = {
    "SCHEMA": {"stream": str, "schema": dict, PROPERTIES: dict},
    "RECORD": {"stream": str, "record": dict},
    "ACTIVATE_VERSION": {"stream": str},
    "BATCH": {"stream": str},
}
"""Expected types of the parts of a message."""
WORDS: dict[type, str] = {str: "a text", dict: "an object"}


class MessageReader(SingerReader):
    """Reads one JSON message from each line of the input."""

    def __init__(self) -> None:
        """Start before the first line."""
        super().__init__()
        self._lines = 0
        self.waiting: Callable[[], AbstractContextManager[None]] = nullcontext
        """Context of the wait for the next line, which a signal may end."""

    @override
    def process_lines(
        self, file_input: IO[str] | None, callbacks: dict[str, Callable[[dict[str, Any]], None]]
    ) -> Counter[str]:
        lines = self._wait_for(file_input or self.default_input)
        return super().process_lines(lines, callbacks)  # type: ignore[arg-type]  # it iterates

    def _wait_for(self, lines: IO[str]) -> Iterator[str]:
        while True:
            with self.waiting():
                line = next(lines, None)
            if line is None:
                return
            yield line

    @override
    def deserialize_json(self, line: str) -> dict[str, Any]:
        self._lines += 1
        try:
            message = deserialize_json(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            raise ExactOnlineError(
                f"Line {self._lines} of the input is not a Singer message. Does something other "
                "than the tap print to it?"
            )
        if message.get("type") not in TYPES:
            raise ExactOnlineError(
                f"Line {self._lines} of the input is a message of a type that Singer does not "
                f"know. It should be one of {', '.join(TYPES)}."
            )
        self._check(message)
        return message

    def _check(self, message: dict[str, Any]) -> None:
        """Check that the parts of a message have the types that the SDK expects."""
        kind, stream = message["type"], message.get("stream")
        parts = {**message, **_inside(message.get("schema"))}
        for name, shape in SHAPES.get(kind, {}).items():
            if name in parts and not isinstance(parts[name], shape):
                of = f" of stream {stream!r}" if isinstance(stream, str) else ""
                raise ExactOnlineError(
                    f"Line {self._lines} of the input, a {kind} message{of}: {name} should be "
                    f"{WORDS[shape]}. The tap does not keep to the Singer format."
                )

    @staticmethod
    @override
    def assert_line_requires(line_dict: dict[str, Any], requires: set[str]) -> None:
        missing = requires - line_dict.keys()
        if missing:
            raise ExactOnlineError(
                f"A {line_dict.get('type', 'Singer')} message of the input lacks "
                f"{', '.join(sorted(missing))}. The tap does not keep to the Singer format."
            )


def _inside(schema: object) -> dict[str, object]:
    """Return the properties of a schema under the name used in errors."""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    return {PROPERTIES: properties}
