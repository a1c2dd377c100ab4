"""The devnet: embedded L1, sequencer, batcher and follower in one process, started and stopped as one."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from phal2.bridge.batcher import Batcher, BatcherSettings
from phal2.bridge.migration.tree import MigrationTree
from phal2.bridge.migration.tree_file import read_tree
from phal2.devnet.accounts import DevAccount, accounts_of_mnemonic, role_account
from phal2.devnet.batching import RestartableBatcher
from phal2.devnet.deployment import L1Contracts, deploy_l1_contracts, planned_l1_contracts
from phal2.devnet.description import DevnetDescription
from phal2.devnet.development.chain import MOST_BLOCKS
from phal2.devnet.development.devnet_snapshots import DevnetSnapshots
from phal2.devnet.development.l1_chain import L1Development, Surroundings
from phal2.devnet.development.l2_chain import L2Development
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.record import DevnetRecord, discard_unfinished_start, read_record, write_record
from phal2.devnet.rollup import GENESIS_BASE_FEE, L2_CONTRACTS, DevnetRollup, devnet_rollup
from phal2.devnet.rollup_files import write_rollup_files
from phal2.devnet.servers import serve_l1, serve_l2
from phal2.devnet.settings import ETHER, DevnetSettings
from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.driver.clock import Clock
from phal2.node.driver.rollup_node import NodeSettings, RollupNode
from phal2.node.l1.client import L1Client
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.rpc.server import RpcServer
from phal2.node.state.genesis import GenesisAccount, genesis_state, l1_genesis_block
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L1Rules
from phal2.node.storage.directory_lock import DirectoryLock

ROLE_BALANCE: Final = 1_000_000 * ETHER
"""Balance on L1 of the batcher and of the deployer."""

_BATCHER_SETTINGS: Final = BatcherSettings(poll_interval_seconds=0.25, resubmission_seconds=6.0, settle_seconds=6.0)

Progress = Callable[[str], None]


class PartFailed(Phal2Error):
    """A part of the devnet that should run as long as the devnet does has ended."""


class Devnet:
    """A running devnet. Make it with `Devnet.start`, or as `async with await Devnet.start(…)`."""

    def __init__(
        self,
        description: DevnetDescription,
        clock: Clock,
        l1: EmbeddedL1,
        sequencer: RollupNode,
        follower: RollupNode,
        batcher: "asyncio.Task[None]",
        parts: AsyncExitStack,
    ) -> None:
        """Use `Devnet.start`."""
        self.description = description
        self.clock = clock
        self.l1 = l1
        self.sequencer = sequencer
        self.follower = follower
        self._batcher = batcher
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
        await _until(stop, (*self.l1.tasks, *self.sequencer.tasks, *self.follower.tasks, self._batcher))

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
class _Ground:
    """What every part of a starting devnet stands on; `parts` collects how to end what has begun."""

    settings: DevnetSettings
    data_dir: Path
    accounts: Sequence[DevAccount]
    clock: Clock
    progress: Progress
    parts: AsyncExitStack

    @property
    def balances(self) -> dict[bytes, int]:
        return {account.address: self.settings.balance for account in self.accounts}

    @property
    def owner(self) -> bytes:
        """The first account owns what has an owner on L1 and L2."""
        return self.accounts[0].address

    @property
    def is_durable(self) -> bool:
        return self.settings.data_dir is not None


@dataclass(frozen=True, slots=True)
class _RunningL1:
    """The embedded L1 with its server and a client; L2 begins at the block `start`."""

    chain: EmbeddedL1
    server: RpcServer
    client: L1Client
    contracts: L1Contracts
    start: L1BlockRef
    development: L1Development | None


@dataclass(frozen=True, slots=True)
class _RunningNode:
    """An L2 node with its server; a follower has no development methods."""

    node: RollupNode
    server: RpcServer
    development: L2Development | None


async def _start(settings: DevnetSettings, progress: Progress, parts: AsyncExitStack) -> Devnet:
    accounts = accounts_of_mnemonic(settings.mnemonic, settings.account_count)
    ground = _Ground(settings, _data_directory(settings.data_dir, parts), accounts, Clock(), progress, parts)
    migration_tree = None if settings.migration_tree is None else read_tree(settings.migration_tree)
    l1 = await _start_l1(ground)
    progress("L2: starting the sequencer")
    rollup = devnet_rollup(settings, ground.balances, ground.owner, l1.contracts, l1.start)
    sequencer = await _start_node(ground, l1, rollup, migration_tree, is_sequencer=True)
    progress("L2: starting the follower")
    follower = await _start_node(ground, l1, rollup, migration_tree, is_sequencer=False)
    if settings.data_dir is not None:
        write_rollup_files(settings.data_dir, rollup)
    progress("L2: starting the batcher")
    batcher, batching = _start_batcher(ground, l1.client, sequencer.server.url, rollup.config)
    progress("L2: waiting for the first block")
    # It is due a block time after the genesis, which may be long; the devnet's time goes there at once.
    ground.clock.reach(rollup.config.l2_genesis_time + rollup.config.block_time)
    await _first_block(sequencer.node, (*l1.chain.tasks, *sequencer.node.tasks, *follower.node.tasks, batching))
    _begin_development(ground, l1, sequencer, follower, batcher)
    description = DevnetDescription(
        l1_rpc_url=l1.server.url,
        l1_chain_id=settings.l1_chain_id,
        l1_contracts=l1.contracts.by_name(),
        l2_rpc_url=sequencer.server.url,
        l2_chain_id=settings.l2_chain_id,
        l2_contracts=L2_CONTRACTS,
        follower_rpc_url=follower.server.url,
        accounts=accounts,
        tee_root_der=SIMULATOR_ROOT_CA_DER,
    )
    return Devnet(description, ground.clock, l1.chain, sequencer.node, follower.node, batching, parts)


async def _start_l1(ground: _Ground) -> _RunningL1:
    """Open the embedded L1, serve it, and where it is new deploy the contracts."""
    settings, parts = ground.settings, ground.parts
    record = read_record(ground.data_dir, settings)
    ground.progress("L1: opening the chain")
    genesis_time = int(ground.clock.now()) if record is None else record.l1_genesis_time
    path = ground.data_dir / "l1"
    if record is None:
        discard_unfinished_start(ground.data_dir, path)
    chain = EmbeddedL1.open(
        path,
        _l1_genesis(ground, genesis_time),
        chain_id=settings.l1_chain_id,
        block_time=settings.l1_block_time,
        clock=ground.clock,
        state_retention=settings.state_retention,
        durable=ground.is_durable,
        # L2 follows L1's time block by block.
        longest_advance=MOST_BLOCKS * settings.l2_block_time,
    )
    parts.push_async_callback(chain.stop)
    development = L1Development(chain) if settings.development else None
    server = await serve_l1(chain, settings.host, settings.l1_port, ground.accounts, development, settings.rpc)
    parts.push_async_callback(server.stop)
    client = L1Client(server.url)
    parts.push_async_callback(client.close)
    deployer, treasury = role_account("deployer"), role_account("treasury")
    if record is None:
        ground.progress("L1: deploying the contracts")
        start = await deploy_l1_contracts(client, deployer, ground.owner, treasury.address, chain.mine)
        write_record(ground.data_dir, settings, DevnetRecord(genesis_time, start))
    else:
        start = record.l1_start
    await chain.start()
    return _RunningL1(chain, server, client, planned_l1_contracts(deployer.address), start, development)


def _l1_genesis(ground: _Ground, timestamp: int) -> ExecutedBlock:
    roles = {role_account(role).address: ROLE_BALANCE for role in ("deployer", "batcher")}
    balances = ground.balances | roles
    accounts = {address: GenesisAccount(balance=balance) for address, balance in balances.items()}
    settings = ground.settings
    state = genesis_state(L1_SYSTEM_CONTRACTS | accounts)
    return l1_genesis_block(L1Rules(settings.l1_chain_id), state, timestamp, settings.l1_gas_limit, GENESIS_BASE_FEE)


async def _start_node(
    ground: _Ground, l1: _RunningL1, rollup: DevnetRollup, migration_tree: MigrationTree | None, *, is_sequencer: bool
) -> _RunningNode:
    settings = ground.settings
    node_settings = NodeSettings(
        data_dir=ground.data_dir / ("l2" if is_sequencer else "follower"),
        l1_url=l1.server.url,
        is_sequencer=is_sequencer,
        is_durable=ground.is_durable,
        state_retention=settings.state_retention,
    )
    node = RollupNode(node_settings, rollup.config, rollup.genesis_block, ground.clock)
    ground.parts.push_async_callback(node.stop)
    if is_sequencer:
        # The time of an earlier run may have been ahead of wall time, and it never goes back.
        ground.clock.reach(node.heads.unsafe.timestamp)
    port = settings.l2_port if is_sequencer else settings.follower_port
    development = None
    if is_sequencer and settings.development:
        development = L2Development(node, l1.chain, ground.clock, allow_state_edits=settings.allow_state_edits)
    server = await serve_l2(node, migration_tree, settings.host, port, ground.accounts, development, settings.rpc)
    ground.parts.push_async_callback(server.stop)
    await node.start()
    return _RunningNode(node, server, development)


def _start_batcher(
    ground: _Ground, l1: L1Client, l2_url: str, config: RollupConfig
) -> "tuple[RestartableBatcher, asyncio.Task[None]]":
    l2 = JsonRpcClient(l2_url)
    ground.parts.push_async_callback(l2.close)
    private_key = role_account("batcher").private_key
    batcher = RestartableBatcher(lambda: Batcher(l1, l2, config, private_key, _BATCHER_SETTINGS))
    task = asyncio.create_task(batcher.run())
    ground.parts.push_async_callback(_cancel, task)
    return batcher, task


def _begin_development(
    ground: _Ground, l1: _RunningL1, sequencer: _RunningNode, follower: _RunningNode, batcher: RestartableBatcher
) -> None:
    """Let the development methods know of the whole devnet, now that it is up."""
    if l1.development is None or sequencer.development is None:
        return
    snapshots = DevnetSnapshots(
        l1.development, sequencer.node, (follower.node,), ground.clock, batcher, role_account("batcher").address
    )
    sequencer.development.snapshots = snapshots
    l1.development.surroundings = Surroundings(l1.start.number, snapshots.follow_l1, sequencer.development.reset)
    sequencer.development.set_automine(ground.settings.automine)


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
        raise PartFailed(f"a part of the devnet has ended: {task.exception()}") from task.exception()


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
