"""The files of attachments: kept with their rows, and fetched from an address of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from exactonline_sandbox.errors import ApiError

if TYPE_CHECKING:
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row

TABLE = "documents/DocumentAttachments"
PAGE = "SysAttachment.aspx"
CONTENT = "_content"
"""Where a row keeps its file; no endpoint shows it."""


def link(root: str, row: Row) -> str:
    """The address of an attachment's file; `root` is that of the service with the division."""
    host, _, division = root.partition("/api/v1/")
    return f"{host}/docs/{PAGE}?ID={row['ID']}&_Division_={division.removeprefix('beta/')}"


def file(company: Company, method: str, query: str) -> bytes:
    """The file that a call asks for.

    Raises:
        ApiError: 404 where there is none, 405 for the wrong method.
    """
    if method != "GET":
        raise ApiError(405, f"The method {method} is not allowed here.")
    key = parse_qs(query).get("ID", [""])[0]
    row = company.table(TABLE).get(key.strip("{}").lower())
    if row is None or CONTENT not in row:
        raise ApiError(404, "The resource cannot be found.")
    found: bytes = row[CONTENT]
    return found
