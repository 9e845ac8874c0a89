"""Calls: as received over HTTP, and with their resource and options parsed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_sandbox.api.resources import Resource
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.config import User
    from exactonline_sandbox.oauth import Chain
    from exactonline_sandbox.odata.json_layout import Layout
    from exactonline_sandbox.odata.options import Options
    from exactonline_sandbox.world import World


@dataclass(frozen=True)
class Call:
    """A call of the REST API or the XML API, as received."""

    method: str
    division: int | None
    """None for `current`."""
    path: str
    """Below the division."""
    query: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    body: bytes = b""
    beta: bool = False
    xml: bool = False
    """Under `/docs/`: the XML API, and the files of attachments."""

    @property
    def root(self) -> str:
        """Service root: the address up to and including the division."""
        division = "current" if self.division is None else str(self.division)
        return f"{self.base_url}/api/v1/{'beta/' if self.beta else ''}{division}"


@dataclass(frozen=True)
class Request:
    """A call on a division, with its resource and query options parsed."""

    world: World
    company: Company
    chain: Chain
    """The sign-in that it was made with."""
    resource: Resource
    options: Options
    root: str
    """Service root: the address up to and including the division."""
    as_atom: bool = False

    @property
    def user(self) -> User:
        """The user who made it."""
        return self.chain.user

    @property
    def layout(self) -> Layout:
        """The format of its answer, if that is JSON."""
        return self.world.layout
