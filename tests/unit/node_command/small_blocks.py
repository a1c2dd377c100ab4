"""A block of every fork with a few transactions, and the file of which `phal2 execute` can make it again."""

from dataclasses import dataclass, replace
from typing import Any

from header_json import header_json

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.command.rollup_rules import rollup_rules
from phal2.node.protocol.deposits import DepositTransaction
from phal2.node.protocol.fees import encode_holocene_extra_data
from phal2.node.protocol.forks import Fork, ForkSchedule
from phal2.node.protocol.headers import Header, encode_header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.predeploys import L1_BLOCK, SEQUENCER_FEE_VAULT
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import recover_transaction, recovered, signing_hash
from phal2.node.protocol.transactions import AccessListTransaction, DynamicFeeTransaction, LegacyTransaction
from phal2.node.state.block_execution import apply_block
from phal2.node.state.database import KnownBlockHashes, MemoryDatabase
from phal2.node.state.environment import l2_environment
from phal2.node.state.genesis import GenesisAccount, genesis_state, l2_genesis_block
from phal2.node.state.rules import L2Rules
from phal2.node.state.trie_records import record_rlp

CHAIN_ID = 20350
GENESIS_TIME = 1_750_000_000
KEY = keccak256(b"the sender of small blocks")
SENDER = address_of_private_key(KEY)
CONTRACT = b"\xc0" * 20
ANCESTORS_READ = 3
KEEP_ANCESTORS_HASH = bytes([0x60, ANCESTORS_READ]) + bytes.fromhex("4303405f5500")
"""sstore(0, blockhash(number - 3))"""

FORK_NAMES = [fork.name.lower() for fork in Fork if Fork.REGOLITH <= fork <= Fork.ISTHMUS]


@dataclass(frozen=True)
class SmallBlock:
    """A block that was executed on a whole state, and all that a file about it has."""

    config: dict[str, Any]
    parent: Header
    attributes: PayloadAttributes
    preimages: dict[bytes, bytes]
    hash: bytes
    gas_used: int

    def document(self) -> dict[str, Any]:
        """Return the file's content, spelled as kona spells it; each time anew, so that tests may change it."""
        return {
            "rollup_config": dict(self.config),
            "parent_header": header_json(self.parent),
            "executing_payload": payload_document(self.attributes),
            "expected_block_hash": "0x" + self.hash.hex(),
            "preimages": {key.hex(): "0x" + value.hex() for key, value in self.preimages.items()},
        }


def fork_times(fork: str) -> dict[str, int]:
    """Return the times of the forks up to `fork`, all at genesis."""
    return {f"{name}_time": 0 for name in FORK_NAMES[: FORK_NAMES.index(fork) + 1]}


def small_block(fork: str = "isthmus") -> SmallBlock:
    times = fork_times(fork)
    forks = ForkSchedule(**times)
    rules = L2Rules(rollup_rules(chain_id=CHAIN_ID, forks=forks, elasticity=6, denominator=50, denominator_canyon=250))
    genesis = l2_genesis_block(
        rules,
        genesis_state(
            {
                SENDER: GenesisAccount(10**20),
                CONTRACT: GenesisAccount(code=KEEP_ANCESTORS_HASH),
                L1_BLOCK: GenesisAccount(
                    nonce=1, storage={1: 10**9, 3: 2 << 96 | 3 << 64, 5: 188, 6: 684_000, 7: 10**7, 8: 5 << 64 | 7}
                ),
            }
        ),
        GENESIS_TIME,
        30_000_000,
        10**9,
    )
    headers = [genesis.block.header]
    for _ in range(ANCESTORS_READ):
        headers.append(replace(headers[-1], parent_hash=header_hash(headers[-1]), number=headers[-1].number + 1))
    parent = headers[-1]
    attributes = PayloadAttributes(
        timestamp=GENESIS_TIME + 2,
        prev_randao=b"\x05" * 32,
        fee_recipient=SEQUENCER_FEE_VAULT,
        parent_beacon_block_root=b"\x06" * 32 if forks.is_active(Fork.ECOTONE, GENESIS_TIME) else b"",
        transactions=tuple(_transactions()),
        no_tx_pool=True,
        gas_limit=30_000_000,
        eip1559_denominator=0,
        eip1559_elasticity=0,
    )
    database = MemoryDatabase()
    database.add(genesis.state_update)
    executed = apply_block(
        rules,
        l2_environment(rules, parent, header_hash(parent), attributes),
        [recover_transaction(raw) for raw in attributes.transactions],
        database,
        parent.state_root,
        KnownBlockHashes({header.number: header_hash(header) for header in headers}),
        QuoteVerdicts(),
    )
    known = [*map(record_rlp, genesis.state_update.records), *genesis.state_update.codes.values()]
    preimages = [*known, *(encode_header(header) for header in headers[1:-1])]
    config = {
        "genesis": {"l2_time": GENESIS_TIME},
        "l2_chain_id": CHAIN_ID,
        "block_time": 2,
        "pectra_blob_schedule_time": None,
        "alt_da": None,
        **times,
    }
    return SmallBlock(
        config=config,
        parent=parent,
        attributes=attributes,
        preimages={keccak256(preimage): preimage for preimage in preimages},
        hash=executed.block.hash,
        gas_used=executed.block.header.gas_used,
    )


def payload_document(attributes: PayloadAttributes) -> dict[str, Any]:
    parameters = encode_holocene_extra_data(attributes.eip1559_denominator, attributes.eip1559_elasticity)[1:]
    return {
        "timestamp": hex(attributes.timestamp),
        "prevRandao": _hex(attributes.prev_randao),
        "suggestedFeeRecipient": _hex(attributes.fee_recipient),
        "withdrawals": [],
        "parentBeaconBlockRoot": _hex(attributes.parent_beacon_block_root)
        if attributes.parent_beacon_block_root
        else None,
        "transactions": [_hex(raw) for raw in attributes.transactions],
        "noTxPool": None,
        "gasLimit": hex(attributes.gas_limit),
        "eip1559Params": _hex(parameters),
    }


def _transactions() -> list[bytes]:
    deposit = DepositTransaction(
        source_hash=b"\x07" * 32,
        sender=b"\x08" * 20,
        to=SENDER,
        mint=10**18,
        value=10**17,
        gas_limit=50_000,
        is_system_transaction=False,
        data=b"",
    )
    legacy = LegacyTransaction(
        nonce=0, gas_price=2 * 10**9, gas_limit=21_000, to=b"\x0b" * 20, value=1, data=b"", v=0, r=0, s=0
    )
    parity, r, s = sign(signing_hash(replace(legacy, v=35 + 2 * CHAIN_ID)), KEY)
    common: dict[str, Any] = {"chain_id": CHAIN_ID, "y_parity": 0, "r": 0, "s": 0}
    access = AccessListTransaction(
        **common,
        nonce=1,
        gas_price=2 * 10**9,
        gas_limit=100_000,
        to=CONTRACT,
        value=0,
        data=b"",
        access_list=((CONTRACT, (bytes(32),)),),
    )
    creation = DynamicFeeTransaction(
        **common,
        nonce=2,
        max_priority_fee_per_gas=10**8,
        max_fee_per_gas=3 * 10**9,
        gas_limit=200_000,
        to=None,
        value=0,
        data=bytes.fromhex("600160005360016000f3") + bytes(range(1, 200)),
        access_list=(),
    )
    return [
        recovered(deposit).raw,
        recovered(replace(legacy, v=35 + 2 * CHAIN_ID + parity, r=r, s=s)).raw,
        *(_signed(unsigned) for unsigned in (access, creation)),
    ]


def _signed(unsigned: AccessListTransaction | DynamicFeeTransaction) -> bytes:
    y_parity, r, s = sign(signing_hash(unsigned), KEY)
    return recovered(replace(unsigned, y_parity=y_parity, r=r, s=s)).raw


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
