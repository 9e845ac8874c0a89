"""Reads one list with the client `exact-online-sdk`; prints the rows and the seconds as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from exact_online_sdk import ExactOnlineClient, Settings
from exact_online_sdk.auth import ExactOnlineAuth


def main() -> None:
    """Read, and say what came of it."""
    facts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    settings = Settings.from_env()
    auth = ExactOnlineAuth(settings)
    auth.exchange_code_for_token("code")
    address = urlsplit(facts["address"])
    path = address.path.split("/", 4)[4]
    with ExactOnlineClient(settings, auth=auth) as client:
        began = time.perf_counter()
        rows = sum(
            len(page) for page in client.iter_pages(path, params=dict(parse_qsl(address.query)))
        )
        seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"rows": rows, "seconds": seconds}))


if __name__ == "__main__":
    main()
