"""The devnet: L1, sequencer, batcher, follower and proposer in one process, started and stopped as one."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Final

from phal2.bridge.batcher import Batcher, BatcherSettings, DataAvailability
from phal2.bridge.migration.tree import MigrationTree
from phal2.bridge.migration.tree_file import read_tree
from phal2.devnet.accounts import accounts_of_mnemonic
from phal2.devnet.description import DevnetDescription
from phal2.devnet.development.devnet_snapshots import DevnetSnapshots
from phal2.devnet.development.l2_chain import L2Development
from phal2.devnet.ground import BATCHER, Ground, Progress
from phal2.devnet.proposing import start_proposer
from phal2.devnet.restartable import RestartablePart
from phal2.devnet.rollup import L2_CONTRACTS, DevnetRollup
from phal2.devnet.rollup_files import write_rollup_files
from phal2.devnet.running_l1 import RunningL1
from phal2.devnet.servers import serve_l2
from phal2.devnet.settings import ANVIL, DevnetSettings
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.driver.clock import Clock
from phal2.node.driver.lasting_tasks import begin_task, end_task, why_ended
from phal2.node.driver.rollup_node import NodeSettings, RollupNode
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.l1.kzg import KzgWorker
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.rpc.server import RpcServer
from phal2.node.storage.directory_lock import DirectoryLock

_BATCHER_SETTINGS: Final = BatcherSettings(poll_interval_seconds=0.25, resubmission_seconds=6.0, settle_seconds=6.0)


class PartFailed(Phal2Error):
    """A part of the devnet that should run as long as the devnet does has ended."""


class Devnet:
    """A running devnet. Make it with `Devnet.start`, or as `async with await Devnet.start(…)`."""

    def __init__(
        self,
        description: DevnetDescription,
        clock: Clock,
        l1: RunningL1,
        sequencer: RollupNode,
        follower: RollupNode,
        senders: "Sequence[asyncio.Task[None]]",
        parts: AsyncExitStack,
    ) -> None:
        """Use `Devnet.start`."""
        self.description = description
        self.clock = clock
        self.l1 = l1
        self.sequencer = sequencer
        self.follower = follower
        self._senders = senders
        self._parts = parts

    @classmethod
    async def start(cls, settings: DevnetSettings, progress: Progress = lambda _: None) -> "Devnet":
        """Start all parts and return once the first L2 block is there.

        `progress` is told each step. Raises a `Phal2Error` (a taken port, an unusable data directory, …); then nothing
        is left running.
        """
        parts = AsyncExitStack()
        try:
            return await _start(settings, progress, parts)
        except BaseException:
            await parts.aclose()
            raise

    async def run_until(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set; raise `PartFailed` where a part ends before that."""
        await _until(stop, (*self.l1.tasks, *self.sequencer.tasks, *self.follower.tasks, *self._senders))

    async def stop(self) -> None:
        """End all parts, the newest first, and wait for them."""
        await self._parts.aclose()

    async def __aenter__(self) -> "Devnet":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()


@dataclass(frozen=True, slots=True)
class _RunningNode:
    """An L2 node with its server; a follower has no development methods."""

    node: RollupNode
    server: RpcServer
    development: L2Development | None


async def _start(settings: DevnetSettings, progress: Progress, parts: AsyncExitStack) -> Devnet:
    if settings.is_on_external_l1:
        from phal2.devnet.external_l1 import settings_for_l1

        settings = await settings_for_l1(settings)
    accounts = accounts_of_mnemonic(settings.mnemonic, settings.account_count)
    kzg = KzgWorker()
    parts.push_async_callback(kzg.close)
    ground = Ground(settings, _data_directory(settings.data_dir, parts), accounts, Clock(), progress, parts, kzg)
    migration_tree = None if settings.migration_tree is None else read_tree(settings.migration_tree)
    l1 = await _start_l1(ground)
    progress("L2: starting the sequencer")
    rollup = l1.rollup
    sequencer = await _start_node(ground, l1, rollup, migration_tree)
    progress("L2: starting the follower")
    follower = await _start_node(ground, l1, rollup, migration_tree, sequencer.server.url)
    if settings.data_dir is not None:
        write_rollup_files(settings.data_dir, rollup)
    senders: list[RestartablePart] = []
    sending: list[asyncio.Task[None]] = []
    if settings.batcher:
        progress("L2: starting the batcher")
        batcher, batching = _start_batcher(ground, l1, sequencer.server.url, rollup.config)
        senders.append(batcher)
        sending.append(batching)
    progress("L2: waiting for the first block")
    # It is due a block time after the genesis, which may be long; the devnet's time goes there at once.
    ground.clock.reach(rollup.config.l2_genesis_time + rollup.config.block_time)
    await _first_block(sequencer.node, (*l1.tasks, *sequencer.node.tasks, *follower.node.tasks, *sending))
    if settings.proposer:
        proposer, proposing = start_proposer(ground, l1, follower.server.url)
        senders.append(proposer)
        sending.append(proposing)
    await _begin_development(ground, l1, sequencer, follower, senders)
    description = DevnetDescription(
        l1_rpc_url=l1.url,
        l1_chain_id=settings.l1_chain_id,
        l1_contracts=l1.contracts.by_name(),
        l2_rpc_url=sequencer.server.url,
        l2_chain_id=settings.l2_chain_id,
        l2_contracts=L2_CONTRACTS,
        follower_rpc_url=follower.server.url,
        accounts=accounts,
        tee_root_der=SIMULATOR_ROOT_CA_DER,
    )
    return Devnet(description, ground.clock, l1, sequencer.node, follower.node, sending, parts)


async def _start_l1(ground: Ground) -> RunningL1:
    # Each brings much that the other does without.
    if ground.settings.l1 == ANVIL:
        from phal2.devnet.anvil.start import start_anvil

        return await start_anvil(ground)
    if ground.settings.is_on_external_l1:
        from phal2.devnet.external_l1 import start_on_external_l1

        return await start_on_external_l1(ground)
    from phal2.devnet.embedded_start import start_embedded_l1

    return await start_embedded_l1(ground)


async def _start_node(
    ground: Ground,
    l1: RunningL1,
    rollup: DevnetRollup,
    migration_tree: MigrationTree | None,
    sequencer_url: str | None = None,
) -> _RunningNode:
    """Start the sequencer, or with the URL of one a follower that hands transactions on to it."""
    settings, is_sequencer = ground.settings, sequencer_url is None
    node_settings = NodeSettings(
        data_dir=ground.data_dir / ("l2" if is_sequencer else "follower"),
        l1_url=l1.url,
        l1_beacon_url=settings.l1_beacon,
        is_sequencer=is_sequencer,
        is_durable=ground.is_durable,
        state_retention=settings.state_retention,
        l1_may_rewind=True,
        sequencer_url=sequencer_url,
    )
    node = RollupNode(node_settings, rollup.config, rollup.genesis_block, ground.clock, ground.kzg)
    ground.parts.push_async_callback(node.stop)
    if is_sequencer:
        # The time of an earlier run may have been ahead of wall time, and it never goes back.
        ground.clock.reach(node.heads.unsafe.timestamp)
    port = settings.l2_port if is_sequencer else settings.follower_port
    development = None
    if is_sequencer and settings.development:
        development = L2Development(node, l1.controls, ground.clock, allow_state_edits=settings.allow_state_edits)
    server = await serve_l2(node, migration_tree, settings.host, port, ground.accounts, development, settings.rpc)
    ground.parts.push_async_callback(server.stop)
    await node.start()
    return _RunningNode(node, server, development)


def _start_batcher(
    ground: Ground, l1: RunningL1, l2_url: str, config: RollupConfig
) -> "tuple[RestartablePart, asyncio.Task[None]]":
    l2 = JsonRpcClient(l2_url)
    ground.parts.push_async_callback(l2.close)
    private_key = l1.roles.account(BATCHER).private_key
    settings = replace(_BATCHER_SETTINGS, data_availability=DataAvailability(ground.settings.data_availability))
    batcher = RestartablePart(lambda: Batcher(l1.client, l2, config, private_key, settings, kzg=ground.kzg))
    task = begin_task("the batcher", batcher.run())
    ground.parts.push_async_callback(end_task, task)
    return batcher, task


async def _begin_development(
    ground: Ground,
    l1: RunningL1,
    sequencer: _RunningNode,
    follower: _RunningNode,
    senders: Sequence[RestartablePart],
) -> None:
    """Let the development methods know of the whole devnet, now that it is up."""
    development = sequencer.development
    if development is None:
        return
    if l1.controls is not None:
        snapshots = await DevnetSnapshots.begin(l1.controls, sequencer.node, (follower.node,), senders)
        development.snapshots = snapshots
        l1.controls.surround(l1.start.number, snapshots.follow_l1, development.reset)
    development.set_automine(ground.settings.automine)


def _data_directory(asked_for: Path | None, parts: AsyncExitStack) -> Path:
    if asked_for is None:
        temporary = tempfile.TemporaryDirectory(prefix="phal2-", ignore_cleanup_errors=True)
        parts.callback(temporary.cleanup)
        return Path(temporary.name)
    # Two first starts at once would each take the other's chain for one that was left unfinished.
    lock = DirectoryLock(asked_for)
    parts.callback(lock.release)
    return asked_for


async def _first_block(sequencer: RollupNode, parts: "Sequence[asyncio.Task[None]]") -> None:
    built = asyncio.Event()
    end = sequencer.on_new_head(lambda _: built.set())
    try:
        if sequencer.heads.unsafe.number == sequencer.config.l2_genesis.number:
            await _until(built, parts)
    finally:
        end()


async def _until(event: asyncio.Event, parts: "Sequence[asyncio.Task[None]]") -> None:
    """Return when `event` is set; raise `PartFailed` where a part ends before that."""
    waiting = asyncio.ensure_future(event.wait())
    try:
        ended, _ = await asyncio.wait((waiting, *parts), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    for task in ended - {waiting}:
        raise PartFailed(f"a part of the devnet has ended, {task.get_name()}: {why_ended(task)}")
