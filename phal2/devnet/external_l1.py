"""A devnet on an L1 that somebody else runs: reached by its URL, paid for with a funded key.

An anvil is funded by its own methods, and goes along with the devnet's time and snapshots; any other L1 takes ordinary
transactions alone.
"""

import asyncio
import secrets
from dataclasses import replace
from typing import Final

from phal2.contracts import load_artefact
from phal2.devnet.accounts import Roles
from phal2.devnet.anvil.controls import AnvilControls
from phal2.devnet.deployment import MULTICALL3, DeploymentError, L1Contracts, planned_l1_contracts
from phal2.devnet.deployment.sending import send_steps
from phal2.devnet.deployment.steps import DeploymentStep, creation
from phal2.devnet.founding import found_rollup, founded_rollup, founding_gas, steps_of_founding
from phal2.devnet.ground import DEPLOYER, ROLE_BALANCE, SENDING_ROLES, Ground
from phal2.devnet.record import DevnetRecord, discard_unfinished_start, read_record, write_record
from phal2.devnet.running_l1 import RunningL1, require_start
from phal2.devnet.settings import DevnetSettings, format_ether
from phal2.node.driver.lasting_tasks import begin_task, end_task
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused
from phal2.node.protocol.addresses import contract_address, to_checksum_address
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.intrinsic_gas import TRANSACTION_GAS
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import address_of_private_key

_SALT_LENGTH: Final = 16
_POLL_SECONDS: Final = 0.25
_LONGEST_BLOCK_SECONDS: Final = 120.0
_FEE_RESERVE: Final = 2
"""Fees may double while the contracts are deployed."""


class NobodyPays(Phal2Error):
    """An L1 on which the devnet has no ETH."""


class SameChainId(Phal2Error):
    """An L1 whose chain id L2 was to have, too."""

    def __init__(self, url: str, chain_id: int) -> None:
        super().__init__(
            f"{url} is the chain {chain_id}, and L2 cannot be so, too: a transaction of one chain would be one of the "
            "other; give another --l2-chain-id"
        )
        self.chain_id = chain_id


async def settings_for_l1(settings: DevnetSettings) -> DevnetSettings:
    """Return the settings with the chain id that the L1 at the URL has. Raises `EndpointError` and `SameChainId`."""
    client = L1Client(settings.l1)
    try:
        chain_id = await client.chain_id()
    finally:
        await client.close()
    if chain_id == settings.l2_chain_id:
        raise SameChainId(client.rpc.url, chain_id)
    return replace(settings, l1_chain_id=chain_id)


async def start_on_external_l1(ground: Ground) -> RunningL1:
    """Connect to the L1, pay for the devnet's parts, and where this devnet is new deploy the contracts.

    Raises `NobodyPays`, `EndpointError`, `DataDirectoryError` and `DeploymentError`.
    """
    settings, parts = ground.settings, ground.parts
    record = read_record(ground.data_dir, settings)
    client = L1Client(settings.l1)
    parts.push_async_callback(client.close)
    ground.progress(f"L1: {client.rpc.url}, chain id {settings.l1_chain_id}")
    is_anvil = await _is_anvil(client)
    salt = secrets.token_bytes(_SALT_LENGTH) if record is None else record.salt
    ground = _with_payer(ground, salt, is_anvil=is_anvil)
    controls = AnvilControls(client, ground.clock, _sending(ground)) if is_anvil else None
    if record is None:
        discard_unfinished_start(ground.data_dir, ground.data_dir / "l1")
        await _pay(ground, client, is_anvil=is_anvil)
        start, rollup = await found_rollup(ground, client, lambda: _next_block(client, is_anvil=is_anvil))
        contracts = await _with_multicall(ground, client, is_anvil=is_anvil, may_create=True)
        write_record(ground.data_dir, settings, DevnetRecord(start.timestamp, start, salt))
    else:
        start = record.l1_start
        await require_start(client, start, ground.data_dir)
        if await client.transaction_count(ground.roles.account(DEPLOYER).address) == 0:
            raise NobodyPays(
                f"{ground.data_dir} belongs to a devnet that was paid for with another key: give that one, from which "
                "the keys of batcher and proposer follow"
            )
        rollup = founded_rollup(ground, start)
        contracts = await _with_multicall(ground, client, is_anvil=is_anvil, may_create=False)
    tasks: list[asyncio.Task[None]] = []
    if controls is not None:
        tasks.append(begin_task("the watch over L1's time", controls.keep_time()))
        parts.push_async_callback(end_task, tasks[0])
    offered = controls if settings.development else None
    return RunningL1(settings.l1, client, contracts, start, rollup, tasks, offered, ground.roles)


def _with_payer(ground: Ground, salt: bytes, *, is_anvil: bool) -> Ground:
    """Return the ground with roles whose keys only the payer can know, and which are new to the L1."""
    key = ground.settings.l1_private_key
    if key is None and not is_anvil:
        raise NobodyPays(
            "an L1 that the devnet does not run needs somebody who pays for the contracts and the batches: give "
            "--private-key-file FILE (or --private-key HEX) with the key of an account that has ETH there"
        )
    roles = Roles(keccak256(salt + (key or b"")))
    return replace(ground, roles=roles, l1_payer=None if key is None else address_of_private_key(key))


def _sending(ground: Ground) -> list[bytes]:
    return [ground.roles.account(role).address for role in SENDING_ROLES]


async def _is_anvil(client: L1Client) -> bool:
    try:
        version = await client.rpc.call("web3_clientVersion")
    except EndpointRefused:
        return False
    return isinstance(version, str) and version.startswith("anvil/")


async def _pay(ground: Ground, client: L1Client, *, is_anvil: bool) -> None:
    """Give the deployer what the deployment costs, and the other roles what they begin with."""
    deployer = ground.roles.account(DEPLOYER).address
    if is_anvil:
        balances = dict.fromkeys((deployer, *_sending(ground)), ROLE_BALANCE)
        balances[planned_l1_contracts(deployer).optimism_portal] = ground.l2_ether
        balances |= {each: wei for each, wei in ground.balances.items() if await client.balance(each) == 0}
        await client.rpc.batch(
            [("anvil_setBalance", [f"0x{address.hex()}", hex(balance)]) for address, balance in balances.items()]
        )
        return
    key = ground.settings.l1_private_key
    if key is None:
        raise NobodyPays("nobody pays on this L1")
    fees = await client.gas_fees()
    price = _FEE_RESERVE * (2 * fees.base_fee_per_gas + fees.max_priority_fee_per_gas)
    amounts = {deployer: founding_gas(ground) * price} | dict.fromkeys(_sending(ground), ground.settings.l1_role_funds)
    payer = address_of_private_key(key)
    needed = sum(amounts.values()) + len(amounts) * TRANSACTION_GAS * price
    held = await client.balance(payer)
    if held < needed:
        raise NobodyPays(
            f"{to_checksum_address(payer)} has {format_ether(held)} ETH on L1, but the devnet needs "
            f"{format_ether(needed)}: {format_ether(amounts[deployer])} at most for the contracts, and "
            f"{format_ether(ground.settings.l1_role_funds)} for each of batcher and proposer (--l1-role-funds)"
        )
    ground.progress(f"L1: {to_checksum_address(payer)} pays for deployer, batcher and proposer")
    steps = [
        DeploymentStep("fund a part of the devnet", to, b"", TRANSACTION_GAS, amount) for to, amount in amounts.items()
    ]
    nonce = await client.transaction_count(payer, "pending")
    await send_steps(client, key, nonce, steps, lambda: _next_block(client, is_anvil=False))


async def _next_block(client: L1Client, *, is_anvil: bool) -> None:
    """Have an anvil seal a block; wait for the next one of any other L1."""
    if is_anvil:
        await client.rpc.call("evm_mine")
        return
    head, loop = await _head(client), asyncio.get_running_loop()
    deadline = loop.time() + _LONGEST_BLOCK_SECONDS
    while await _head(client) == head:
        if loop.time() > deadline:
            raise DeploymentError(f"{client.rpc.url} has had no new block for {_LONGEST_BLOCK_SECONDS:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


async def _head(client: L1Client) -> BlockId | None:
    head = await client.block_ref("latest")
    return None if head is None else head.id


async def _with_multicall(ground: Ground, client: L1Client, *, is_anvil: bool, may_create: bool) -> L1Contracts:
    """Return the contracts with a Multicall3: the one that every chain has, else one of the devnet's own."""
    deployer = ground.roles.account(DEPLOYER)
    contracts = planned_l1_contracts(deployer.address)
    if await client.get_code(MULTICALL3):
        return contracts
    if is_anvil:
        code = load_artefact("Multicall3").deployed_bytecode
        await client.rpc.call("anvil_setCode", f"0x{MULTICALL3.hex()}", f"0x{code.hex()}")
        return contracts
    nonce = steps_of_founding(ground)
    if may_create:
        await send_steps(
            client,
            deployer.private_key,
            nonce,
            [creation("Multicall3")],
            lambda: _next_block(client, is_anvil=False),
        )
    return replace(contracts, multicall3=contract_address(deployer.address, nonce))
