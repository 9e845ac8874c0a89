"""Import the modules of a program without garbage collection."""

from __future__ import annotations

import atexit
import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def skip_last_collection() -> None:
    """Let the interpreter end without collecting garbage, which takes a tenth of a second.

    For programs: objects in reference cycles are not finalized, so what must be is to be closed.
    """
    atexit.register(gc.freeze)


@contextmanager
def uncollected(*, freeze: bool = False) -> Iterator[None]:
    """Collect no garbage while modules are imported.

    Args:
        freeze: pass over all objects that exist then in later collections too, which saves a tenth
            of a short run. For programs: a library does not know what else there is.
    """
    enabled, modules = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if freeze and len(sys.modules) > modules:
            gc.freeze()
        if enabled:
            gc.enable()
