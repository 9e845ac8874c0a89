"""Files of attachments, stored in their rows and downloaded from a URL of their own."""

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
"""Column with the file; not a property of any endpoint."""


def link(root: str, row: Row) -> str:
    """URL of the file of an attachment; `root` is the service root, including the division."""
    host, _, division = root.partition("/api/v1/")
    return f"{host}/docs/{PAGE}?ID={row['ID']}&_Division_={division.removeprefix('beta/')}"


def file(company: Company, method: str, query: str) -> bytes:
    """The requested file.

    Raises:
        ApiError: 404 if it does not exist, 405 for the wrong method.
    """
    if method != "GET":
        raise ApiError(405, f"The method {method} is not allowed here.")
    key = parse_qs(query).get("ID", [""])[0]
    row = company.table(TABLE).get(key.strip("{}").lower())
    if row is None or CONTENT not in row:
        raise ApiError(404, "The resource cannot be found.")
    found: bytes = row[CONTENT]
    return found
