"""Split divisions among several jobs.

A division is assigned by its number alone. The assignment does not change when divisions are added
or removed, so the bookmarks of a division stay with one job.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTING = "divisions_share"


def shard(divisions: Iterable[int], share: str | None) -> list[int]:
    """Divisions of a share such as `2/4` (the second of four); all divisions without a share.

    Raises:
        ConfigurationError: `share` is invalid.
    """
    if not share:
        return list(divisions)
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", share)
    part, parts = map(int, match.groups()) if match else (0, 0)
    if not 1 <= part <= parts:
        raise ConfigurationError(
            f"Setting {SETTING}: {share!r} is not a share. Write 2/4 for the second of four jobs."
        )
    return [division for division in divisions if division % parts == part - 1]
