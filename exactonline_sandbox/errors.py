"""The exception for every refused call."""

from __future__ import annotations


class ApiError(Exception):
    """A refused call: status and message of the error envelope."""

    def __init__(self, status: int, message: str = "", *, reason: str = "") -> None:
        """Set status and message; without a message the body is empty.

        `reason` becomes the `Reason` header.
        """
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason


def bad_request(message: str) -> ApiError:
    """400: the call is malformed."""
    return ApiError(400, message)


def invalid(message: str) -> ApiError:
    """500: a business rule refuses a well-formed call, as this API does."""
    return ApiError(500, message)
