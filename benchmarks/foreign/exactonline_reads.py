"""Reads one list with the client `exactonline`; prints the rows and the seconds as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from exactonline.api import ExactApi
from exactonline.resource import GET
from exactonline.storage.ini import IniStorage


def main() -> None:
    """Read, and say what came of it."""
    facts = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    base = facts["base_url"]
    settings = Path(facts["folder"]) / "exactonline.ini"
    settings.write_text(
        f"""[server]
auth_url = {base}/api/oauth2/auth
rest_url = {base}/api
token_url = {base}/api/oauth2/token
[application]
base_url = https://example.com/callback
client_id = a
client_secret = b
iteration_limit = 100000
""",
        encoding="utf-8",
    )
    api = ExactApi(storage=IniStorage(str(settings)))
    api.request_token("code")
    began = time.perf_counter()
    rows = api.rest(GET(facts["address"].removeprefix("/api/")))
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"rows": len(rows), "seconds": seconds}))


if __name__ == "__main__":
    main()
