"""Which divisions are a job's own where several jobs share the work.

A division's share follows from its number alone. It stays the same when divisions come and go, so
that the bookmarks of a division stay with one job.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTING = "divisions_share"


def own(divisions: Iterable[int], share: str | None) -> list[int]:
    """Those of the divisions that belong to a share such as `2/4`; all of them without one.

    Raises:
        ConfigurationError: it is no share.
    """
    if not share:
        return list(divisions)
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", share)
    part, parts = map(int, found.groups()) if found else (0, 0)
    if not 1 <= part <= parts:
        raise ConfigurationError(
            f"Setting {SETTING}: {share!r} is no share. Write 2/4 for the second of four jobs."
        )
    return [division for division in divisions if division % parts == part - 1]
