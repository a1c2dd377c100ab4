"""Which blocks a simulation consists of: those asked for, and empty ones in the gaps between their numbers."""

from collections.abc import Sequence
from dataclasses import replace

from phal2.node.protocol.headers import Header
from phal2.node.rpc.block_overrides import BlockOverride
from phal2.node.rpc.errors import RpcError
from phal2.node.rpc.simulation.errors import BLOCK_NUMBER_INVALID, BLOCK_TIMESTAMP_INVALID, CLIENT_LIMIT_EXCEEDED
from phal2.node.rpc.simulation.request import MAXIMUM_BLOCKS, BlockCalls


def plan_blocks(base: Header, blocks: Sequence[BlockCalls], seconds_per_block: int) -> list[BlockCalls]:
    """Return the blocks to execute on `base`, each with its number and its timestamp, which rise from one to the next.

    Raises `RpcError` where what was asked for does not rise, or is too far away.
    """
    planned: list[BlockCalls] = []
    number, timestamp = base.number, base.timestamp
    for block in blocks:
        asked_for = block.block_override
        next_number = number + 1 if asked_for.number is None else asked_for.number
        if next_number <= number:
            raise RpcError(BLOCK_NUMBER_INVALID, f"block numbers must be in order: {next_number} <= {number}")
        if next_number - base.number > MAXIMUM_BLOCKS:
            raise RpcError(CLIENT_LIMIT_EXCEEDED, "too many blocks")
        for between in range(number + 1, next_number):
            timestamp += seconds_per_block
            planned.append(BlockCalls(BlockOverride(number=between, timestamp=timestamp)))
        earliest, number = timestamp, next_number
        timestamp = timestamp + seconds_per_block if asked_for.timestamp is None else asked_for.timestamp
        if timestamp <= earliest:
            message = f"block timestamps must be in order: {timestamp} <= {earliest}"
            raise RpcError(BLOCK_TIMESTAMP_INVALID, message)
        override = replace(asked_for, number=number, timestamp=timestamp)
        planned.append(replace(block, block_override=override))
    return planned
