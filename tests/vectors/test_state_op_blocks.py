"""Real OP Sepolia blocks (Holocene): `phal2 execute` reaches their hash from the preimages of what they read."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from phal2.devnet.command.main import main
from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.command.block_fixture import BlockFixture, read_block_fixture
from phal2.node.protocol.headers import header_hash
from phal2.node.protocol.predeploys import BASE_FEE_VAULT, L1_FEE_VAULT, SEQUENCER_FEE_VAULT
from phal2.node.protocol.transaction_codec import recover_transaction
from phal2.node.protocol.transactions import DEPOSIT
from phal2.node.state.block_execution import BlockExecution
from phal2.node.state.database import KnownBlockHashes, MemoryDatabase
from phal2.node.state.environment import l2_environment
from phal2.node.state.stateless import execute_statelessly

GAS_USED = {26207960: 953_624, 26207961: 5_516_493, 26208384: 23_184_857, 26208858: 21_212_462, 26208927: 18_313_386}


def path_of(vectors: Path, number: int) -> Path:
    return vectors / "op-blocks" / f"block-{number}.json.gz"


def document_of(vectors: Path, number: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(gzip.decompress(path_of(vectors, number).read_bytes()))
    return document


@pytest.mark.parametrize("number", GAS_USED)
def test_the_block_hash_is_reached(vectors: Path, capsys: pytest.CaptureFixture[str], number: int) -> None:
    expected = document_of(vectors, number)["expected_block_hash"]

    assert main(["execute", str(path_of(vectors, number))]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "number": number,
        "blockHash": expected,
        "expected": expected,
        "match": True,
        "gasUsed": GAS_USED[number],
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("prevRandao", "0x" + "11" * 32),
        ("suggestedFeeRecipient", "0x" + L1_FEE_VAULT.hex()),
        ("parentBeaconBlockRoot", "0x" + "11" * 32),
        ("gasLimit", "0x3938701"),
        ("eip1559Params", "0x000000fa00000007"),
    ],
)
def test_every_field_of_the_payload_is_in_the_hash(vectors: Path, name: str, value: str) -> None:
    document = document_of(vectors, 26207960)
    document["executing_payload"][name] = value
    fixture = read_block_fixture(document)

    block = execute_statelessly(fixture.rules, fixture.parent, fixture.attributes, fixture.witness).block

    assert block.hash != fixture.expected_hash


def test_what_senders_lose_is_what_recipients_and_vaults_get(vectors: Path) -> None:
    fixture = read_block_fixture(document_of(vectors, 26207960))
    execution, base_fee = opened(fixture)
    state = execution.state
    for raw in fixture.attributes.transactions:
        transaction = recover_transaction(raw)
        signed, sender = transaction.transaction, transaction.sender
        vaults = {address: state.balance(address) for address in (SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT)}
        balance = state.balance(sender)
        outcome = execution.apply(transaction)
        gained = {address: state.balance(address) - before for address, before in vaults.items()}
        if signed.transaction_type == DEPOSIT:
            assert gained == dict.fromkeys(vaults, 0)
            continue
        assert gained[BASE_FEE_VAULT] == outcome.gas_used * base_fee
        assert gained[SEQUENCER_FEE_VAULT] == outcome.gas_used * (outcome.effective_gas_price - base_fee)
        assert gained[L1_FEE_VAULT] > 0
        if not signed.value:
            assert balance - state.balance(sender) == sum(gained.values())


def opened(fixture: BlockFixture) -> tuple[BlockExecution, int]:
    """Return the block before its first transaction, and its base fee in wei per gas."""
    parent_hash = header_hash(fixture.parent)
    environment = l2_environment(fixture.rules, fixture.parent, parent_hash, fixture.attributes)
    execution = BlockExecution(
        fixture.rules,
        environment,
        MemoryDatabase(fixture.witness.preimages, fixture.witness.preimages),
        fixture.parent.state_root,
        KnownBlockHashes({fixture.parent.number: parent_hash}),
        QuoteVerdicts(),
    )
    return execution, environment.base_fee_per_gas
