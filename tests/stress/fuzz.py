"""Does anything that comes from outside bring a program down? Mutated input for every parser.

Each parser gets sound samples that were bent at random: bytes flipped, pieces cut out, doubled,
put elsewhere, replaced by awkward ones. It may take what it gets, or refuse it with an error that
is meant for people. Anything else is a crash, printed with the input.
"""

from __future__ import annotations

import io
import logging
import random
from collections import Counter
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from exactonline_cli.sign_in.flow import Problem
from exactonline_client.errors import ExactOnlineError
from exactonline_sandbox import Sandbox, SandboxConfig
from tests.stress.parsers import parsers
from tests.stress.program import Program, numeric

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tests.stress.parsers import Parser

AWKWARD = (
    b"", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"null", b"true", b"-1", b"1e999", b"[]", b"{}",
    b'""', b'"', b"'", b"\\", b"\\ud800", b"[" * 2000, b'{"a":' * 2000, b"9" * 5000, b"%", b"%zz",
    b"%00", b"&", b"=", b"?", b"#", b"//", b"https://[", b"\r\n", b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
    b"&b;", b"<a>", b"</a>", b"/Date(99999999999999999)/", b"/Date(x)/", b"datetime'0000'",
    b"NaN", "\u0663".encode(), "\u202e".encode(), b" " * 3000,
)  # fmt: skip
REFUSED = (ExactOnlineError, Problem)
SHOWN = 300


@dataclass
class Tried:
    """What became of the inputs of one parser."""

    taken: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the name of the error."""
    crashes: list[str] = field(default_factory=list)


def mutated(sample: bytes, chance: random.Random) -> bytes:
    """The sample with one to four things done to it."""
    data = bytearray(sample)
    for _ in range(chance.randint(1, 4)):
        begin = chance.randrange(len(data) + 1)
        end = min(len(data), begin + round(len(data) ** chance.random()))
        mutation = chance.randrange(5)
        if mutation == 0 and data:
            data[chance.randrange(len(data))] = chance.randrange(256)
        elif mutation == 1:
            del data[begin:end]
        elif mutation == 2:
            data[begin:begin] = data[begin:end]
        elif mutation == 3:
            piece = bytes(data[begin:end])
            del data[begin:end]
            place = chance.randrange(len(data) + 1)
            data[place:place] = piece
        else:
            data[begin:end] = chance.choice(AWKWARD)
    return bytes(data)


def fuzz(parser: Parser, seed: int, number: int) -> Tried:
    """Give a parser so many inputs."""
    chance, tried = random.Random(f"{seed} {parser.name}"), Tried()
    for _ in range(max(1, round(number * parser.share))):
        given = mutated(chance.choice(parser.samples), chance)
        try:
            parser.read(given)
        except REFUSED as error:
            tried.refused[type(error).__name__] += 1
            if not str(error):
                tried.crashes.append(f"refused without a word: {given[:SHOWN]!r}")
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            tried.crashes.append(f"{type(error).__name__}: {error}"[:SHOWN] + f" {given[:SHOWN]!r}")
        else:
            tried.taken += 1
    return tried


@contextmanager
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def fuzz_all(seed: int, number: int) -> dict[str, Tried]:
    """Give every parser its inputs."""
    config = SandboxConfig(invoices=5, minutely_limit=10**9, daily_limit=10**9)
    found = {}
    with TemporaryDirectory() as folder, Sandbox(config).running() as server, _quiet():
        for parser in parsers(Path(folder), server):
            found[parser.name] = fuzz(parser, seed, number)
    return found


def run(given: argparse.Namespace) -> list[str]:
    """Print what became of the inputs; returns the inputs that brought a program down."""
    found = fuzz_all(given.seed, given.number)
    for name, tried in found.items():
        refused = ", ".join(f"{number} {error}" for error, number in tried.refused.most_common())
        print(f"{name}: {tried.taken} taken; refused: {refused or 'none'}")
        if tried.crashes:
            print(f"  {len(tried.crashes)} crashes")
    crashes = sum(len(tried.crashes) for tried in found.values())
    inputs = sum(
        tried.taken + tried.refused.total() + len(tried.crashes) for tried in found.values()
    )
    print(f"{inputs} inputs, {crashes} crashes")
    return [f"{name}: {crash}" for name, tried in found.items() for crash in tried.crashes[:3]]


PROGRAM = Program(
    "fuzz", __doc__, run, (numeric("--number", default=20_000, help="inputs for each parser"),)
)
