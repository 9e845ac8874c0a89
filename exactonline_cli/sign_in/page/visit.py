"""The visit to the page: one user, one sign-in, and the secrets that admit one browser."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exactonline_cli.sign_in.page.render import STEPS, render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exactonline_cli.meltano_project import Setting
    from exactonline_cli.sign_in.flow import Problem, SignIn

IDLE, AFTERWARDS = 900.0, 120.0
"""Seconds without a request after which the page closes: before and after the last step."""


@dataclass
class Visit:
    """State of the page between requests."""

    sign_in: SignIn
    origin: str
    store_url: str | None
    project: Path | None
    clock: Callable[[], float]
    entry: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """The secret in the address that the terminal shows; it opens the page once."""
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    problem: Problem | None = None
    """What the next page shows, once."""
    written: list[Setting] = field(default_factory=list)
    finished: bool = False
    last_seen: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Start the idle time when the page is offered."""
        self.last_seen = self.clock()

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return f"{self.origin}/?key={self.entry}"

    @property
    def cookie_name(self) -> str:
        """The name of the cookie, with the port: all ports of a machine share their cookies."""
        return f"exactonline-connect-{self.origin.rpartition(':')[2]}"

    @property
    def connected(self) -> bool:
        """Whether all four steps are done."""
        return self.sign_in.chosen is not None

    def over(self) -> bool:
        """Whether the user has finished, or the page was idle for too long."""
        idle = self.clock() - self.last_seen
        return self.finished or idle >= (AFTERWARDS if self.connected else IDLE)

    def page(self, template: str, **values: object) -> str:
        """Render a page of this visit."""
        problem, self.problem = self.problem, None
        return render(
            template,
            problem=problem,
            sign_in=self.sign_in,
            csrf=self.csrf,
            origin=self.origin,
            **values,
        )

    def next_step(self) -> str:
        """Path of the first step that is still to be done."""
        sign_in = self.sign_in
        done = (bool(sign_in.region), sign_in.connection is not None, sign_in.signed_in)
        for (path, _), is_done in zip(STEPS, done, strict=False):
            if not is_done:
                return path
        return "/done" if self.connected else "/divisions"

    def is_ahead(self, path: str) -> bool:
        """Whether a step comes after the next one to be done."""
        order = [*(step for step, _ in STEPS), "/done"]
        return order.index(path) > order.index(self.next_step())
