"""Blocks on demand: a chain whose own blocks are far apart seals one whenever its pool has transactions."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from phal2.devnet.process import Endpoint

STILL: Final = ("--l1-block-time", "600", "--l2-block-time", "600")
"""Options of a devnet that seals no block of its own while a test runs."""


def settle(endpoint: Endpoint) -> None:
    """Seal what the pool holds, so that what follows meets no transaction of what was before."""
    for _ in range(10):
        if int(endpoint.request("txpool_status")["pending"], 16) == 0:
            return
        endpoint.mine()
    raise AssertionError("the pool's transactions are in no block after ten blocks")


@contextmanager
def sealing(endpoint: Endpoint) -> Iterator[None]:
    """Seal a block whenever the pool has transactions, until the end of the context."""

    def seal() -> None:
        if int(endpoint.request("txpool_status")["pending"], 16):
            endpoint.mine()

    with _again_and_again(seal, 0.05):
        yield


@contextmanager
def ticking(endpoint: Endpoint) -> Iterator[None]:
    """Seal some blocks a second, with transactions or without, until the end of the context."""
    with _again_and_again(endpoint.mine, 0.25):
        yield


@contextmanager
def _again_and_again(action: Callable[[], None], seconds: float) -> Iterator[None]:
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(seconds):
            action()

    worker = threading.Thread(target=run, name="sealing", daemon=True)
    worker.start()
    try:
        yield
    finally:
        ended.set()
        worker.join()
