"""Fault injection: which calls fail and how, by rules and a seed."""

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
    """The faults of one call; none by default."""

    seconds: float = 0.0
    status: int | None = None
    """Answer with this, and do not handle the call unless `handled`."""
    handled: bool = False
    message: str = ""
    """Error message in the body, for `status`."""
    text: str = ""
    """The whole body, for `status`."""
    reason: str = ""
    cut: bool = False
    """Cut the connection before the call is handled."""
    lost: bool = False
    """Handle the call, then cut the connection instead of answering."""
    late: float | None = None
    """Handle the call this many seconds later on the sandbox's clock; cut the connection now, or
    answer with `status` where that is given. The call is handled once, also with `handled`."""
    unauthorized: bool = False
    malformed: bool = False
    """Answer with half the body."""


@dataclass
class _ActiveRule:
    rule: FaultRule
    rng: random.Random
    left: float
    skipped: int = 0


class Faults:
    """The rules in force."""

    def __init__(self, rules: Iterable[FaultRule], seed: int) -> None:
        """Set the rules; `seed` decides the random faults."""
        self._seed = seed
        self._times_set = 0
        self.set_rules(rules)

    def set_rules(self, rules: Iterable[FaultRule]) -> None:
        """Replace the rules.

        Each rule has its own random generator: its faults do not depend on calls that it does
        not match.
        """
        self._times_set += 1
        self._active = [
            _ActiveRule(
                rule,
                random.Random(f"{self._seed}/{self._times_set}/{number}"),
                float("inf") if rule.times is None else rule.times,
            )
            for number, rule in enumerate(rules)
        ]

    def rules(self) -> list[FaultRule]:
        """The rules that are not used up."""
        return [active.rule for active in self._active if active.left > 0]

    def draw(
        self,
        method: str,
        path: str,
        division: int | None = None,
        *,
        query: str = "",
        named: bool = False,
    ) -> Fault:
        """The faults of this call, by its decoded `query`; with `named`, of rules with a path."""
        fault = Fault()
        for active in self._active:
            rule = active.rule
            is_there = rule.path in path if rule.path else not named
            is_there = is_there and rule.query in query
            is_meant = rule.method in (None, method) and rule.division in (None, division)
            matches = is_meant and is_there
            if not matches or active.left <= 0 or active.rng.random() >= rule.probability:
                continue
            if active.skipped < rule.skip:
                active.skipped += 1
                continue
            active.left -= 1
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
