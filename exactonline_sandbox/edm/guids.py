"""Guids: generated from a seed, and the sort order of the database."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

EMPTY_GUID = "00000000-0000-0000-0000-000000000000"
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""A guid as the sandbox stores it: lower case, with dashes."""


def new_guid(rng: Random) -> str:
    """A random version 4 guid, repeatable by the seed of `rng`."""
    digits = f"{rng.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def guid_order(guid: str) -> str:
    """A sort key in the order of the database.

    The last group is the most significant, then the fourth, third, second and first; the bytes of
    the first three groups are compared in reverse.
    """
    return (
        guid[24:]
        + guid[19:23]
        + guid[16:18]
        + guid[14:16]
        + guid[11:13]
        + guid[9:11]
        + guid[6:8]
        + guid[4:6]
        + guid[2:4]
        + guid[:2]
    )
