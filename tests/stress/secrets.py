"""Every program through every error, with debug logging: does any secret get out?

Tap, target and commands run with debug logging while the sandbox fails in all the ways it can.
Then everything that came out of them (standard output and error, log files, results, the store's
own files) is searched for every secret that was in play.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import requests
from cryptography.fernet import Fernet

from exactonline_sandbox import Switches
from exactonline_sandbox.oauth import OAuthError
from tests.stress.program import Program
from tests.stress.stage import TIMEOUT, Ended, sales_invoice, stage

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.stress.stage import Stage

    Arrange = Callable[[Stage], dict[str, Any]]
    Refuse = Callable[[Mapping[str, str]], OAuthError]

STATUSES = (400, 401, 403, 404, 408, 429, 500, 503)
FOREIGN_CODE = "stampNL001.a-code-of-another!sign-in"
SPEED = 40.0
"""Of the clock: programs wait a while before they try again."""
PROGRAMS = {
    "tap": "tap-exactonline",
    "target": "target-exactonline",
    "status": "exactonline status",
    "divisions": "exactonline divisions",
    "keepalive": "exactonline keepalive",
    "login": "exactonline login",
}


@dataclass(frozen=True)
class Scenario:
    """One way to go wrong."""

    name: str
    faults: tuple[dict[str, Any], ...] = ()
    """Fault rules of the sandbox."""
    arrange: Arrange = lambda _stage: {}
    """What else to prepare; gives settings that differ."""
    refuse: Refuse | None = None
    """What the token endpoint answers to a form."""


def _access_expired(setting: Stage) -> dict[str, Any]:
    setting.server.control.expire_access_tokens()
    return {}


def _refusing(status: int) -> Refuse:
    return lambda _form: OAuthError(status, "fault")


def _expired(setting: Stage) -> dict[str, Any]:
    setting.server.control.clock(advance_seconds=31 * 86_400)
    return {}


def _revoked(setting: Stage) -> dict[str, Any]:
    setting.server.control.revoke()
    return {}


def _spent(setting: Stage) -> dict[str, Any]:
    """The refresh token that the chain began with, in a store that does not know it."""
    setting.tap()
    setting.due()
    return _elsewhere(setting)


def _elsewhere(setting: Stage) -> dict[str, Any]:
    return {"store_url": f"sqlite:///{setting.folder / 'other' / 'store.db'}"}


def _day_is_over(setting: Stage) -> dict[str, Any]:
    setting.server.control.limits(leave_today=0, division=setting.server.divisions[0])
    return {"on_daily_limit": "fail"}


SCENARIOS = (
    Scenario("all well"),
    *(
        Scenario(f"HTTP {status}", ({"kind": "status", "status": status, "body": True},))
        for status in STATUSES
    ),
    *(Scenario(kind, ({"kind": kind},)) for kind in ("cut", "lost", "malformed")),
    Scenario("access token refused", ({"kind": "unauthorized", "times": 1},)),
    Scenario("access token expired", arrange=_access_expired),
    Scenario("refresh token expired", arrange=_expired),
    Scenario("refresh token spent", arrange=_spent),
    Scenario("sign-in revoked", arrange=_revoked),
    Scenario(
        "unknown token",
        arrange=lambda s: {**_elsewhere(s), "refresh_token": "made-up!refresh/token+4711"},
    ),
    Scenario("wrong client secret", arrange=lambda _: {"client_secret": "wrong&secret=4711"}),
    Scenario(
        "token repeated in the refusal",
        refuse=lambda form: OAuthError(400, "invalid_request", f"What is {dict(form)}?"),
    ),
    *(Scenario(f"token endpoint {status}", refuse=_refusing(status)) for status in (429, 503)),
    Scenario("nobody there", arrange=lambda _: {"base_url": "http://127.0.0.1:9"}),
    Scenario("another key", arrange=lambda _: {"store_key": Fernet.generate_key().decode()}),
    Scenario(
        "database away",
        arrange=lambda _: {"store_url": "postgresql://me:pass-word-4711@127.0.0.1:9/store"},
    ),
    Scenario("wrong setting", arrange=lambda _: {"region": "it"}),
    Scenario("calls of the day used up", arrange=_day_is_over),
)


@dataclass
class Findings:
    """What was run and found."""

    codes: dict[str, dict[str, int]] = field(default_factory=dict)
    """Exit codes by scenario and program."""
    crashed: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    searched: int = 0
    """Characters."""

    def take(self, where: str, ended: Ended) -> None:
        """Look at how a program ended, and at what it said."""
        if ended.crashed:
            self.crashed.append(f"{where}: {ended.last_words}")
        self.search(f"{where} standard output", ended.stdout)
        self.search(f"{where} standard error", ended.stderr)

    def search(self, where: str, text: str) -> None:
        """Look for all secrets in a text."""
        self.searched += len(text)
        for secret in self.secrets:
            if any(spelling in text for spelling in {secret, quote(secret, safe="")}):
                self.leaks.append(f"{where}: ...{secret[-4:]}")


def explore(scenarios: Sequence[Scenario], programs: Sequence[str], seed: int) -> Findings:
    """Run the programs in each scenario, and search all that comes out of them."""
    findings = Findings()
    with TemporaryDirectory() as folder:
        for number, scenario in enumerate(scenarios):
            place = Path(folder, str(number))
            place.mkdir()
            # Each way to log in turn: the SDK's own, and the one that Meltano sets up.
            environment = _debug_environment(place / "programs.log" if number % 2 else None)
            with _arranged(scenario, place, seed) as (setting, changed):
                ended = _run_all(setting, programs, changed, environment)
                findings.secrets |= set(_secrets(setting, changed))
            findings.codes[scenario.name] = {name: done.code for name, done in ended.items()}
            for name, done in ended.items():
                findings.take(f"{PROGRAMS[name]} ({scenario.name})", done)
            for file in sorted(path for path in place.rglob("*") if path.is_file()):
                findings.search(
                    f"{file.name} ({scenario.name})", file.read_text("utf-8", "replace")
                )
    return findings


@contextmanager
def _arranged(
    scenario: Scenario, folder: Path, seed: int
) -> Iterator[tuple[Stage, dict[str, Any]]]:
    """A stage with a chain of tokens to renew, and what goes wrong; settings that differ."""
    url = f"sqlite:///{folder / 'store' / 'store.db'}"
    switches = Switches(error_limit=False)
    with stage(folder, url, seed=seed, speed=SPEED, switches=switches) as setting:
        setting.sign_in()
        setting.tap()
        setting.due()
        changed = scenario.arrange(setting)
        setting.server.control.faults(*scenario.faults)
        setting.token_server.refuse = scenario.refuse
        yield setting, changed


def _debug_environment(log: Path | None) -> dict[str, str]:
    """An environment with debug logging; with a log file, configured as Meltano does."""
    names = ("LOGLEVEL", "TAP_EXACTONLINE_LOGLEVEL", "TARGET_EXACTONLINE_LOGLEVEL")
    environment = dict.fromkeys(names, "DEBUG")
    if log:
        config = log.with_suffix(".yml")
        config.write_text(json.dumps(_log_config(log)), encoding="utf-8")
        environment["SINGER_SDK_LOG_CONFIG"] = str(config)
    return environment


def _log_config(log: Path) -> dict[str, Any]:
    stream = {"class": "logging.StreamHandler", "stream": "ext://sys.stderr"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"structured": {"()": "singer_sdk.logging.StructuredFormatter"}},
        "handlers": {
            "console": {**stream, "formatter": "structured"},
            "file": {"class": "logging.FileHandler", "filename": str(log)},
        },
        "loggers": {"sqlalchemy": {"level": "DEBUG"}},
        "root": {"level": "DEBUG", "handlers": ["console", "file"]},
    }


def _run_all(
    setting: Stage, programs: Sequence[str], changed: dict[str, Any], environment: dict[str, str]
) -> dict[str, Ended]:
    text = sales_invoice(setting.server, "stress-secrets")
    with ThreadPoolExecutor(2) as pool:
        ended = pool.map(lambda name: _run(setting, name, changed, environment, text), programs)
    return dict(zip(programs, ended, strict=True))


def _run(
    setting: Stage, name: str, changed: dict[str, Any], environment: dict[str, str], text: str
) -> Ended:
    if name == "login":
        return _login(setting, changed, environment)
    if name == "tap":
        return setting.tap(changed, environment)
    if name == "target":
        results = {"results_path": str(setting.folder / "results.jsonl")}
        return setting.target(text, {**results, **changed}, environment)
    # As JSON, what the commands say goes to standard output, errors included.
    return setting.run("exactonline", name, "--json", settings=changed, environment=environment)


def _login(setting: Stage, changed: dict[str, Any], environment: dict[str, str]) -> Ended:
    """Sign in at the terminal, with a person who allows everything."""
    app = setting.server.credentials
    options = ("--code-url", "-", "--name", "typed", "--redirect-uri", app.redirect_uris[0])
    with subprocess.Popen(
        setting.command("exactonline", "login", *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**setting.environment(changed), **environment},
    ) as process:
        link = process.stdout.readline() if process.stdout else ""
        landed = _allowed(link.strip(), setting.server.base_url)
        setting.token_server.handed_out |= set(parse_qs(urlsplit(landed).query).get("code", ()))
        stdout, stderr = process.communicate(f"{landed}\n", TIMEOUT)
    return Ended("exactonline", process.returncode, link + stdout, stderr)


def _allowed(link: str, base_url: str) -> str:
    """Where the browser lands after the app was allowed."""
    if not link.startswith(base_url):
        return f"https://example.com/?code={FOREIGN_CODE}&state=none"
    answer = requests.post(link, data={"decision": "allow"}, allow_redirects=False, timeout=TIMEOUT)
    return answer.headers["Location"]


def _secrets(setting: Stage, changed: Mapping[str, Any]) -> Iterator[str]:
    yield from setting.token_server.handed_out
    yield FOREIGN_CODE
    for settings in (setting.settings, changed):
        for name in ("client_secret", "refresh_token", "store_key"):
            if name in settings:
                yield str(settings[name])
    if "store_url" in changed:
        yield "pass-word-4711"


def run(given: argparse.Namespace) -> list[str]:
    """Print what was run and found; returns what leaked or crashed."""
    found = explore(SCENARIOS, tuple(PROGRAMS), given.seed)
    print(f"{'exit codes':32}" + "".join(f"{name:>11}" for name in PROGRAMS))
    for scenario, codes in found.codes.items():
        print(f"{scenario:32}" + "".join(f"{codes[name]:11}" for name in PROGRAMS))
    runs = Counter(code for codes in found.codes.values() for code in codes.values())
    print(f"runs                {sum(runs.values()):12,}")
    print(f"secrets in play     {len(found.secrets):12,}")
    print(f"characters searched {found.searched:12,}")
    print(f"stack traces        {len(found.crashed):12,}   (must be 0)")
    print(f"leaks               {len(found.leaks):12,}   (must be 0)")
    return [*found.crashed, *found.leaks]


PROGRAM = Program("secrets", __doc__, run)
