"""Replays that the dashboard starts: `exactonline replay` in a process of its own.

What it would send is shown before anything is sent: each replay begins as a dry run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import RecordsRejected
from exactonline_client.store.outcomes import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_OUTPUT = 20_000
"""Bytes of a program's output that are shown, of its end."""
STOP_SECONDS = 60
"""Time that a replay has to finish the document at hand."""
ENDED = (0, RecordsRejected.exit_code)
"""Exit codes of one that came to its end."""
RESULTS_PATH = "TARGET_EXACTONLINE_RESULTS_PATH"


@dataclass(frozen=True)
class Selection:
    """What to send again."""

    connection: str
    app: str
    division: int
    stream: str | None = None
    reference: str | None = None

    @property
    def arguments(self) -> list[str]:
        """It as options of the command."""
        found = ["--connection", self.connection, "--division", str(self.division)]
        for name, value in (("--stream", self.stream), ("--reference", self.reference)):
            if value is not None:
                # In one argument: a reference may begin with a dash.
                found.append(f"{name}={value}")
        return found


@dataclass
class Replay:
    """A replay that was started; `close` it."""

    selection: Selection
    dry_run: bool
    files: Sequence[str]
    """Of settings."""
    environment: Mapping[str, str] = field(repr=False)
    began_at: float
    """By the server's clock."""
    references: tuple[str, ...] = ()
    """Of the documents that its dry run showed."""
    follower: int | None = None
    """The number of the replay that sends what this one showed."""

    def __post_init__(self) -> None:
        """Start it."""
        self._asked_to_stop = False
        self._folder = TemporaryDirectory(prefix="exactonline-replay-")
        configs = [f"--config={file}" for file in self.files]
        dry = ["--dry-run"] if self.dry_run else []
        command = [sys.executable, "-m", "exactonline_cli", "replay"]
        # What a dry run would do is told in its results alone; a real one notes it in the journal.
        results = {RESULTS_PATH: str(self._results)} if self.dry_run else {}
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - this project's own program
                [*command, *self.selection.arguments, *configs, *dry],
                env={**self.environment, **results},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C would reach it too, and a second request to stop ends it at once.
                start_new_session=True,
            )

    @property
    def _output(self) -> Path:
        return Path(self._folder.name) / "output"

    @property
    def _results(self) -> Path:
        return Path(self._folder.name) / "results.jsonl"

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def was_stopped(self) -> bool:
        """Whether it ended because it was asked to."""
        return self._asked_to_stop and self.exit_code not in (None, *ENDED)

    @property
    def can_be_sent(self) -> bool:
        """Whether it was a dry run that found something to do, and was not sent yet."""
        return (
            self.dry_run
            and self.exit_code in ENDED
            and self.follower is None
            and not self.is_hopeless
        )

    @property
    def is_hopeless(self) -> bool:
        """Whether none of its records can be written as it is."""
        outcomes = {each["outcome"] for each in self.results}
        return outcomes == {Status.WOULD_REJECT.value}

    @property
    def output(self) -> str:
        """What it printed, or the end of that."""
        with self._output.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - LONGEST_OUTPUT, 0))
            return file.read().decode(errors="replace").strip()

    @cached_property
    def _read_results(self) -> list[dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        with suppress(FileNotFoundError), self._results.open(encoding="utf-8") as file:
            # The last line of a program that was killed may not be whole.
            lines.extend(json.loads(line) for line in file if line.endswith("\n"))
        return lines

    @property
    def results(self) -> list[dict[str, Any]]:
        """The outcome of each record in a dry run that has ended."""
        return self._read_results if self.dry_run and self.exit_code is not None else []

    def stop(self) -> None:
        """Ask it, once, to end behind the document at hand."""
        if self.exit_code is None and not self._asked_to_stop:
            self._asked_to_stop = True
            self._process.terminate()

    def close(self) -> None:
        """End it, and remove its files."""
        self.stop()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()
