"""The genesis block of any OP Stack chain, from its allocation in geth's form.

The genesis of a chain of this node is read strictly (`genesis_json`), because the node must build on it. Here the
expected hash is the judge, so the header takes every field as the file has it, and fields of no effect are not read.
"""

from dataclasses import replace
from typing import Final

from phal2.node.command.genesis_json import read_accounts
from phal2.node.command.registry_chain import RegistryChain
from phal2.node.protocol.configuration_fields import ConfigurationFields, InvalidConfiguration, document_fields
from phal2.node.protocol.headers import Header, header_hash
from phal2.node.protocol.predeploys import SEQUENCER_FEE_VAULT
from phal2.node.state.genesis import genesis_state, l2_genesis_block
from phal2.node.state.rules import L2Rules

_LONGEST_EXTRA_DATA: Final = 1 << 16
_INITIAL_BASE_FEE: Final = 1_000_000_000
"""Wei a gas, where the file states none, as geth has it (EIP-1559, INITIAL_BASE_FEE)."""


def genesis_header(document: object, chain: RegistryChain) -> Header:
    """Return the header of the genesis block that `document` describes, under the forks of `chain`.

    Raises `InvalidConfiguration` where the document is malformed, is of another chain, or holds no state because the
    chain was migrated.
    """
    fields = document_fields(document)
    _require_same_chain(fields, chain)
    timestamp = fields.quantity("timestamp", 64)
    extra_data = fields.data("extraData") if fields.has("extraData") else None
    if extra_data is not None and len(extra_data) > _LONGEST_EXTRA_DATA:
        raise fields.wrong("extraData", f"at most {_LONGEST_EXTRA_DATA} bytes")
    block = l2_genesis_block(
        L2Rules(chain.rules),
        genesis_state(read_accounts(fields.section("alloc"))),
        timestamp=timestamp,
        gas_limit=fields.quantity("gasLimit", 64),
        base_fee_per_gas=fields.quantity("baseFeePerGas", 256, default=_INITIAL_BASE_FEE),
        number=fields.quantity("number", 64, default=0),
        extra_data=extra_data,
    ).block
    return _with_stated_fields(block.header, fields)


def genesis_hash(document: object, chain: RegistryChain) -> bytes:
    """Return the hash of `genesis_header`."""
    return header_hash(genesis_header(document, chain))


def _require_same_chain(fields: ConfigurationFields, chain: RegistryChain) -> None:
    number = fields.quantity("number", 64, default=0)
    if number != chain.genesis.number:
        raise InvalidConfiguration(
            f"describes block {number}, but the configuration's rollup begins with block {chain.genesis.number}: the "
            "chain was migrated, and no allocation holds its state at that block, so the hash cannot be computed"
        )
    if fields.has("stateHash"):
        raise InvalidConfiguration(
            "has a stateHash in place of the accounts, so the genesis block cannot be computed from it"
        )
    if fields.quantity("timestamp", 64) != chain.genesis_time:
        raise fields.wrong("timestamp", f"{chain.genesis_time}, which the configuration has as genesis.l2_time")
    if fields.has("config"):
        chain_id = fields.section("config").quantity("chainId", 256, default=chain.rules.l2_chain_id)
        if chain_id != chain.rules.l2_chain_id:
            raise InvalidConfiguration(
                f"config.chainId is {chain_id}, but the configuration is of chain {chain.rules.l2_chain_id}"
            )


def _with_stated_fields(header: Header, fields: ConfigurationFields) -> Header:
    """Return the header with what nearly every chain leaves at its usual value, as the file states it."""
    has_blob_fields = header.excess_blob_gas is not None
    return replace(
        header,
        parent_hash=fields.data("parentHash", 32, default=header.parent_hash),
        coinbase=fields.data("coinbase", 20, default=SEQUENCER_FEE_VAULT),
        difficulty=fields.quantity("difficulty", 256, default=0),
        gas_used=fields.quantity("gasUsed", 64, default=0),
        prev_randao=fields.data("mixHash", 32, default=header.prev_randao),
        nonce=fields.quantity("nonce", 64, default=0).to_bytes(8, "big"),
        blob_gas_used=fields.quantity("blobGasUsed", 64, default=0) if has_blob_fields else None,
        excess_blob_gas=fields.quantity("excessBlobGas", 64, default=0) if has_blob_fields else None,
    )
