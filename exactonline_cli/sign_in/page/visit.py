"""The visit to the page of `exactonline connect`: one user, one sign-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from exactonline_cli.sign_in.page.render import STEPS
from exactonline_cli.sign_in.page.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from exactonline_cli.meltano_project import Setting
    from exactonline_cli.sign_in.flow import SignIn

IDLE, AFTERWARDS = 900.0, 120.0
"""Seconds without a request after which the page closes: before and after the last step."""


@dataclass(kw_only=True)
class Visit(Session):
    """State of the page between requests."""

    sign_in: SignIn
    store_url: str | None
    project: Path | None
    ticked: set[int] | None = None
    """Divisions ticked so far; None before the list was shown."""
    search: str = ""
    """What the list of divisions is searched for."""
    invoices: list[dict[str, Any]] | None = None
    """The last sales invoices; None before they were asked for."""
    written: list[Setting] = field(default_factory=list)

    @property
    def connected(self) -> bool:
        """Whether all four steps are done."""
        return self.sign_in.chosen is not None

    @override
    def over(self) -> bool:
        """Whether the user has finished, or the page was idle for too long."""
        idle = self.clock() - self.last_seen
        return self.finished or idle >= (AFTERWARDS if self.connected else IDLE)

    @override
    def page(self, template: str, **values: object) -> str:
        return super().page(template, sign_in=self.sign_in, **values)

    @override
    def home(self) -> str:
        return self.next_step()

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
