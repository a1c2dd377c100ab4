"""How a node's process sets its interpreter, whose defaults are made for short programs with one thread."""

import gc
import sys
from typing import Final

_YOUNG_OBJECTS: Final = 50_000
_MIDDLE_COLLECTIONS: Final = 20
_OLD_COLLECTIONS: Final = 50
_SWITCH_SECONDS: Final = 0.001


def tune_interpreter() -> None:
    """Set the interpreter for a process that keeps much and runs for long; call it before all is loaded.

    A block makes hundreds of thousands of objects that are free of cycles: looking for cycles among them every 700
    objects takes a third of the time of sealing it, and a tenth of the time of loading. And a thread that executes a
    block gives the event loop way after 1 ms instead of 5.
    """
    gc.set_threshold(_YOUNG_OBJECTS, _MIDDLE_COLLECTIONS, _OLD_COLLECTIONS)
    sys.setswitchinterval(_SWITCH_SECONDS)


def keep_what_is_loaded() -> None:
    """Have the collector never look at what is there now; call it when all is loaded."""
    gc.freeze()
