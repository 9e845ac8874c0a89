"""The calls of a check-up: each made at most once, all of them reads, and not more than a limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import ExactOnlineError, RequestRefused
from exactonline_client.http import pagination
from exactonline_client.http.error_responses import exact_message
from exactonline_client.odata.refused_query import is_about_query, unknown_property

if TYPE_CHECKING:
    import requests

    from exactonline_client.connection import Connection
    from exactonline_client.odata.decoding import Row

MOST = 60
"""Calls that a check-up makes at most."""
OK, REFUSED, UNAUTHORISED, FORBIDDEN, MISSING = 200, 400, 401, 403, 404


class NotSeen(Exception):  # noqa: N818
    """What was looked for does not show; the text says why, without values of the company."""


class LimitReached(ExactOnlineError):  # noqa: N818
    """The check-up has made all the calls it may make."""


@dataclass(frozen=True)
class Answer:
    """A response: successful, or a refusal that tells something."""

    response: requests.Response

    @property
    def status(self) -> int:
        """HTTP status."""
        return self.response.status_code

    @property
    def reason(self) -> str:
        """The header `Reason` of a refusal, which is about user, customer or division."""
        return self.response.headers.get("Reason", "")

    @property
    def message(self) -> str:
        """Message of a refusal, without secrets; may quote the company's data."""
        return exact_message(self.response)

    @property
    def rows(self) -> list[Row]:
        """Rows of a list.

        Raises:
            NotSeen: it is a refusal, or no list.
        """
        if self.status != OK:
            raise NotSeen(f"the call was refused (HTTP {self.status})")
        page = pagination.collection(pagination.content(self.response.content))
        if page is None:
            raise NotSeen("the answer is not a list")
        return page.rows

    @property
    def is_about_query(self) -> bool:
        """Whether the refusal is about the options of the query."""
        return is_about_query(self._refusal)

    @property
    def unknown_column(self) -> str | None:
        """The column that the refusal names as unknown."""
        return unknown_property(self._refusal)

    @property
    def _refusal(self) -> RequestRefused:
        return RequestRefused("", status=self.status, reason=self.message)


@dataclass
class Calls:
    """Makes calls on one division, by address below it; keeps the answers."""

    connection: Connection
    division: int = 0
    made: dict[str, Answer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Stop any call of the connection beyond the limit."""
        self.connection.session.before_call = self._stop_at_limit

    @property
    def count(self) -> int:
        """Calls made so far, those of the sign-in and retries included."""
        return self.connection.session.usage.total

    def _stop_at_limit(self) -> None:
        if self.count >= MOST:
            raise LimitReached(f"The check-up has made {MOST} calls, which is all it may make.")

    def get(self, path: str, *, xml: bool = False) -> Answer:
        """Return the answer to a call; `path` begins behind the division's number.

        Raises:
            NotSeen: no answer came, or no call is left.
        """
        if path not in self.made:
            address = path if xml else f"/api/v1/{self.division}/{path}"
            try:
                answer = self.connection.session.ask(address, self.division)
            except LimitReached:
                raise NotSeen(f"the {MOST} calls of a check-up were used up before it") from None
            except ExactOnlineError as error:
                raise NotSeen(f"the call failed ({type(error).__name__})") from None
            self.made[path] = Answer(answer)
        return self.made[path]

    def rows(self, path: str) -> list[Row]:
        """Return the rows of a list.

        Raises:
            NotSeen: there are none.
        """
        rows = self.get(path).rows
        if not rows:
            raise NotSeen("the list is empty")
        return rows

    def with_token(self, token: str, address: str) -> Answer:
        """Return the answer to a call of the user that is signed with this token."""
        if "expired" not in self.made:
            self.made["expired"] = Answer(self.connection.session.ask(address, None, token))
        return self.made["expired"]


Facts = dict[str, Any]
