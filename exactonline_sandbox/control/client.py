"""A small client of the control API, for tests and demos in Python."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

_TIMEOUT = 120


class Control:
    """Steers a running sandbox."""

    def __init__(self, base_url: str, context: ssl.SSLContext | None = None) -> None:
        """Steer the sandbox at `base_url`; `context` trusts its certificate where it has one."""
        self._base = f"{base_url}/sandbox"
        self._context = context

    def state(self) -> dict[str, Any]:
        """Clock, divisions, row counts, limits, switches and faults."""
        return self._json("GET", "state")

    def clock(self, **change: object) -> dict[str, Any]:
        """Move the clock: `advance_seconds`, `set` (ISO) or `speed`."""
        return self._json("POST", "clock", change)

    def changes(self, division: int, **counts: int) -> dict[str, Any]:
        """Do a day of business: `seed`, `new`, `changed`, `deleted`."""
        return self._json("POST", "changes", {"division": division, **counts})

    def faults(self, *rules: dict[str, Any]) -> dict[str, Any]:
        """Put these fault rules in force, and no others."""
        return self._json("POST", "faults", {"rules": list(rules)})

    def switches(self, **values: object) -> dict[str, Any]:
        """Set switches."""
        return self._json("POST", "switches", values)

    def limits(self, **values: object) -> dict[str, Any]:
        """Set `minutely` and `daily`, or `leave_today` calls in a `division`."""
        return self._json("POST", "limits", values)

    def sign_in(self, **who: str) -> dict[str, str]:
        """A fresh chain of tokens without the browser; `client_id` and `user_id` may be named."""
        return self._json("POST", "sign-in", who)

    def add_redirect_uri(self, *uris: str) -> dict[str, Any]:
        """Register redirect addresses for the first app."""
        return self._json("POST", "redirect-uris", {"add": list(uris)})

    def move_division(self, division: int) -> dict[str, Any]:
        """Move a division to another database, which restarts its timestamps."""
        return self._json("POST", "move-division", {"division": division})

    def expire_access_tokens(self) -> None:
        """Make every access token invalid now."""
        self._json("POST", "expire-access-tokens")

    def revoke(self) -> None:
        """End every chain of tokens."""
        self._json("POST", "revoke")

    def calls(self) -> dict[str, Any]:
        """What was called since the last reset."""
        return self._json("GET", "calls")

    def reset_calls(self) -> None:
        """Forget what was called."""
        self._json("POST", "calls/reset")

    def truth(self, division: int, stream: str) -> list[dict[str, Any]]:
        """The sandbox's own rows of a stream."""
        text = self._send("GET", f"truth/{division}/{stream}")
        return [json.loads(line) for line in text.splitlines()]

    def _json(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._send(method, path, body))
        return answer

    def _send(self, method: str, path: str, body: object = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - always http, to this machine
            f"{self._base}/{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(  # noqa: S310
            request, timeout=_TIMEOUT, context=self._context
        ) as answer:
            text: str = answer.read().decode()
        return text
