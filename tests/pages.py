"""What the pages tell a reader to type, as shell programs."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.built import ROOT

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from pathlib import Path

BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>]+) -->\n)?"
    r'(?P<indent> *)```(?:console|python title="(?P<file>[^"]+)")\n(?P<text>.*?)^(?P=indent)```',
    re.MULTILINE | re.DOTALL,
)
HERE_DOCUMENT = re.compile(r"<<'(\w+)'")
MARK = ">>> "
"""Before each command in what a program prints."""


@dataclass(frozen=True)
class Block:
    """A block of commands, or a file that the reader makes."""

    text: str
    file: str | None
    not_run: str | None
    """Why it cannot be run where there is no browser, no account and no time."""

    def commands(self) -> list[str]:
        """The commands in it, without what they print."""
        found: list[str] = []
        is_open, end = False, ""
        for line in self.text.splitlines():
            if is_open:
                found[-1] += f"\n{line}"
                is_open = line != end if end else line.endswith("\\")
            elif line.startswith("$ "):
                found.append(line.removeprefix("$ "))
                here = HERE_DOCUMENT.search(line)
                end = here[1] if here else ""
                is_open = bool(here) or line.endswith("\\")
        assert found, f"no command: {self.text}"
        assert not is_open, f"not ended: {found[-1]}"
        return found


def blocks(page: str) -> Iterator[Block]:
    """What a page tells to type, from its top to its end."""
    for block in BLOCK.finditer((ROOT / page).read_text(encoding="utf-8")):
        text = re.sub(rf"^{block['indent']}", "", block["text"], flags=re.MULTILINE)
        yield Block(text, block["file"], block["reason"])


def program(found: Iterable[Block], *, without: Container[str] = ()) -> str:
    """One shell program of all blocks that can be run; it names each command before it."""
    lines = ["set -euo pipefail"]
    for block in found:
        if block.file:
            lines.append(f"cat > {block.file} <<'END-OF-FILE'\n{block.text}END-OF-FILE")
        elif not block.not_run:
            for command in block.commands():
                if command not in without:
                    lines += [f"echo {shlex.quote(MARK + command.partition(chr(10))[0])}", command]
    return "\n".join([*lines, ""])


def followed(program: Path, environment: Mapping[str, str], *, cwd: Path) -> tuple[int, str]:
    """Run a program, for ten minutes at most, and end all that it has started."""
    log = program.with_suffix(".log")
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            ["bash", str(program)],
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(600)
        except subprocess.TimeoutExpired:
            code = -1
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    return code, log.read_text(encoding="utf-8")


def source(folder: Path) -> Path:
    """The source of this project as a reader has it, with nothing that runs have left in it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            place = folder / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes((ROOT / name).read_bytes())
    return folder


def pins(file: Path) -> Path:
    """The versions that we pin, but where another plugin of a project is pinned to another."""
    ours, theirs = (
        set(re.findall(r"^(\S+==.*?) \\$", text, re.MULTILINE))
        for text in (
            (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
            for name in ("plugins", "tap-postgres")
        )
    )
    taken = {pin.partition("==")[0] for pin in theirs - ours}
    kept = (pin for pin in sorted(ours) if pin.partition("==")[0] not in taken)
    file.write_text("".join(f"{pin}\n" for pin in kept), encoding="utf-8")
    return file


def environment(hub: str, pinned: Path) -> dict[str, str]:
    """What a reader's terminal has: Meltano, and the `exactonline` command."""
    return {
        **{name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"},
        "PATH": os.pathsep.join([str(ROOT / ".venv-demo" / "bin"), os.environ["PATH"]]),
        "MELTANO_HUB_API_ROOT": hub,
        "MELTANO_SEND_ANONYMOUS_USAGE_STATS": "false",
        "NO_COLOR": "1",
        "UV_CONSTRAINT": str(pinned),
    }
