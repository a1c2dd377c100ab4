"""The devnet: embedded L1, sequencer, batcher and follower in one process, started and stopped as one."""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final

from phal2.bridge.batcher import Batcher, BatcherSettings
from phal2.bridge.migration.tree_file import read_tree
from phal2.devnet.accounts import accounts_of_mnemonic, role_account
from phal2.devnet.deployment import deploy_l1_contracts, planned_l1_contracts
from phal2.devnet.description import DevnetDescription
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.l2_evm_namespace import LONGEST_ADVANCE_BLOCKS
from phal2.devnet.record import DataDirectoryError, DevnetRecord, discard_unfinished_start, read_record, write_record
from phal2.devnet.rollup import GENESIS_BASE_FEE, L2_CONTRACTS, devnet_rollup
from phal2.devnet.rollup_files import write_rollup_files
from phal2.devnet.servers import serve_l1, serve_l2
from phal2.devnet.settings import ETHER, DevnetSettings
from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.driver.clock import Clock
from phal2.node.driver.rollup_node import NodeSettings, RollupNode
from phal2.node.l1.client import L1Client
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.errors import Phal2Error
from phal2.node.state.genesis import GenesisAccount, genesis_state, l1_genesis_block
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


async def _start(settings: DevnetSettings, progress: Progress, parts: AsyncExitStack) -> Devnet:
    accounts = accounts_of_mnemonic(settings.mnemonic, settings.account_count)
    owner, balances = accounts[0].address, {account.address: settings.balance for account in accounts}
    deployer, treasury, batcher_account = (role_account(role) for role in ("deployer", "treasury", "batcher"))
    data_dir = _data_directory(settings.data_dir, parts)
    record = read_record(data_dir, settings)
    migration_tree = None if settings.migration_tree is None else read_tree(settings.migration_tree)
    clock = Clock()

    progress("L1: opening the chain")
    l1_genesis_time = int(clock.now()) if record is None else record.l1_genesis_time
    roles = {account.address: ROLE_BALANCE for account in (deployer, batcher_account)}
    l1_accounts = {address: GenesisAccount(balance=balance) for address, balance in (balances | roles).items()}
    l1_rules = L1Rules(settings.l1_chain_id)
    l1_state = genesis_state(L1_SYSTEM_CONTRACTS | l1_accounts)
    l1_genesis = l1_genesis_block(l1_rules, l1_state, l1_genesis_time, settings.l1_gas_limit, GENESIS_BASE_FEE)
    l1_path = data_dir / "l1"
    if record is None:
        discard_unfinished_start(data_dir, l1_path)
    l1 = EmbeddedL1.open(
        l1_path,
        l1_genesis,
        chain_id=settings.l1_chain_id,
        block_time=settings.l1_block_time,
        clock=clock,
        durable=settings.data_dir is not None,
        # L2 follows L1's time block by block.
        longest_advance=LONGEST_ADVANCE_BLOCKS * settings.l2_block_time,
    )
    parts.push_async_callback(l1.stop)
    l1_server = await serve_l1(l1, settings.host, settings.l1_port, accounts)
    parts.push_async_callback(l1_server.stop)
    l1_client = L1Client(l1_server.url)
    parts.push_async_callback(l1_client.close)

    contracts = planned_l1_contracts(deployer.address)
    if record is None:
        progress("L1: deploying the contracts")
        l1_start = await deploy_l1_contracts(l1_client, deployer, owner, treasury.address, l1.mine)
        write_record(data_dir, settings, DevnetRecord(l1_genesis_time, l1_start))
    else:
        l1_start = record.l1_start
    await l1.start()

    progress("L2: starting the sequencer")
    rollup = devnet_rollup(settings, balances, owner, contracts, l1_start)
    config = rollup.config
    nodes = []
    for name, is_sequencer, port in (("l2", True, settings.l2_port), ("follower", False, settings.follower_port)):
        if not is_sequencer:
            progress("L2: starting the follower")
        node_settings = NodeSettings(
            data_dir / name, l1_server.url, is_sequencer, is_durable=settings.data_dir is not None
        )
        node = RollupNode(node_settings, config, rollup.genesis_block, clock)
        parts.push_async_callback(node.stop)
        if is_sequencer:
            # The time of an earlier run may have been ahead of wall time, and it never goes back.
            clock.reach(node.heads.unsafe.timestamp)
        server = await serve_l2(node, l1, clock, migration_tree, settings.host, port, accounts)
        parts.push_async_callback(server.stop)
        await node.start()
        nodes.append((node, server))
    (sequencer, l2_server), (follower, follower_server) = nodes
    if settings.data_dir is not None:
        write_rollup_files(data_dir, rollup)

    progress("L2: starting the batcher")
    l2_client = JsonRpcClient(l2_server.url)
    parts.push_async_callback(l2_client.close)
    batcher = Batcher(l1_client, l2_client, config, batcher_account.private_key, _BATCHER_SETTINGS)
    batcher_task = asyncio.create_task(batcher.run())
    parts.push_async_callback(_cancel, batcher_task)

    progress("L2: waiting for the first block")
    # It is due a block time after the genesis, which may be long; the devnet's time goes there at once.
    clock.reach(config.l2_genesis_time + config.block_time)
    await _first_block(sequencer, (*l1.tasks, *sequencer.tasks, *follower.tasks, batcher_task))
    description = DevnetDescription(
        l1_rpc_url=l1_server.url,
        l1_chain_id=settings.l1_chain_id,
        l1_contracts=contracts.by_name(),
        l2_rpc_url=l2_server.url,
        l2_chain_id=settings.l2_chain_id,
        l2_contracts=L2_CONTRACTS,
        follower_rpc_url=follower_server.url,
        accounts=accounts,
        tee_root_der=SIMULATOR_ROOT_CA_DER,
    )
    return Devnet(description, clock, l1, sequencer, follower, batcher_task, parts)


def _data_directory(asked_for: Path | None, parts: AsyncExitStack) -> Path:
    if asked_for is None:
        temporary = tempfile.TemporaryDirectory(prefix="phal2-", ignore_cleanup_errors=True)
        parts.callback(temporary.cleanup)
        return Path(temporary.name)
    try:
        asked_for.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryError(f"the data directory {asked_for} cannot be made: {error}") from error
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
