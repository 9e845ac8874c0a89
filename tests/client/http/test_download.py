"""Files of the server: whole, never larger than wanted, and from no other server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import RequestRefused, UnexpectedAnswer
from exactonline_client.transfer import CHUNK_BYTES
from tests.client.conftest import BASE

if TYPE_CHECKING:
    from exactonline_client.http.session import Session
    from tests.client.conftest import Exact

PATH = "/docs/SysAttachment.aspx?ID=1"
FILE = bytes(range(256)) * 1000


@pytest.fixture
def session(exact: Exact, naps: list[float]) -> Session:
    assert not naps
    exact.sign_in()
    return exact.session()


@pytest.mark.parametrize(
    ("most", "expected"), [(len(FILE), FILE), (len(FILE) - 1, None), (CHUNK_BYTES, None)]
)
def test_a_file_is_read_whole_or_not_at_all(
    most: int, expected: bytes | None, session: Session, mock: Any
) -> None:
    mock.get(f"{BASE}{PATH}", body=FILE)
    assert session.download(f"{BASE}{PATH}", 1, most) == expected
    assert mock.calls[0].request.headers["Accept"] == "*/*"


def test_it_begins_anew_after_a_fault(session: Session, mock: Any) -> None:
    mock.get(f"{BASE}{PATH}", status=503, body=b"Not now.")
    mock.get(f"{BASE}{PATH}", body=FILE)
    assert session.download(PATH, 1, len(FILE)) == FILE


@pytest.mark.parametrize(("status", "error"), [(302, UnexpectedAnswer), (404, RequestRefused)])
def test_what_is_no_file_is_an_error(
    status: int, error: type[Exception], session: Session, mock: Any
) -> None:
    mock.get(f"{BASE}{PATH}", status=status, headers={"Location": "https://example.com"})
    with pytest.raises(error):
        session.download(PATH, 1, len(FILE))
    assert len(mock.calls) == 1


def test_another_server_is_not_asked(session: Session, mock: Any) -> None:
    with pytest.raises(UnexpectedAnswer, match="The address of a file is said"):
        session.download("https://example.com/file", 1, len(FILE))
    assert not mock.calls
