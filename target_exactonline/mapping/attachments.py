"""Attachments of a record, in base64 or by path.

A file named by its path is read when it is sent, since it may be deleted once its document is at
Exact Online.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from target_exactonline.mapping.folder import SETTING
from target_exactonline.schema.names import plain
from target_exactonline.schema.values import BadValueError, describe, is_empty

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_exactonline.mapping.folder import Folder

MAX_BYTES = 10 * 1024 * 1024
"""Maximum size that Exact Online accepts in a call."""
LIST, PATH = "attachments", "attachment_path"


@dataclass(frozen=True)
class Attachment:
    """A file to attach to a document."""

    file_name: str
    where: str
    """Its field in the record, for errors."""
    data: bytes | None = None
    path: str | None = None
    """Its path in `folder`, if the record does not hold its content."""
    folder: Folder | None = None

    def read(self) -> bytes:
        """Read the content.

        Raises:
            BadValueError: it cannot be read or sent; its text goes behind `where`.
        """
        data = self.data if self.path is None else self._from_folder(self.path)
        if not data:
            raise BadValueError("is empty")
        if len(data) > MAX_BYTES:
            raise BadValueError(
                f"is larger than {MAX_BYTES // 1024**2} MB, which is more than Exact Online takes"
            )
        return data

    def _from_folder(self, path: str) -> bytes:
        if self.folder is None:
            raise BadValueError(
                f"names a file by its path, and the setting {SETTING} is not set. Set it to the "
                "folder of such files, or give their content in base64"
            )
        return self.folder.read(path, MAX_BYTES)


def problems(files: Iterable[Attachment]) -> list[str]:
    """Return the problems of files that cannot be sent."""
    sentences = []
    for file in files:
        try:
            file.read()
        except BadValueError as error:  # noqa: PERF203 - each file has problems of its own
            sentences.append(f"{file.where} {error}")
    return sentences


def take(record: dict[str, Any], folder: Folder | None) -> tuple[tuple[Attachment, ...], list[str]]:
    """Remove the files from a record; return them and their problems.

    `attachments` is a list of objects with a `path`, or a `file_name` and its `content` in base64,
    or that list as JSON text. `attachment_path` is the path of a single file. Paths are below
    `folder`.
    """
    files: list[Attachment] = []
    problems: list[str] = []
    for name in [name for name in record if plain(name) in {plain(LIST), plain(PATH)}]:
        value = record.pop(name)
        if not is_empty(value):
            _add(files, problems, name, value)
    return tuple(replace(file, folder=folder) for file in files), problems


def _add(files: list[Attachment], problems: list[str], name: str, value: object) -> None:
    """Parse the files of a field."""
    if plain(name) == plain(PATH):
        items: list[tuple[str, Any]] = [(name, {"path": value})]
    else:
        try:
            items = [
                (f"{name}[{number}]", item) for number, item in enumerate(_items(value), start=1)
            ]
        except BadValueError as error:
            problems.append(f"{name} {error}")
            return
    for where, item in items:
        try:
            files.append(_attachment(item, where))
        except BadValueError as error:  # noqa: PERF203 - each file has problems of its own
            problems.append(f"{where} {error}")


def _items(value: object) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, list):
        raise BadValueError("should be a list of objects")
    return value


def _attachment(item: object, where: str) -> Attachment:
    if not isinstance(item, dict):
        raise BadValueError(f"should be an object, but is {describe(item)}")
    given = {plain(str(name)): value for name, value in item.items() if value is not None}
    unknown = given.keys() - {"filename", "content", "path"}
    if unknown or ("content" in given) == ("path" in given):
        raise BadValueError("should hold either path, or file_name and content")
    path = _path(given["path"]) if "path" in given else None
    data = _decode(given["content"]) if path is None else None
    name = given.get("filename") or (path and PurePath(path).name)
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise BadValueError("should have a file_name")
    return Attachment(name.strip(), where, data, path)


def _path(path: object) -> str:
    if not isinstance(path, str) or not path.strip():
        raise BadValueError("should have the path of a file")
    return path.strip()


def _decode(content: object) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        raise BadValueError("has a content that is not base64") from None
