"""The file of match sets that Exact Online does not take by itself, for a user to upload."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from exactonline_client.errors import ConfigurationError
from exactonline_client.http import xml
from target_exactonline.match_sets.model import TOPIC, document, identity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

SETTING = "match_sets_path"


def add(path: str | None, division: int, sets: Sequence[Element]) -> Path:
    """Add sets to the file, except for those in it; return its full path.

    The file is replaced as a whole, and only its owner may read it.

    Raises:
        ConfigurationError: it cannot be written, or is something else.
    """
    file = Path(path or f"exactonline-match-sets-{division}.xml").absolute()
    partial = file.with_name(f"{file.name}.partial")
    try:
        present = _sets(file)
        known = {identity(item) for item in present}
        added = [item for item in sets if identity(item) not in known]
        # Never write to a file that a run which was cut off, or somebody else, has left here.
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(descriptor, "wb") as opened:  # noqa: PTH123 - a descriptor, not a path
            opened.write(xml.body(document([*present, *added])))
            os.fsync(opened.fileno())
        partial.replace(file)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise ConfigurationError(
            f"Setting {SETTING}: {file} cannot be written ({error.strerror})."
        ) from None
    return file


def _sets(file: Path) -> list[Element]:
    """Read the sets in the file; none if there is no file."""
    if not file.exists():
        return []
    root = xml.read(file.read_bytes()) if file.is_file() else None
    if root is None or root.find(TOPIC) is None:
        raise ConfigurationError(
            f"Setting {SETTING}: {file} exists, but is not a file of match sets. Name another, or "
            "remove it."
        )
    return list(root.iter("MatchSet"))
