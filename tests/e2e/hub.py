"""A Meltano Hub on this machine, which knows what the tests add from the real one."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import yaml
from typing_extensions import override

from tests.built import ROOT

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


def ours(kind: str, name: str) -> dict[str, Any]:
    """A plugin of others as this project's own Meltano file has it, with its pins."""
    file = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    entry: dict[str, Any] = next(each for each in file["plugins"][kind] if each["name"] == name)
    pip_url = entry["pip_url"].replace("-r ", f"-r {ROOT}/")
    return {**entry, "pip_url": pip_url, "variant": "meltanolabs", "label": "PostgreSQL"}


PLUGINS = {
    "loaders": {"target-csv": TARGET_CSV, "target-postgres": ours("loaders", "target-postgres")},
    "extractors": {"tap-postgres": ours("extractors", "tap-postgres")},
}


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
