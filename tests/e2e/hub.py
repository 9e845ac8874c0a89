"""A Meltano Hub on this machine, which knows what the tests add from the real one."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET_CSV: dict[str, Any] = {
    "name": "target-csv",
    "namespace": "target_csv",
    "variant": "meltanolabs",
    "label": "CSV",
    "pip_url": "meltanolabs-target-csv==0.5.0",
    "executable": "target-csv",
    "capabilities": ["about"],
    "settings": [{"name": "output_path", "kind": "string"}],
}
PLUGINS = {"loaders": {"target-csv": TARGET_CSV}}


@contextmanager
def serving() -> Iterator[str]:
    """Serve the Hub; gives the address for MELTANO_HUB_API_ROOT."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the base class calls
            _, _, kind, name, *_ = [*self.path.split("/"), ""]
            known = PLUGINS.get(kind, {})
            if name == "index":
                answer: Any = {
                    each: {
                        "default_variant": entry["variant"],
                        "logo_url": "",
                        "variants": {entry["variant"]: {"ref": f"{root}/plugins/{kind}/{each}"}},
                    }
                    for each, entry in known.items()
                }
            else:
                answer = known.get(name)
            body = json.dumps(answer).encode()
            self.send_response(HTTPStatus.OK if answer is not None else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        root = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield root
        finally:
            server.shutdown()
            thread.join()
