"""Channels that were handed to L1, until derivation has taken their blocks."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from phal2.bridge.batcher.errors import LostChannel
from phal2.bridge.chain_access.l2_source import SyncStatus
from phal2.node.protocol.block_refs import BlockId


@dataclass(frozen=True, slots=True)
class PostedChannel:
    """A closed channel: its last L2 block, its transactions not yet mined by nonce, the last L1 block of the others."""

    last_block: BlockId
    open_nonces: frozenset[int]
    l1_block: int = 0


class PostedChannels:
    """The posted channels in the order of their blocks."""

    def __init__(self, lost_after: int) -> None:
        """A channel is lost where derivation is `lost_after` L1 blocks past it without having taken it."""
        self._lost_after = lost_after
        self._channels: list[PostedChannel] = []

    def __len__(self) -> int:
        return len(self._channels)

    def add(self, last_block: BlockId, nonces: Iterable[int]) -> None:
        """Note a channel that ends with the L2 block `last_block` and is carried by the transactions of `nonces`."""
        self._channels.append(PostedChannel(last_block, frozenset(nonces)))

    def note_mined(self, nonce: int, l1_block: int) -> None:
        """Note that the transaction of `nonce` is in the L1 block of this number."""
        self._channels = [
            replace(channel, open_nonces=channel.open_nonces - {nonce}, l1_block=max(channel.l1_block, l1_block))
            if nonce in channel.open_nonces
            else channel
            for channel in self._channels
        ]

    def drop_safe(self, status: SyncStatus) -> None:
        """Forget the channels whose blocks are safe; raise `LostChannel` where derivation has gone past one."""
        safe = status.safe_l2.number
        self._channels = [channel for channel in self._channels if channel.last_block.number > safe]
        for channel in self._channels:
            if not channel.open_nonces and status.current_l1.number >= channel.l1_block + self._lost_after:
                raise LostChannel(
                    f"derivation has read L1 block {status.current_l1.number}, but the channel of L1 block "
                    f"{channel.l1_block} with the L2 blocks to {channel.last_block.number} was not taken: "
                    f"the safe head is {safe}"
                )

    def clear(self) -> None:
        """Forget all channels."""
        self._channels.clear()
