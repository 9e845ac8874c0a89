"""Nothing secret gets out, whoever says it, and nothing else is hidden."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import textwrap
from contextlib import redirect_stderr
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.logging import StructuredFormatter

from exactonline_client import redaction
from exactonline_client.errors import Incomplete, RequestRefused, SignInNeeded
from exactonline_client.redaction import MASK, Redactor

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "stampNL001.vN3x!k_9Lq-7~tT0aX2bY4cZ"


@pytest.fixture
def redactor() -> Redactor:
    """A guarded process, for the length of a test."""
    return redaction.install()


def fail() -> None:
    raise KeyError(TOKEN) from ValueError(f"code={TOKEN}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Authorization: Bearer {TOKEN}", f"Authorization: Bearer {MASK}"),
        (f"{{'authorization': 'Bearer {TOKEN}'}}", f"{{'authorization': 'Bearer {MASK}'}}"),
        ("Authorization: Basic bWU6bXktc2VjcmV0", f"Authorization: Basic {MASK}"),
        (f"sent with bearer {TOKEN}.", f"sent with bearer {MASK}"),
        (f'{{"access_token": "{TOKEN}", "n": 1}}', f'{{"access_token": "{MASK}", "n": 1}}'),
        (r"{\"refresh_token\":\"abc!d\"}", rf"{{\"refresh_token\":\"{MASK}\"}}"),
        ("{'client_secret': b'hunter2'}", f"{{'client_secret': b'{MASK}'}}"),
        ("grant=x&refresh_token=a%21b&n=1", f"grant=x&refresh_token={MASK}&n=1"),
        ("TAP_EXACTONLINE_CLIENT_SECRET=hunter2", f"TAP_EXACTONLINE_CLIENT_SECRET={MASK}"),
        ("EXACTONLINE_STORE_KEY: abcd=", f"EXACTONLINE_STORE_KEY: {MASK}"),
        ("GET /callback?code=a!b&state=1", f"GET /callback?code={MASK}&state=1"),
        ("/callback?state=1&code=a%21b HTTP", f"/callback?state=1&code={MASK} HTTP"),
        (f"code={TOKEN}", f"code={MASK}"),
        (f'{{"code": "{TOKEN}"}}', f'{{"code": "{MASK}"}}'),
        ("postgresql+psycopg://me:p%40ss@db/x", f"postgresql+psycopg://me:{MASK}@db/x"),
        ("postgresql://:hunter2@db/x", f"postgresql://:{MASK}@db/x"),
        ("host=db password=hunter2 port=1", f"host=db password={MASK} port=1"),
        ("db/x?sslpassword=hunter2&a=1", f"db/x?sslpassword={MASK}&a=1"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, shown: str) -> None:
    assert Redactor().clean(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Check region, client_id and client_secret against the app's registration.",
        "Setting client_secret is missing. Sign in again and set refresh_token, or store_key.",
        "Rate limit exceeded: access_token not expired",
        "UPDATE tokens SET access_token=?, refresh_token=%(refresh_token)s WHERE code = ?",
        "{'refresh_token': {'type': ['string', 'null']}, 'access_token': ''}",
        '{"error": {"code": "", "message": {"lang": "", "value": "Ongeldige code: 12"}}}',
        "exit code: 3, GLAccountCode=1300, $filter=Code eq '1300', status_code=401",
        "GET http://127.0.0.1:8020/api/v1/1/crm/Accounts?$select=Code,ID&$top=1",
        "Mail jan@example.com or see https://example.com:8443/@someone",
        "the bearer of bad news",
    ],
)
def test_what_is_no_secret_is_told(text: str) -> None:
    assert Redactor().clean(text) == text


@pytest.mark.parametrize(
    "text",
    [
        'say "{}" twice',
        "/callback?x=a%2Bb%26c%21d%22e%C3%A9",
        "x=a%2Bb%26c%21d%22e%C3%A9+more",
        json.dumps({"a": 'a+b&c!d"eé'}),
        repr({"a": 'a+b&c!d"eé'}),
        'beforea+b&c!d"eéafter',
    ],
)
def test_a_value_is_hidden_however_it_is_spelled(text: str) -> None:
    secret = 'a+b&c!d"eé'
    redactor = Redactor()
    redactor.remember([secret])
    long = Redactor()
    long.remember([secret * 2])
    shown = redactor.clean(text.replace("{}", secret))
    if "before" in text:
        # A short value may be part of another word by chance.
        assert shown == text
        shown = long.clean(text.replace(secret, secret * 2))
    assert MASK in shown
    for spelling in (secret, "a%2Bb%26c%21d%22e%C3%A9", json.dumps(secret)[1:-1]):
        assert spelling not in shown


@pytest.mark.parametrize("value", ["", " ", "x", "token", "     \n   "])
def test_a_short_value_does_not_blank_out_everything(value: str) -> None:
    redactor = Redactor()
    redactor.remember([value])
    assert redactor.clean("x is no token, is it?") == "x is no token, is it?"


def test_a_value_that_is_a_common_word_leaves_longer_words_alone() -> None:
    redactor = Redactor()
    redactor.remember(["postgres", "refresh"])
    assert redactor.clean("postgresql for postgres") == f"postgresql for {MASK}"
    assert redactor.clean("refresh refresh_token") == f"{MASK} refresh_token"


def test_a_longer_value_is_hidden_whole() -> None:
    redactor = Redactor()
    redactor.remember([TOKEN, f"{TOKEN}-and-more"])
    assert redactor.clean(f"<{TOKEN}-and-more>") == f"<{MASK}>"


@given(
    st.lists(
        st.sampled_from(
            [
                *("access_token", "code", "Authorization", "Bearer", "Basic", "password", "://me:"),
                *("=", ": ", '"', "\\", "'", " ", "&", "?", "@", "{", "[hidden]", "\n", TOKEN),
            ]
        )
        | st.text(max_size=8),
        max_size=12,
    )
)
def test_what_was_cleaned_stays_as_it_is(parts: list[str]) -> None:
    redactor = Redactor()
    redactor.remember([TOKEN])
    once = redactor.clean("".join(parts))
    assert TOKEN not in once
    assert redactor.clean(once) == once


@pytest.mark.parametrize(
    "name",
    ["", "urllib3.connectionpool", "requests", "sqlalchemy.engine", "uvicorn.access", "backoff"],
)
@pytest.mark.parametrize("formatter", [logging.Formatter(), StructuredFormatter()])
def test_no_log_record_holds_a_secret(
    name: str, formatter: logging.Formatter, redactor: Redactor
) -> None:
    redactor.remember([TOKEN])
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(formatter)
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        logger.error("%s and %d", TOKEN, 1)
        logger.error("%(a)s", {"a": TOKEN})
        logger.error(TOKEN, stack_info=True)
        try:
            fail()
        except KeyError:
            logger.exception("Went wrong")
    finally:
        logger.removeHandler(handler)
    text = written.getvalue()
    assert TOKEN not in text
    assert f"{MASK} and 1" in text
    assert "Went wrong" in text
    assert "KeyError" in text
    assert "ValueError" in text


def test_other_records_stay_as_they_are(redactor: Redactor) -> None:
    redactor.remember([TOKEN])
    point = {"metric": "record_count"}
    with pytest.raises(ValueError, match="harmless") as caught:
        int("harmless")
    error = (caught.type, caught.value, caught.tb)
    record = logging.getLogger("any").makeRecord(
        "any", logging.INFO, __file__, 1, "METRIC: %s", (point,), error
    )
    assert (record.msg, record.args, record.exc_info) == ("METRIC: %s", point, error)


def test_standard_error_is_guarded(redactor: Redactor) -> None:
    below = io.StringIO()
    with redirect_stderr(below):
        redaction.install()
        redactor.remember([TOKEN])
        print(TOKEN, file=sys.stderr)  # noqa: T201 - that is what is tried
        sys.stderr.writelines([TOKEN, "\n"])
        assert not hasattr(sys.stderr, "buffer"), "a way around the guard"
    shown = below.getvalue()
    assert TOKEN not in shown
    assert shown.count(MASK) == 2


@pytest.mark.parametrize("turn", ["first", "second"])
def test_what_one_test_hides_the_next_one_can_see(turn: str) -> None:
    assert redaction.clean(f"{turn} s3cret-of-4711") == f"{turn} s3cret-of-4711"
    redaction.install().remember(["s3cret-of-4711"])


def test_a_second_guard_is_the_first(redactor: Redactor) -> None:
    assert redaction.install() is redactor
    redaction.remember(TOKEN, None, "")
    assert redactor.clean(TOKEN) == MASK


def test_a_library_is_not_guarded_and_remembers_nothing(redactor: Redactor) -> None:
    logging.setLogRecordFactory(logging.LogRecord)
    redaction.remember(TOKEN)
    assert redaction.clean(TOKEN) == redactor.clean(TOKEN) == TOKEN


def test_the_text_of_an_error_is_clean(redactor: Redactor) -> None:
    redactor.remember(["s3cret-of-4711"])
    refused = RequestRefused(
        f"Exact says {{'refresh_token': '{TOKEN}'}}", status=400, reason="What is s3cret-of-4711?"
    )
    assert str(refused) == f"Exact says {{'refresh_token': '{MASK}'}}"
    assert refused.reason == f"What is {MASK}?"
    assert str(Incomplete(["s3cret-of-4711"], refused)).count(MASK) == 2


def test_the_text_of_an_error_is_clean_in_a_library_too() -> None:
    assert str(SignInNeeded(f"code={TOKEN}")) == f"code={MASK}"


# A tap that tells a secret in every way there is, and then crashes with it.
PROGRAM = """
    import logging, os, sys, threading, warnings
    from singer_sdk import Tap, metrics
    from exactonline_client import redaction
    from exactonline_client.plugin import start

    if os.environ["GUARD"] == "off":
        redaction.install = lambda: None
    secret = os.environ["SECRET"]

    class Leaky(Tap):
        name = "tap-leaky"
        config_jsonschema = {"type": "object", "properties": {}}

        def discover_streams(self):
            redaction.remember(secret)
            for name in ("", "urllib3", "requests", "sqlalchemy", "singer_sdk", "backoff"):
                logging.getLogger(name).warning("Leak of %s", secret)
                logging.getLogger(name).debug("Leak of %s", {"token": secret})
            self.logger.info("Leak", extra={"token": secret})
            self.logger.info("Not %d", secret)
            with metrics.record_counter("stream", token=secret) as counter:
                counter.increment()
            warnings.warn("Leak of " + secret)
            print("Leak of", secret, file=sys.stderr)
            try:
                self.crash()
            except RuntimeError:
                self.logger.exception("Caught")
            thread = threading.Thread(target=self.crash)
            thread.start()
            thread.join()
            print('{"data": "are left alone"}')
            self.crash()

        def crash(self):
            raise RuntimeError("Crashed with " + secret)

    start.run(Leaky)
"""
LOG_CONFIG = """
version: 1
disable_existing_loggers: false
formatters:
  structured: {{"()": singer_sdk.logging.StructuredFormatter}}
  plain: {{format: "%(levelname)s %(message)s"}}
handlers:
  console: {{class: logging.StreamHandler, formatter: structured, stream: "ext://sys.stderr"}}
  file: {{class: logging.FileHandler, formatter: plain, filename: "{file}"}}
root: {{level: DEBUG, handlers: [console, file]}}
"""


def leak(folder: Path, *, structured: bool, guard: str = "on") -> tuple[int, str, str, str]:
    """Exit code, standard output, standard error and log file of the tap that tells secrets."""
    config, file = folder / "logging.yml", folder / "tap.log"
    config.write_text(LOG_CONFIG.format(file=file), encoding="utf-8")
    environment: dict[str, Any] = {"SECRET": TOKEN, "GUARD": guard, "TAP_LEAKY_LOGLEVEL": "DEBUG"}
    if structured:
        environment["SINGER_SDK_LOG_CONFIG"] = str(config)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), "--discover"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )
    return (
        done.returncode,
        done.stdout,
        done.stderr,
        file.read_text("utf-8") if file.exists() else "",
    )


@pytest.mark.parametrize("structured", [False, True], ids=["console", "structured"])
def test_a_plugin_tells_no_secret_even_when_it_crashes(structured: bool, tmp_path: Path) -> None:  # noqa: FBT001
    code, stdout, stderr, log = leak(tmp_path, structured=structured)
    assert code == 1
    assert TOKEN not in stdout + stderr + log
    assert stdout == '{"data": "are left alone"}\n'
    assert stderr.count(MASK) > 10
    for trace in ("Traceback", "in crash", f"Crashed with {MASK}"):
        assert trace in stderr
    if structured:
        assert log.count(MASK) > 10
        assert f"Crashed with {MASK}" in log


def test_without_the_guard_the_same_plugin_tells_it(tmp_path: Path) -> None:
    _, _, stderr, log = leak(tmp_path, structured=True, guard="off")
    assert TOKEN in stderr
    assert TOKEN in log
