"""A session of a local page: one browser, and the secrets that admit it."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from exactonline_cli.sign_in.page.render import SIGN_IN, render

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_cli.sign_in.flow import Problem
    from exactonline_cli.sign_in.page.render import Room


@dataclass(kw_only=True)
class Session:
    """What a local page keeps between requests."""

    room: ClassVar[Room] = SIGN_IN
    """Where its templates are."""

    origin: str
    clock: Callable[[], float]
    command: str = "exactonline connect"
    """The command that serves it."""
    entry: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """The secret in the address that the terminal shows; it opens the page once."""
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    problem: Problem | None = None
    """What the next page shows, once."""
    language: str = ""
    """Chosen by the browser's settings at first, then by the user."""
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

    def home(self) -> str:
        """Path of the page to show first."""
        raise NotImplementedError

    def over(self) -> bool:
        """Whether to stop serving."""
        raise NotImplementedError

    def page(self, template: str, **values: object) -> str:
        """Render a page of this session."""
        problem, self.problem = self.problem, None
        return render(
            template,
            language=self.language,
            room=self.room,
            problem=problem,
            csrf=self.csrf,
            origin=self.origin,
            **values,
        )
