"""Webhook payloads: whether they are what they say, and what a run makes of them."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from exactonline_cli.main import main
from tap_exactonline.divisions import webhooks

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

SECRET = "s3cret of the app"
CONTENT = (
    b'{"Topic" : "Accounts","Action":"Update", "Division":1700001,"Key":"c1e6d3b2",'
    b'"ExactOnlineEndpoint":"https://start.exactonline.nl/api/v1/1700001/crm/Accounts","X":"\xc3\xa9"}'
)


def signed(content: bytes, secret: str = SECRET) -> bytes:
    code = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest().upper()
    return b'{ "Content":' + content + b', "HashCode":"' + code.encode() + b'"}\r\n'


def verify(payload: bytes, *arguments: str, secret: str | None = SECRET, **more: Any) -> Result:
    environment = {"EXACTONLINE_WEBHOOK_SECRET": secret}
    return CliRunner().invoke(
        main, ["webhooks", "verify", *arguments], input=payload, env=environment, **more
    )


def test_a_signed_payload_is_valid_byte_by_byte() -> None:
    result = verify(signed(CONTENT))
    assert result.exit_code == 0
    assert result.stdout == "Valid: Accounts Update in division 1700001, key c1e6d3b2\n"


def test_a_known_payload_has_its_known_hash() -> None:
    # Made with: printf '%s' "$content" | openssl dgst -sha256 -hmac key
    content = b'{"Topic":"Items","Action":"Create","Division":1}'
    code = "EEADEFC1F0C328C03923D235193A1F030CBC81FF2D6225B7124D9C6BE4115463"
    payload = b'{"Content":' + content + b',"HashCode":"' + code.encode() + b'"}'
    assert verify(payload, secret="key").exit_code == 0
    assert verify(payload, secret="kez").exit_code == 1


@pytest.mark.parametrize(
    "payload",
    [
        signed(CONTENT, "another secret"),
        signed(CONTENT).replace(b"1700001", b"1700002"),
        signed(CONTENT).replace(b'"Topic" :', b'"Topic":'),
    ],
    ids=["of another app", "changed", "written anew"],
)
def test_a_payload_that_is_not_signed_so_is_refused(payload: bytes) -> None:
    result = verify(payload)
    assert result.exit_code == 1
    assert "the hash is not that of the content" in result.stderr
    assert SECRET not in result.output


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"\xff", b'{"Content":5,"HashCode":"A"}'])
def test_what_is_no_payload_is_refused(payload: bytes) -> None:
    result = verify(payload)
    assert result.exit_code == 1
    assert "not the payload of a webhook" in result.stderr


def test_the_answer_in_json(tmp_path: Path) -> None:
    file = tmp_path / "payload.json"
    file.write_bytes(signed(CONTENT))
    assert json.loads(verify(b"", str(file), "--json").stdout) == {
        "valid": True,
        "topic": "Accounts",
        "action": "Update",
        "division": 1700001,
        "key": "c1e6d3b2",
    }
    wrong = verify(b"", str(file), "--json", "--secret", "wrong")
    assert wrong.exit_code == 1
    assert json.loads(wrong.stdout)["valid"] is False


def test_the_secret_is_asked_for_where_it_can_be(tmp_path: Path) -> None:
    file = tmp_path / "payload.json"
    file.write_bytes(signed(CONTENT))
    asked = verify(f"{SECRET}\n".encode(), str(file), secret=None)
    assert asked.exit_code == 0
    piped = verify(signed(CONTENT), secret=None)
    assert piped.exit_code == 2
    assert "EXACTONLINE_WEBHOOK_SECRET" in piped.stderr


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(content=st.dictionaries(st.text(), JSON), indent=st.sampled_from([None, 0, 2]))
@settings(deadline=None)
def test_any_writing_of_the_content_keeps_its_hash(content: dict[str, Any], indent: int) -> None:
    named = {**content, "Topic": "Items", "Action": "Create", "Division": 1, "Key": "k"}
    text = json.dumps(named, indent=indent).encode()
    event = webhooks.parse(signed(text))
    assert event.signed == text
    assert event.is_signed_with(SECRET)
    assert not event.is_signed_with(SECRET + "x")


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_an_event_or_a_sentence(payload: bytes) -> None:
    with pytest.raises(ValueError, match="not the payload"):
        webhooks.parse(payload)
