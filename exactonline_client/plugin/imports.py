"""Import the modules of a program without garbage collection."""

from __future__ import annotations

import atexit
import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The interpreter collects garbage once more when it ends, although all memory is freed anyway.
atexit.register(gc.freeze)


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage while modules are imported, and pass over the modules from then on.

    They are needed until the program ends, and to look through them takes a fifth of a short run.
    """
    enabled, modules = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > modules:
            gc.freeze()
        if enabled:
            gc.enable()
