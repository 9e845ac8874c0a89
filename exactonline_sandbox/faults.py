"""Decides which calls go wrong, by rules and a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactonline_sandbox.config import FaultRule

MESSAGE = "The sandbox was told to fail here."
KINDS = ("latency", "status", "cut", "lost", "late", "unauthorized", "malformed")


@dataclass
class Fault:
    """What befalls one call; nothing by default."""

    seconds: float = 0.0
    status: int | None = None
    """Answer with this, and do not handle the call unless `handled`."""
    handled: bool = False
    message: str = ""
    """What the body says, for `status`."""
    text: str = ""
    """The whole body, for `status`."""
    reason: str = ""
    cut: bool = False
    """Cut the connection before the call is handled."""
    lost: bool = False
    """Handle the call, then cut the connection before the answer."""
    late: float | None = None
    """Handle the call so many seconds of the sandbox's clock later, and cut the connection now; or
    answer with `status` where that is given. It is handled then alone, also where `handled`."""
    unauthorized: bool = False
    malformed: bool = False
    """Answer with a body that is cut off half-way."""


@dataclass
class _Armed:
    rule: FaultRule
    rng: random.Random
    left: float
    skipped: int = 0


class Faults:
    """The rules in force."""

    def __init__(self, rules: Iterable[FaultRule], seed: int) -> None:
        """Put `rules` in force; `seed` decides what strikes by chance."""
        self._seed = seed
        self._times_set = 0
        self.set_rules(rules)

    def set_rules(self, rules: Iterable[FaultRule]) -> None:
        """Put other rules in force.

        Each has a chance of its own: what strikes the calls of one kind does not depend on how
        many others there are between them.
        """
        self._times_set += 1
        self._armed = [
            _Armed(
                rule,
                random.Random(f"{self._seed}/{self._times_set}/{number}"),
                float("inf") if rule.times is None else rule.times,
            )
            for number, rule in enumerate(rules)
        ]

    def rules(self) -> list[FaultRule]:
        """The rules that can still strike."""
        return [armed.rule for armed in self._armed if armed.left > 0]

    def draw(
        self, method: str, path: str, division: int | None = None, *, named: bool = False
    ) -> Fault:
        """What befalls this call; where it is to be `named`, by rules with a path alone."""
        fault = Fault()
        for armed in self._armed:
            rule = armed.rule
            is_there = rule.path in path if rule.path else not named
            is_meant = rule.method in (None, method) and rule.division in (None, division)
            matches = is_meant and is_there
            if not matches or armed.left <= 0 or armed.rng.random() >= rule.probability:
                continue
            if armed.skipped < rule.skip:
                armed.skipped += 1
                continue
            armed.left -= 1
            _apply(rule, fault)
        return fault


def _apply(rule: FaultRule, fault: Fault) -> None:
    if rule.kind == "latency":
        fault.seconds += rule.seconds
    elif rule.kind == "status":
        fault.status, fault.handled, fault.reason = rule.status, rule.handled, rule.reason
        fault.message = rule.message or (MESSAGE if rule.body else "")
        fault.text = rule.text
    elif rule.kind == "late":
        fault.late = rule.seconds
    else:
        setattr(fault, rule.kind, True)
