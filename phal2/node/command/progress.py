"""What a running node logs of its progress."""

import asyncio
import logging
import time

from phal2.node.driver.rollup_node import RollupNode

log = logging.getLogger("phal2.node")


async def log_progress(node: RollupNode, interval_seconds: float) -> None:
    """Log the heads every `interval_seconds`, where they have moved or L1 has, until cancelled."""
    last_line, last_number, last_time = "", node.heads.unsafe.number, time.monotonic()
    while True:
        await asyncio.sleep(interval_seconds)
        line = progress_line(node)
        if line == last_line:
            log.info("waiting for L1: %s", line)
            continue
        number, now = node.heads.unsafe.number, time.monotonic()
        log.info("%s, %.1f blocks/s", line, (number - last_number) / (now - last_time))
        last_line, last_number, last_time = line, number, now


def progress_line(node: RollupNode) -> str:
    """Return the heads of L2, and how far derivation has come on L1."""
    heads, l1_head, processed = node.heads, node.l1_tracker.head, node.current_l1
    return (
        f"L2 unsafe {heads.unsafe.number}, safe {heads.safe.number}, finalized {heads.finalized.number}; "
        f"L1 block {'-' if processed is None else processed.number} of {'-' if l1_head is None else l1_head.number}"
    )
