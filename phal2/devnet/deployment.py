"""Deploys the L1 contracts with ordinary transactions and fixes what L2's genesis needs to know of L1."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from phal2.contracts import encode_constructor, load_artefact
from phal2.devnet.accounts import DevAccount
from phal2.node.l1.client import L1Client, MinedTransaction
from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import DynamicFeeTransaction

_CREATION_GAS: Final = 5_000_000
_MOST_BLOCKS: Final = 5


class DeploymentError(Phal2Error):
    """A contract could not be deployed on L1."""


@dataclass(frozen=True, slots=True)
class L1Contracts:
    """The L1 contracts' addresses, known before they are deployed."""

    optimism_portal: bytes
    pha_token: bytes
    pha_migration: bytes

    def by_name(self) -> dict[str, bytes]:
        """Return the addresses under the contracts' names."""
        return {
            "OptimismPortal": self.optimism_portal,
            "PHAToken": self.pha_token,
            "PHAMigration": self.pha_migration,
        }


def planned_l1_contracts(deployer: bytes) -> L1Contracts:
    """Return where the first creations of `deployer` put the contracts."""
    portal, token, migration = (contract_address(deployer, nonce) for nonce in range(3))
    return L1Contracts(optimism_portal=portal, pha_token=token, pha_migration=migration)


async def deploy_l1_contracts(
    l1: L1Client, deployer: DevAccount, owner: bytes, treasury: bytes, seal: Callable[[], Awaitable[object]]
) -> L1BlockRef:
    """Deploy what is missing, `seal` L1 blocks, and return the L1 block in which all of it is.

    `owner` gets the PHA supply and owns the migration; `treasury` gets what is not claimed. Raises `DeploymentError`.
    """
    contracts = planned_l1_contracts(deployer.address)
    creations: Sequence[tuple[str, Sequence[Any]]] = (
        ("OptimismPortal", ()),
        ("PHAToken", (owner,)),
        ("PHAMigration", (owner, contracts.pha_token, contracts.optimism_portal, treasury)),
    )
    chain_id, fees = await l1.chain_id(), await l1.gas_fees()
    hashes = []
    for nonce, (name, arguments) in enumerate(creations):
        unsigned = DynamicFeeTransaction(
            chain_id=chain_id,
            nonce=nonce,
            max_priority_fee_per_gas=fees.max_priority_fee_per_gas,
            max_fee_per_gas=2 * fees.base_fee_per_gas + fees.max_priority_fee_per_gas,
            gas_limit=_CREATION_GAS,
            to=None,
            value=0,
            data=encode_constructor(load_artefact(name), arguments),
            access_list=(),
            y_parity=0,
            r=0,
            s=0,
        )
        hashes.append(await l1.send_raw_transaction(_signed(unsigned, deployer.private_key)))
    block_number = 0
    for (name, _), transaction_hash in zip(creations, hashes, strict=True):
        mined = await _sealed(l1, transaction_hash, seal)
        if mined is None or not mined.succeeded:
            raise DeploymentError(f"{name} was not deployed: its creation {'failed' if mined else 'is not mined'}")
        block_number = max(block_number, mined.block_number)
    block = await l1.block_ref(block_number)
    if block is None:
        raise DeploymentError(f"L1 block {block_number} with the contracts is gone")
    return block


async def _sealed(
    l1: L1Client, transaction_hash: bytes, seal: Callable[[], Awaitable[object]]
) -> MinedTransaction | None:
    # As a rule one block takes all; but a block takes what it can in a time that a busy machine may exceed.
    for _ in range(_MOST_BLOCKS):
        mined = await l1.transaction_receipt(transaction_hash)
        if mined is not None:
            return mined
        await seal()
    return await l1.transaction_receipt(transaction_hash)


def _signed(unsigned: DynamicFeeTransaction, private_key: bytes) -> bytes:
    y_parity, r, s = sign(signing_hash(unsigned), private_key)
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))
