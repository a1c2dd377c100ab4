"""Compares an unsafe block with what derivation says (OP Stack "Derivation", payload consolidation)."""

from phal2.node.protocol.headers import Block
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.state.environment import BlockEnvironment


def differs_from_attributes(block: Block, environment: BlockEnvironment, attributes: PayloadAttributes) -> str | None:
    """Return what of an unsafe `block` differs from derived `attributes`, or None where the block fulfils them.

    `environment` is the one that the attributes give on the safe head, the block's expected parent.
    """
    header = block.header
    expectations = (
        ("parent hash", header.parent_hash, environment.parent_hash),
        ("timestamp", header.timestamp, environment.timestamp),
        ("prevRandao", header.prev_randao, environment.prev_randao),
        ("fee recipient", header.coinbase, environment.coinbase),
        ("gas limit", header.gas_limit, environment.gas_limit),
        ("parent beacon block root", header.parent_beacon_block_root, environment.parent_beacon_block_root),
        ("extra data", header.extra_data, environment.extra_data),
        ("transactions", block.transactions, attributes.transactions),
    )
    for name, found, expected in expectations:
        if found != expected:
            return name
    return None
