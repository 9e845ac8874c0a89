"""Import the modules of a program without garbage collection."""

from __future__ import annotations

import atexit
import gc
import sys
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_alone = Event()


def run_alone() -> None:
    """Declare that the process runs a program of ours and nothing else.

    Then garbage collections pass over what was imported, and the interpreter ends without one; each
    saves a tenth of a second. Objects in reference cycles are not finalized, so what must be is to
    be closed. A library does not know what else there is in its process.
    """
    _alone.set()
    atexit.register(gc.freeze)


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage while modules are imported."""
    enabled, modules = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if _alone.is_set() and len(sys.modules) > modules:
            gc.freeze()
        if enabled:
            gc.enable()
