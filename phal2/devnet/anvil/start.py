"""Starts an anvil as the L1 of a devnet: as a child process, funded, with the contracts deployed where it is new."""

from pathlib import Path
from typing import Final

from phal2.contracts import load_artefact
from phal2.devnet.anvil.controls import AnvilControls
from phal2.devnet.anvil.process import AnvilProcess, find_anvil
from phal2.devnet.deployment import MULTICALL3, planned_l1_contracts
from phal2.devnet.founding import found_rollup, founded_rollup
from phal2.devnet.ground import DEPLOYER, ROLE_BALANCE, SENDING_ROLES, Ground
from phal2.devnet.l1.sealing import SAFE_DISTANCE
from phal2.devnet.record import DevnetRecord, discard_unfinished_start, read_record, write_record
from phal2.devnet.rollup import GENESIS_BASE_FEE
from phal2.devnet.running_l1 import RunningL1, require_start
from phal2.node.driver.lasting_tasks import begin_task, end_task
from phal2.node.l1.client import L1Client

_STATE_SECONDS: Final = 5
"""How often anvil writes its chain down where it is to be kept."""


async def start_anvil(ground: Ground) -> RunningL1:
    """Start anvil, fund the accounts, and where the chain is new deploy the contracts.

    Raises `AnvilMissing`, `AnvilFailed`, `EndpointError`, `DataDirectoryError` and `DeploymentError`.
    """
    settings, parts = ground.settings, ground.parts
    record = read_record(ground.data_dir, settings)
    program = find_anvil(settings.anvil)
    ground.progress(f"L1: starting {program}")
    path = ground.data_dir / "l1"
    if record is None:
        discard_unfinished_start(ground.data_dir, path)
    path.mkdir(parents=True, exist_ok=True)
    genesis_time = int(ground.clock.now()) if record is None else record.l1_genesis_time
    process = await AnvilProcess.start(program, _options(ground, path, genesis_time))
    parts.push_async_callback(process.stop)
    client = L1Client(process.url)
    parts.push_async_callback(client.close)
    # A line for each request is of no use to anybody here.
    await client.rpc.call("anvil_setLoggingEnabled", False)
    senders = [ground.roles.account(role).address for role in SENDING_ROLES]
    controls = AnvilControls(client, ground.clock, senders)
    if record is None:
        await fund(client, ground)
        multicall = load_artefact("Multicall3").deployed_bytecode
        await client.rpc.call("anvil_setCode", f"0x{MULTICALL3.hex()}", f"0x{multicall.hex()}")
        start, rollup = await found_rollup(ground, client, lambda: client.rpc.call("evm_mine"))
        write_record(ground.data_dir, settings, DevnetRecord(genesis_time, start))
    else:
        start = record.l1_start
        await require_start(client, start, path)
        rollup = founded_rollup(ground, start)
    keeping_time = begin_task("the watch over L1's time", controls.keep_time())
    parts.push_async_callback(end_task, keeping_time)
    tasks = (process.task, keeping_time)
    offered = controls if settings.development else None
    contracts = planned_l1_contracts(ground.roles.account(DEPLOYER).address)
    return RunningL1(process.url, client, contracts, start, rollup, tasks, offered, ground.roles)


async def fund(client: L1Client, ground: Ground) -> None:
    """Give the dev accounts and the devnet's roles what they have on an embedded L1. Raises `EndpointError`."""
    roles = {ground.roles.account(role).address: ROLE_BALANCE for role in (DEPLOYER, *SENDING_ROLES)}
    portal = planned_l1_contracts(ground.roles.account(DEPLOYER).address).optimism_portal
    balances = ground.balances | roles | {portal: ground.l2_ether}
    await client.rpc.batch(
        [("anvil_setBalance", [f"0x{address.hex()}", hex(balance)]) for address, balance in balances.items()]
    )


def _options(ground: Ground, path: Path, genesis_time: int) -> list[str]:
    settings = ground.settings
    options = {
        "host": settings.host,
        "port": settings.l1_port,
        "chain-id": settings.l1_chain_id,
        "block-time": settings.l1_block_time,
        "gas-limit": settings.l1_gas_limit,
        "mnemonic": settings.mnemonic,
        "accounts": settings.account_count,
        "timestamp": genesis_time,
        "hardfork": "prague",
        "base-fee": GENESIS_BASE_FEE,
        # anvil's safe block is an epoch behind the newest, its finalized block two.
        "slots-in-an-epoch": SAFE_DISTANCE,
        "cache-path": path / "states",
        "color": "never",
    }
    if ground.is_durable:
        options |= {"state": path / "anvil.json", "state-interval": _STATE_SECONDS}
    flags = ["--no-request-size-limit"]
    if ground.is_durable:
        flags.append("--preserve-historical-states")
    return [*(f"--{name}={value}" for name, value in options.items()), *flags]
