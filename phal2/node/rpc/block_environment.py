"""In which block a call runs: a stored block's own environment, or the next block's for the tag "pending"."""

from phal2.node.protocol.headers import Header
from phal2.node.rpc.block_reference import BlockReference, require_header
from phal2.node.rpc.chain_service import ChainService
from phal2.node.state.environment import BlockEnvironment


def call_context(chain: ChainService, reference: BlockReference) -> tuple[BlockEnvironment, bytes]:
    """Return the environment and the state root for a call at a block: the state after it, its own number and time.

    Raises `RpcError` where the block is not known.
    """
    header = require_header(chain, reference)
    if reference.tag == "pending":
        return chain.pending_environment(), header.state_root
    return environment_of(header), header.state_root


def environment_of(header: Header) -> BlockEnvironment:
    """Return the environment that a sealed block was executed in."""
    return BlockEnvironment(
        parent_hash=header.parent_hash,
        number=header.number,
        timestamp=header.timestamp,
        coinbase=header.coinbase,
        gas_limit=header.gas_limit,
        base_fee_per_gas=header.base_fee_per_gas or 0,
        prev_randao=header.prev_randao,
        parent_beacon_block_root=header.parent_beacon_block_root,
        excess_blob_gas=header.excess_blob_gas,
        extra_data=header.extra_data,
    )
