"""Starts the embedded L1 of a devnet: its genesis, its server, and where the chain is new the contracts."""

from collections.abc import Awaitable, Callable
from typing import Final

from phal2.devnet.deployment import planned_l1_contracts
from phal2.devnet.development.chain import MOST_BLOCKS
from phal2.devnet.development.embedded_controls import EmbeddedL1Controls
from phal2.devnet.development.l1_chain import L1Development
from phal2.devnet.founding import found_rollup, founded_rollup
from phal2.devnet.ground import DEPLOYER, ROLE_BALANCE, SENDING_ROLES, Ground
from phal2.devnet.l1 import EmbeddedL1
from phal2.devnet.preinstalls import preinstalled_accounts
from phal2.devnet.record import DevnetRecord, discard_unfinished_start, read_record, write_record
from phal2.devnet.rollup import GENESIS_BASE_FEE
from phal2.devnet.running_l1 import RunningL1
from phal2.devnet.servers import serve_l1
from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.l1.client import L1Client
from phal2.node.protocol.addresses import ZERO_ADDRESS
from phal2.node.protocol.block_refs import BlockId
from phal2.node.state.genesis import GenesisAccount, genesis_state, l1_genesis_block
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L1Rules

_FOUNDING_SECONDS: Final = 3
"""How long before the start the rollup is founded, a block a second. It takes two blocks, on a busy machine three."""


async def start_embedded_l1(ground: Ground) -> RunningL1:
    """Open the embedded L1, serve it, and where it is new deploy the contracts."""
    settings, parts = ground.settings, ground.parts
    record = read_record(ground.data_dir, settings)
    ground.progress("L1: opening the chain")
    genesis_time = _new_genesis_time(ground) if record is None else record.l1_genesis_time
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
        blob_retention=settings.blob_retention,
        kzg=ground.kzg,
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
    if record is None:
        start, rollup = await found_rollup(ground, client, _sealing_each_second(chain))
        write_record(ground.data_dir, settings, DevnetRecord(genesis_time, start))
    else:
        start = record.l1_start
        rollup = founded_rollup(ground, start)
    await chain.start()
    senders = [ground.roles.account(role).address for role in SENDING_ROLES]
    controls = None if development is None else EmbeddedL1Controls(chain, development, senders)
    contracts = planned_l1_contracts(ground.roles.account(DEPLOYER).address)
    return RunningL1(server.url, client, contracts, start, rollup, chain.tasks, controls, ground.roles)


def _new_genesis_time(ground: Ground) -> int:
    """Return a time so far back that no block of the founding, nor L2's first block, is ahead of wall time.

    Clients hold the times of blocks against their own clock: a proof of the future is to be waited for.
    """
    return int(ground.clock.now()) - _FOUNDING_SECONDS - ground.settings.l2_block_time


def _sealing_each_second(chain: EmbeddedL1) -> Callable[[], Awaitable[BlockId]]:
    async def seal() -> BlockId:
        head = chain.store.header(chain.head_id().hash)
        return await chain.mine(None if head is None else head.timestamp + 1)

    return seal


def _l1_genesis(ground: Ground, timestamp: int) -> ExecutedBlock:
    roles = {ground.roles.account(role).address: ROLE_BALANCE for role in (DEPLOYER, *SENDING_ROLES)}
    portal = planned_l1_contracts(ground.roles.account(DEPLOYER).address).optimism_portal
    # On public chains the zero address has ether, and clients estimate calls with value from it (viem's
    # buildInitiateWithdrawal), which fails where it has none.
    balances = ground.balances | roles | {portal: ground.l2_ether, ZERO_ADDRESS: ROLE_BALANCE}
    accounts = {address: GenesisAccount(balance=balance) for address, balance in balances.items()}
    settings = ground.settings
    state = genesis_state(L1_SYSTEM_CONTRACTS | preinstalled_accounts() | accounts)
    return l1_genesis_block(L1Rules(settings.l1_chain_id), state, timestamp, settings.l1_gas_limit, GENESIS_BASE_FEE)
