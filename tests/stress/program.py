"""The form of a stress program: its options, and what it runs."""

from __future__ import annotations

import logging
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterable, Sequence

Round = TypeVar("Round")
PROCESSES = 2


@dataclass(frozen=True)
class Option:
    """An option of the command line, besides `--seed`, which all programs have."""

    flags: tuple[str, ...]
    settings: dict[str, Any]
    """Keyword arguments of `add_argument`."""


def numeric(*flags: str, default: float | None, **settings: Any) -> Option:
    """An option that takes a number, whole where its default is."""
    kind = float if isinstance(default, float) else int
    return Option(flags, {"type": kind, "default": default, **settings})


ONLY = numeric("--only", default=None, metavar="NUMBER", help="this round alone")


@dataclass(frozen=True)
class Program:
    """One program that tries to break what must hold."""

    name: str
    about: str
    """What it asks, in a paragraph; `--list` shows its first line."""
    run: Callable[[Namespace], list[str]]
    """Prints figures; returns what is wrong, a line each."""
    options: tuple[Option, ...] = ()

    def add_options(self, parser: ArgumentParser) -> None:
        """Add the options to the program's own parser."""
        parser.add_argument("--seed", type=int, default=1)
        for option in self.options:
            parser.add_argument(*option.flags, **option.settings)
        parser.set_defaults(program=self)


def hide_warnings() -> None:
    """Log errors only: the warnings are about faults that the program itself arranged."""
    logging.disable(logging.WARNING)


def hide_errors() -> None:
    """Log no errors either: clients that are killed leave their requests half done."""
    logging.disable(logging.ERROR)


def in_processes(
    play: Callable[[int, Iterable[int]], list[Round]], seed: int, rounds: int, only: int | None
) -> list[Round]:
    """Play rounds, or one alone, side by side in processes of their own."""
    numbers: Sequence[int] = range(rounds) if only is None else [only]
    shares = [numbers[place::PROCESSES] for place in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), hide_errors) as pool:
        parts = pool.map(partial(play, seed), [share for share in shares if share])
        return [one for part in parts for one in part]
