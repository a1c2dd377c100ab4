"""What decoders may allocate, whatever their input claims to hold."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

MEBIBYTE: Final = 1 << 20


@contextmanager
def allocating_at_most(limit: int) -> Iterator[None]:
    """Fail where the block has more than `limit` bytes allocated at any time, beside what was there before it."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= limit, f"{peak} bytes were allocated, expected at most {limit}"
