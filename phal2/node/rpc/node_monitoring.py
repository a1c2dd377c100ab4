"""The metrics of a chain and of a rollup node, and when a node is ready to be asked."""

from typing import Final

from phal2.node.driver.rollup_node import RollupNode
from phal2.node.rpc.chain_service import ChainService
from phal2.node.rpc.monitoring import Monitoring

_BUILDING_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_TOLERATED_L1_BLOCKS: Final = 8
"""So many blocks behind L1's head derivation may be on a node that keeps up."""
_TOLERATED_OUTAGE_SECONDS: Final = 60.0


def monitor_chain(chain: ChainService, monitoring: Monitoring) -> Monitoring:
    """Add the heads and the pool of a chain."""
    name, description = "phal2_head_number", "Number of a head."
    monitoring.gauge(name, description, lambda: chain.head_id().number, 'head="unsafe"')
    monitoring.gauge(name, description, lambda: chain.safe_id().number, 'head="safe"')
    monitoring.gauge(name, description, lambda: chain.finalized_id().number, 'head="finalized"')
    monitoring.gauge("phal2_pool_transactions", "Transactions in the pool.", lambda: len(chain.pending_transactions()))
    return monitoring


def monitor_node(node: RollupNode) -> Monitoring:
    """Return the metrics of a rollup node, and its readiness."""
    monitoring = monitor_chain(node, Monitoring(lambda: _not_ready_because(node)))
    monitoring.gauge(
        "phal2_l1_head_number",
        "Newest L1 block known.",
        lambda: -1 if (head := node.l1_tracker.head) is None else head.number,
    )
    monitoring.gauge(
        "phal2_l1_derived_number",
        "Last L1 block that derivation has processed.",
        lambda: -1 if (block := node.current_l1) is None else block.number,
    )
    name, description = "phal2_failing_seconds", "For how long every attempt has failed; 0 where the last succeeded."
    monitoring.gauge(name, description, lambda: node.l1_tracker.retries.failing_seconds, 'activity="following_l1"')
    monitoring.gauge(name, description, lambda: node.derivation.retries.failing_seconds, 'activity="derivation"')
    if node.sequencing is not None:
        sequencing = node.sequencing
        monitoring.gauge("phal2_sequencer_active", "1 while blocks are being built.", lambda: int(sequencing.is_active))
        seconds = monitoring.histogram(
            "phal2_block_building_seconds", "Time that building, sealing and storing a block took.", _BUILDING_BUCKETS
        )
        sequencing.after_building = seconds.observe
        monitoring.gauge(name, description, lambda: sequencing.retries.failing_seconds, 'activity="sequencing"')
    return monitoring


def _not_ready_because(node: RollupNode) -> str | None:
    if not node.tasks:
        return "the node has not started"
    if any(task.done() for task in node.tasks):
        return "a part of the node has stopped"
    head, derived = node.l1_tracker.head, node.current_l1
    if head is None:
        return "L1 has not answered yet"
    if derived is None:
        return "derivation has not processed an L1 block yet"
    if head.number - derived.number > _TOLERATED_L1_BLOCKS:
        return f"derivation is at L1 block {derived.number} of {head.number}"
    if (failing := node.l1_tracker.retries.failing_seconds) > _TOLERATED_OUTAGE_SECONDS:
        return f"L1 has not answered for {failing:.0f} s"
    if (failing := node.derivation.retries.failing_seconds) > _TOLERATED_OUTAGE_SECONDS:
        return f"derivation has failed for {failing:.0f} s; the log says why"
    return None
