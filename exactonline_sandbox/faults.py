"""Decides which calls go wrong, by rules and a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactonline_sandbox.config import FaultRule

KINDS = ("latency", "status", "cut", "lost", "unauthorized", "malformed")


@dataclass
class Fate:
    """What befalls one call; nothing by default."""

    seconds: float = 0.0
    status: int | None = None
    """Answer with this, without handling the call."""
    body: bool = False
    cut: bool = False
    """Cut the connection before the call is handled."""
    lost: bool = False
    """Handle the call, then cut the connection before the answer."""
    unauthorized: bool = False
    malformed: bool = False
    """Answer with a body that is cut off half-way."""


@dataclass
class _Armed:
    rule: FaultRule
    left: float = field(default=float("inf"))


class Faults:
    """The rules in force."""

    def __init__(self, rules: Iterable[FaultRule], seed: int) -> None:
        """Put `rules` in force; `seed` decides what strikes by chance."""
        self._rng = random.Random(seed)
        self.set_rules(rules)

    def set_rules(self, rules: Iterable[FaultRule]) -> None:
        """Put other rules in force."""
        self._armed = [
            _Armed(rule, float("inf") if rule.times is None else rule.times) for rule in rules
        ]

    def rules(self) -> list[FaultRule]:
        """The rules that can still strike."""
        return [armed.rule for armed in self._armed if armed.left > 0]

    def strike(self, method: str, path: str) -> Fate:
        """What befalls this call."""
        fate = Fate()
        for armed in self._armed:
            rule = armed.rule
            matches = rule.method in (None, method) and (rule.path is None or rule.path in path)
            if not matches or armed.left <= 0 or self._rng.random() >= rule.probability:
                continue
            armed.left -= 1
            _apply(rule, fate)
        return fate


def _apply(rule: FaultRule, fate: Fate) -> None:
    if rule.kind == "latency":
        fate.seconds += rule.seconds
    elif rule.kind == "status":
        fate.status, fate.body = rule.status, rule.body
    else:
        setattr(fate, rule.kind, True)
