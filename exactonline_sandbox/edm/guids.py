"""Guids: made from a seed, and sorted as the server's database sorts them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

EMPTY_GUID = "00000000-0000-0000-0000-000000000000"
GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""A guid in the only spelling the sandbox keeps: lower case, with dashes."""


def new_guid(rng: Random) -> str:
    """A random guid of version 4, repeatable by the seed of `rng`."""
    digits = f"{rng.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def guid_order(guid: str) -> str:
    """A text that sorts as the database sorts the guid.

    The last group counts most, then the fourth; the first three are compared byte by byte from
    their end, the third before the second before the first.
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
