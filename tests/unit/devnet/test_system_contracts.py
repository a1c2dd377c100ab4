"""The system contracts' code and storage against the transactions by which their EIPs deploy them.

Nobody has the key behind such a transaction: its signature is made up, and the sender, and with it the contract's
address, follow from the whole envelope. With one other byte of code the address would be another.
"""

import pytest

from phal2.devnet.system_contracts import L1_SYSTEM_CONTRACTS
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.predeploys import BEACON_ROOTS, CONSOLIDATION_REQUESTS, HISTORY_STORAGE, WITHDRAWAL_REQUESTS
from phal2.node.protocol.transaction_codec import recovered
from phal2.node.protocol.transactions import LegacyTransaction
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.database import KnownBlockHashes, MemoryDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.rules import L1Rules

STORE_INHIBITOR = "7f" + "ff" * 32 + "5f55"
"""The two request contracts are closed until their first system call: slot 0 begins as 2^256 - 1."""

DEPLOYMENTS = {
    "EIP-4788": (BEACON_ROOTS, "60618060095f395ff3", 0x1B9B6EB1F0),
    "EIP-2935": (HISTORY_STORAGE, "60538060095f395ff3", 0xAA12693182426612186309F02CFE8A80A0000),
    "EIP-7002": (
        WITHDRAWAL_REQUESTS,
        STORE_INHIBITOR + "6101f880602d5f395ff3",
        0x5FEEB084551E4E03A3581E269BC2EA2F8D0008,
    ),
    "EIP-7251": (
        CONSOLIDATION_REQUESTS,
        STORE_INHIBITOR + "61019e80602d5f395ff3",
        0xC0730F92DC275B663D377A7CBB141B6600052,
    ),
}
"""Address, constructor and the signature's s, as each EIP states them; r is 0x539 and v 0x1b in all."""


@pytest.mark.parametrize(("address", "constructor", "s"), DEPLOYMENTS.values(), ids=DEPLOYMENTS)
def test_the_deployment_of_its_eip_makes_the_contract(address: bytes, constructor: str, s: int) -> None:
    contract = L1_SYSTEM_CONTRACTS[address]
    deployment = recovered(
        LegacyTransaction(
            nonce=0,
            gas_price=10**12,
            gas_limit=250_000,
            to=None,
            value=0,
            data=bytes.fromhex(constructor) + contract.code,
            v=27,
            r=0x539,
            s=s,
        )
    )
    genesis = genesis_state({deployment.sender: GenesisAccount(balance=10**18)})
    database = MemoryDatabase()
    database.add(genesis)
    environment = BlockEnvironment(
        parent_hash=bytes(32),
        number=1,
        timestamp=1,
        coinbase=bytes(20),
        gas_limit=30_000_000,
        base_fee_per_gas=10**9,
        prev_randao=bytes(32),
        parent_beacon_block_root=bytes(32),
        excess_blob_gas=0,
        extra_data=b"",
    )
    block = BlockExecution(
        L1Rules(31337), environment, database, genesis.state_root, KnownBlockHashes(), QuoteVerdicts()
    )

    outcome = block.apply(deployment)

    assert (outcome.contract_address, outcome.error) == (address, None)
    assert block.state.code(address) == contract.code
    assert block.state.nonce(address) == contract.nonce
    assert block.state.storage(address, 0) == contract.storage.get(0, 0)
