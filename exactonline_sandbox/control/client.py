"""Client of the control API, for tests and demos."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

_TIMEOUT = 120


class Control:
    """Controls a running sandbox."""

    def __init__(self, base_url: str, context: ssl.SSLContext | None = None) -> None:
        """Connect to the sandbox at `base_url`; `context` trusts its certificate, with TLS."""
        self._base = f"{base_url}/sandbox"
        self._context = context

    def state(self) -> dict[str, Any]:
        """Clock, divisions, row counts, limits, switches and faults."""
        return self._json("GET", "state")

    def clock(self, **change: object) -> dict[str, Any]:
        """Move the clock: `advance_seconds`, `set` (ISO) or `speed`."""
        return self._json("POST", "clock", change)

    def changes(self, division: int, **counts: int) -> dict[str, Any]:
        """Simulate a working day: `seed`, `new`, `changed`, `deleted`."""
        return self._json("POST", "changes", {"division": division, **counts})

    def faults(self, *rules: dict[str, Any]) -> dict[str, Any]:
        """Replace the fault rules."""
        return self._json("POST", "faults", {"rules": list(rules)})

    def switches(self, **values: object) -> dict[str, Any]:
        """Set switches."""
        return self._json("POST", "switches", values)

    def limits(self, **values: object) -> dict[str, Any]:
        """Set `minutely` and `daily`, or `leave_today` calls in a `division`."""
        return self._json("POST", "limits", values)

    def sign_in(self, **who: object) -> dict[str, str]:
        """A new token pair without the browser, either of which can be used at once.

        Accepts `client_id`, `user_id`, the `divisions` that the app is limited to, and `renewable`:
        false for a refresh token that works after 570 seconds, as after a real sign-in.
        """
        return self._json("POST", "sign-in", who)

    def add_redirect_uri(self, *uris: str) -> dict[str, Any]:
        """Register redirect addresses for the first app."""
        return self._json("POST", "redirect-uris", {"add": list(uris)})

    def move_division(self, division: int) -> dict[str, Any]:
        """Move a division to another database, which restarts its timestamps."""
        return self._json("POST", "move-division", {"division": division})

    def expire_access_tokens(self) -> None:
        """Expire every access token now."""
        self._json("POST", "expire-access-tokens")

    def revoke(self) -> None:
        """Revoke every token."""
        self._json("POST", "revoke")

    def calls(self) -> dict[str, Any]:
        """Counts of calls since the last reset."""
        return self._json("GET", "calls")

    def reset_calls(self) -> None:
        """Reset the counts of calls."""
        self._json("POST", "calls/reset")

    def truth(self, division: int, stream: str) -> list[dict[str, Any]]:
        """The expected rows of a stream."""
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
