"""A sandbox to sign in to, the page running beside the test, and the command."""

from __future__ import annotations

import html
import os
import pty
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import requests
from click.testing import CliRunner
from typing_extensions import Self, override

from exactonline_cli.main import main
from exactonline_cli.sign_in import flow
from exactonline_cli.sign_in.page.app import make_app
from exactonline_cli.sign_in.page.serve import listen, origin, serve
from exactonline_cli.sign_in.page.visit import Visit
from exactonline_sandbox import App, Sandbox, SandboxConfig, User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from click.testing import Result

    from exactonline_sandbox import Server

SECOND_USER = User(user_id="8d0e6c0b-1111-4c1d-8a6e-2f1d0f4f7c22", name="Bram Bakker")
TIMEOUT = 20


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--screenshots",
        action="store_true",
        help="Write pictures of the sign-in page to docs/images, from the browser test.",
    )


@pytest.fixture(autouse=True)
def _own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders, variables and projects of whoever runs the tests are left alone."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("MELTANO_PROJECT_ROOT", raising=False)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")


@pytest.fixture
def server() -> Iterator[Server]:
    users = (User(), SECOND_USER)
    config = SandboxConfig(seed=3, invoices=2, divisions=3, users=users)
    with Sandbox(config).running() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[Server]:
    """Exact Online of another region, with another app."""
    app = App(client_id="another-app-of-another-region", client_secret="another")
    with Sandbox(SandboxConfig(seed=4, invoices=2, apps=(app,))).running() as running:
        yield running


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store' / 'store.db'}"


def consent(address: str, decision: str = "allow", user: str | None = None) -> str:
    """What a person does at Exact; returns the address they land on."""
    form = {"decision": decision, **({"user": user} if user else {})}
    answer = requests.post(address, data=form, allow_redirects=False, timeout=TIMEOUT)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


@dataclass
class Browser:
    """A browser without scripts, and where it begins."""

    address: str
    http: requests.Session = field(default_factory=requests.Session)
    answer: requests.Response = field(default_factory=requests.Response)

    @property
    def origin(self) -> str:
        return self.address.partition("/?")[0]

    @property
    def path(self) -> str:
        return self.answer.url.removeprefix(self.origin)

    @property
    def title(self) -> str:
        return html.unescape(re.findall("<h1>(.*?)</h1>", self.answer.text)[0])

    @property
    def text(self) -> str:
        """The text as a browser shows it, which makes one space of all white space."""
        body = self.answer.text.partition("<body>")[2]
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())

    @property
    def problems(self) -> dict[str, str]:
        """What the summary says is wrong, by the field it leads to."""
        found = re.findall(r'<li><a href="#([^"]*)">(.*?)</a></li>', self.answer.text)
        return {name: html.unescape(text) for name, text in found}

    @property
    def authorise_url(self) -> str:
        return html.unescape(re.findall(r'class="button" href="([^"]*)"', self.answer.text)[0])

    def get(self, path: str) -> requests.Response:
        self.answer = self.http.get(self.origin + path, timeout=TIMEOUT)
        return self.answer

    def enter(self) -> Self:
        self.get(self.address.removeprefix(self.origin))
        onward = re.findall(r'http-equiv="refresh" content="0;url=([^"]*)"', self.answer.text)
        self.get(onward[0])
        return self

    def send(self, path: str, **fields: Any) -> requests.Response:
        """Send a form of the present page."""
        token = re.findall(r'name="csrf" value="([^"]*)"', self.answer.text)[0]
        form = {"csrf": token, **fields}
        self.answer = self.http.post(self.origin + path, data=form, timeout=TIMEOUT)
        return self.answer

    def to_sign_in(self, server: Server, region: str = "nl", **fields: str) -> None:
        """Do the first two steps."""
        app = server.credentials
        self.send("/region", region=region)
        self.send(
            "/app",
            **{
                "client_id": app.client_id,
                "client_secret": app.client_secret,
                "redirect_uri": app.redirect_uris[0],
                "name": "",
                **fields,
            },
        )

    def to_divisions(self, server: Server, **fields: str) -> None:
        """Do the first three steps."""
        self.to_sign_in(server, **fields)
        self.send("/sign-in", address=consent(self.authorise_url))


@dataclass(kw_only=True)
class Page(Browser):
    """The page running in this process, its clock, and a browser before it."""

    visit: Visit
    thread: threading.Thread
    now: list[float]

    def closed(self) -> bool:
        """Whether the page shuts down."""
        self.thread.join(5)
        return not self.thread.is_alive()


@pytest.fixture
def open_page(server: Server, store_url: str) -> Iterator[Callable[..., Page]]:
    """Starts pages; all are closed at the end."""
    opened: list[Page] = []

    def start(
        base_url: str | None = server.base_url, project: Path | None = None, name: str | None = None
    ) -> Page:
        now = [0.0]
        sign_in = flow.begin(store_url, base_url, name)
        listener = listen(0)
        visit = Visit(
            sign_in=sign_in,
            origin=origin(listener),
            store_url=store_url,
            project=project,
            clock=lambda: now[0],
        )
        serving = (make_app(visit), visit, listener)
        thread = threading.Thread(target=serve, args=serving, daemon=True)
        thread.start()
        opened.append(Page(visit.address, visit=visit, thread=thread, now=now))
        return opened[-1]

    yield start
    for page in opened:
        page.visit.finished = True
        page.thread.join(10)
        page.visit.sign_in.close()
        page.http.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page().enter()


class Runner(CliRunner):
    """Runs a command, and shows its output to the input where that has a `screen`."""

    @contextmanager
    @override
    def isolation(self, input: Any = None, *args: Any, **options: Any) -> Iterator[Any]:
        with super().isolation(input, *args, **options) as streams:
            if hasattr(input, "screen"):
                input.screen = streams[0]
            yield streams


@pytest.fixture
def command(store_url: str) -> Callable[..., Result]:
    """Runs `exactonline` in this process."""

    def run(*arguments: str, text: Any = None, **environment: str | None) -> Result:
        variables = {"EXACTONLINE_STORE_URL": store_url, **environment}
        return Runner().invoke(main, arguments, input=text, env=variables)

    return run


@contextmanager
def at_keyboard(options: Sequence[str], store_url: str) -> Iterator[tuple[Any, int]]:
    """The command as a program before a person, of whose keyboard this is the other end."""
    keyboard, other_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "exactonline_cli", *options],
        stdin=other_end,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "EXACTONLINE_STORE_URL": store_url},
    )
    try:
        yield process, keyboard
    finally:
        process.kill()
        process.wait()
        os.close(keyboard)
        os.close(other_end)


def read_until(stream: Any, text: bytes) -> None:
    """Wait for what a program says."""
    said = b""
    while text not in said:
        more = stream.read(1)
        assert more, said
        said += more
