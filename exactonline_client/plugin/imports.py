"""Start a program without collecting garbage, and end it so."""

from __future__ import annotations

import atexit
import gc
import sys
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_own = Event()


def own_process() -> None:
    """Declare that the process runs a program of ours and nothing else.

    Then `uncollected` lets later collections pass over all objects that exist after an import, and
    the interpreter ends without a collection; each saves a tenth of a second. Objects in reference
    cycles may never be finalized, so what must be is to be closed. A library does not know what
    else there is in its process.
    """
    _own.set()
    atexit.register(gc.freeze)


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage while modules are imported; see `own_process`."""
    enabled, modules = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if _own.is_set() and len(sys.modules) > modules:
            gc.freeze()
        if enabled:
            gc.enable()
