"""Snapshots of a whole devnet: L1, sequencer, follower and time, which go back together."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from phal2.devnet.development.l1_controls import L1Controls, L1Snapshot
from phal2.devnet.development.snapshots import ChainSnapshot, Snapshots, chain_snapshot, refill, require_kept
from phal2.devnet.restartable import RestartablePart
from phal2.node.driver.l2_chain import HeadRefs
from phal2.node.driver.rollup_node import RollupNode

log = logging.getLogger("phal2.devnet")


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """An L2 node: its heads, and its chain with the pool."""

    heads: HeadRefs
    chain: ChainSnapshot


@dataclass(frozen=True, slots=True)
class DevnetSnapshot:
    """The devnet at a moment; `nodes` in the order of the devnet's."""

    l1: L1Snapshot
    nodes: tuple[NodeSnapshot, ...]


class DevnetSnapshots:
    """Takes snapshots and returns to them. Make it with `begin`, whose moment is the start."""

    def __init__(
        self,
        l1: L1Controls,
        sequencer: RollupNode,
        followers: Sequence[RollupNode],
        senders: Sequence[RestartablePart],
    ) -> None:
        """Use `begin`. `senders` act on L1 by what they see of L1 and L2."""
        self._l1 = l1
        self._sequencer = sequencer
        self._nodes = (sequencer, *followers)
        self._senders = senders
        self._snapshots: Snapshots[DevnetSnapshot] = Snapshots()
        self._start: DevnetSnapshot | None = None

    @classmethod
    async def begin(
        cls,
        l1: L1Controls,
        sequencer: RollupNode,
        followers: Sequence[RollupNode],
        senders: Sequence[RestartablePart],
    ) -> "DevnetSnapshots":
        """Note the devnet's present state as its start."""
        snapshots = cls(l1, sequencer, followers, senders)
        snapshots._start = await snapshots._take()
        return snapshots

    async def snapshot(self) -> int:
        """Note the present state of the devnet and return the snapshot's number."""
        return self._snapshots.add(await self._take())

    async def revert(self, number: int) -> bool:
        """Return to a snapshot, which is used up with all later ones; False where there is none of this number.

        Raises `SnapshotPruned` with nothing changed.
        """
        snapshot = self._snapshots.find(number)
        if snapshot is None:
            return False
        await self._return_to(snapshot)
        self._snapshots.use_up(number)
        return True

    async def reset(self) -> None:
        """Return to the start. Raises `SnapshotPruned` with nothing changed."""
        if self._start is None:
            raise LookupError("the start of the devnet was not noted")
        await self._return_to(self._start)
        self._snapshots.use_up(0)

    async def follow_l1(self) -> None:
        """Have all L2 parts look at L1 anew at once, after it has been reorganised."""
        async with self._senders_held():
            for node in self._nodes:
                node.derivation.request_reset("the development methods have reorganised L1")

    @asynccontextmanager
    async def _senders_held(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            for sender in self._senders:
                await held.enter_async_context(sender.held())
            yield

    async def _take(self) -> DevnetSnapshot:
        # L1 first: so its blocks hold no batch of an L2 block above the noted heads. Heads that rest on an L1 block
        # sealed in between go back to what rests on L1, as derivation begins anew after a return.
        l1 = await self._l1.take_snapshot()
        return DevnetSnapshot(l1, tuple(map(_node_snapshot, self._nodes)))

    async def _return_to(self, snapshot: DevnetSnapshot) -> None:
        snapshot.l1.require_kept()
        for node, noted in zip(self._nodes, snapshot.nodes, strict=True):
            require_kept(node.store, noted.heads.unsafe.id)
        sequencing = self._sequencer.sequencing
        was_active = sequencing is not None and sequencing.is_active
        async with AsyncExitStack() as held:
            # No part may act on what the others no longer have.
            await held.enter_async_context(self._senders_held())
            if sequencing is not None and was_active:
                sequencing.stop()
                held.callback(sequencing.start)
            for node in self._nodes:
                await held.enter_async_context(node.derivation.held())
            await snapshot.l1.return_to()
            for node, noted in zip(self._nodes, snapshot.nodes, strict=True):
                await _return_node_to(node, noted)
        log.info("the devnet has returned to L2 block %d", snapshot.nodes[0].heads.unsafe.number)


def _node_snapshot(node: RollupNode) -> NodeSnapshot:
    heads = node.heads
    return NodeSnapshot(heads, chain_snapshot(node.store, heads.unsafe.id, node.pending_transactions()))


async def _return_node_to(node: RollupNode, noted: NodeSnapshot) -> None:
    def step() -> None:
        node.chain.go_back(noted.heads)
        node.store.undo_edits(noted.chain.head, noted.chain.state_location)

    await node.chain.run(step)
    if node.mempool is not None:
        refill(node.mempool, noted.chain.pool, node.chain.state_at_head())
