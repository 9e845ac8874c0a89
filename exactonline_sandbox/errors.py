"""The one way the sandbox refuses a call."""

from __future__ import annotations


class ApiError(Exception):
    """A call is refused: the status and the message that go into the error envelope."""

    def __init__(self, status: int, message: str = "", *, reason: str = "") -> None:
        """Refuse with `status` and `message`; an empty message gives an empty body.

        A `reason` goes into a header of that name.
        """
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason


def bad_request(message: str) -> ApiError:
    """The call is malformed: 400."""
    return ApiError(400, message)


def invalid(message: str) -> ApiError:
    """The call is well-formed but the business rules refuse it: 500, as this API does."""
    return ApiError(500, message)
