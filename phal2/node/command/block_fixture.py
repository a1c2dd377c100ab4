"""Reads a block with all that its execution needs, in the form of kona's executor fixtures.

The document is an object of `rollup_config`, `parent_header`, `executing_payload` (payload attributes with all
transactions), `expected_block_hash` and `preimages` (bytes by their Keccak-256, as hex). Names may be in camelCase or
snake_case, numbers may be JSON integers or hex strings, and fields that execution does not depend on are not read.
"""

from dataclasses import dataclass
from typing import Final

from phal2.node.command.rollup_rules import read_rollup_rules
from phal2.node.command.spelled_fields import Spellings, spelled_fields
from phal2.node.protocol.configuration_fields import ConfigurationFields, InvalidConfiguration
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import Header, header_hash
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.state.rules import L2Rules
from phal2.node.state.stateless import Witness, verified_witness

_DOCUMENT: Final[Spellings] = {
    "rollup_config": (),
    "parent_header": (),
    "executing_payload": ("payload_attributes",),
    "expected_block_hash": (),
    "preimages": ("witness",),
}
_HEADER: Final[Spellings] = {
    "hash": (),
    "parentHash": (),
    "sha3Uncles": ("ommersHash", "unclesHash"),
    "miner": ("beneficiary", "coinbase"),
    "stateRoot": (),
    "transactionsRoot": (),
    "receiptsRoot": (),
    "logsBloom": ("bloom",),
    "difficulty": (),
    "number": (),
    "gasLimit": (),
    "gasUsed": (),
    "timestamp": (),
    "extraData": (),
    "mixHash": ("prevRandao",),
    "nonce": (),
    "baseFeePerGas": (),
    "withdrawalsRoot": (),
    "blobGasUsed": (),
    "excessBlobGas": (),
    "parentBeaconBlockRoot": (),
    "requestsHash": (),
}
_PAYLOAD: Final[Spellings] = {
    "timestamp": (),
    "prevRandao": ("mixHash", "random"),
    "suggestedFeeRecipient": ("feeRecipient",),
    "parentBeaconBlockRoot": (),
    "withdrawals": (),
    "transactions": (),
    "gasLimit": (),
    "eip1559Params": (),
}
_HASH_DIGITS: Final = 64


@dataclass(frozen=True, slots=True)
class BlockFixture:
    """A block to execute on `parent` under `rules`, and the hash that it must have."""

    rules: L2Rules
    parent: Header
    attributes: PayloadAttributes
    witness: Witness
    expected_hash: bytes


def read_block_fixture(document: object) -> BlockFixture:
    """Read a fixture, decoded; raise `InvalidConfiguration`, which names the field, or `WrongPreimage`."""
    fields = spelled_fields("the document", document, _DOCUMENT).content
    payload = spelled_fields("executing_payload", fields.get("executing_payload"), _PAYLOAD)
    timestamp = payload.quantity("timestamp", 64)
    config = read_rollup_rules(fields.get("rollup_config"), timestamp)
    return BlockFixture(
        rules=L2Rules(config),
        parent=_read_parent(fields.get("parent_header"), timestamp),
        attributes=_read_attributes(payload, config, timestamp),
        witness=verified_witness(_read_preimages(fields.get("preimages"))),
        expected_hash=ConfigurationFields("", fields).data("expected_block_hash", 32),
    )


def _read_parent(content: object, timestamp: int) -> Header:
    fields = spelled_fields("parent_header", content, _HEADER)
    header = Header(
        parent_hash=fields.data("parentHash", 32),
        ommers_hash=fields.data("sha3Uncles", 32),
        coinbase=fields.data("miner", 20),
        state_root=fields.data("stateRoot", 32),
        transactions_root=fields.data("transactionsRoot", 32),
        receipts_root=fields.data("receiptsRoot", 32),
        bloom=fields.data("logsBloom", 256),
        difficulty=fields.quantity("difficulty", 256, default=0),
        number=fields.quantity("number", 64),
        gas_limit=fields.quantity("gasLimit", 64),
        gas_used=fields.quantity("gasUsed", 64),
        timestamp=fields.quantity("timestamp", 64),
        extra_data=fields.data("extraData"),
        prev_randao=fields.data("mixHash", 32),
        nonce=fields.quantity("nonce", 64, default=0).to_bytes(8, "big"),
        base_fee_per_gas=_optional_quantity(fields, "baseFeePerGas", 256),
        withdrawals_root=_optional_hash(fields, "withdrawalsRoot"),
        blob_gas_used=_optional_quantity(fields, "blobGasUsed", 64),
        excess_blob_gas=_optional_quantity(fields, "excessBlobGas", 64),
        parent_beacon_block_root=_optional_hash(fields, "parentBeaconBlockRoot"),
        requests_hash=_optional_hash(fields, "requestsHash"),
    )
    if fields.has("hash") and fields.data("hash", 32) != header_hash(header):
        raise fields.wrong("hash", f"0x{header_hash(header).hex()}, which is the hash of the other fields")
    if header.timestamp >= timestamp:
        raise fields.wrong("timestamp", f"a time before executing_payload.timestamp, which is {timestamp}")
    return header


def _read_attributes(fields: ConfigurationFields, config: RollupConfig, timestamp: int) -> PayloadAttributes:
    if fields.content.get("withdrawals"):
        raise fields.wrong("withdrawals", "none, as L2 has no validators")
    needs_beacon_root = config.forks.is_active(Fork.ECOTONE, timestamp)
    denominator, elasticity = _read_eip1559_parameters(fields, config, timestamp)
    return PayloadAttributes(
        timestamp=timestamp,
        prev_randao=fields.data("prevRandao", 32),
        fee_recipient=fields.data("suggestedFeeRecipient", 20),
        parent_beacon_block_root=fields.data("parentBeaconBlockRoot", 32, default=None if needs_beacon_root else b""),
        transactions=_read_transactions(fields),
        no_tx_pool=True,
        gas_limit=fields.quantity("gasLimit", 64),
        eip1559_denominator=denominator,
        eip1559_elasticity=elasticity,
    )


def _read_eip1559_parameters(fields: ConfigurationFields, config: RollupConfig, timestamp: int) -> tuple[int, int]:
    """Read denominator and elasticity, which payloads have since Holocene; both 0 stand for the configuration's."""
    if not config.forks.is_active(Fork.HOLOCENE, timestamp):
        return 0, 0
    parameters = fields.data("eip1559Params", 8)
    denominator, elasticity = int.from_bytes(parameters[:4], "big"), int.from_bytes(parameters[4:], "big")
    if not denominator and elasticity:
        raise fields.wrong("eip1559Params", "a denominator (the first 4 bytes) other than 0, or 8 zero bytes")
    return denominator, elasticity


def _read_transactions(fields: ConfigurationFields) -> tuple[bytes, ...]:
    texts = fields.content.get("transactions")
    if not isinstance(texts, list):
        raise fields.wrong("transactions", "an array of envelopes as hex")
    entries = ConfigurationFields(f"{fields.path}.transactions", {str(index): raw for index, raw in enumerate(texts)})
    return tuple(entries.data(name) for name in entries.content)


def _read_preimages(content: object) -> dict[bytes, bytes]:
    if not isinstance(content, dict):
        raise InvalidConfiguration("preimages is missing or no object")
    preimages: dict[bytes, bytes] = {}
    for name, text in content.items():
        key, value = _hex_bytes(name), _hex_bytes(text)
        if key is None or len(key) != _HASH_DIGITS // 2:
            raise InvalidConfiguration(f"preimages: {name[:80]!r} is no hash, expected {_HASH_DIGITS} hex digits")
        if value is None:
            raise InvalidConfiguration(f"preimages.{name[:80]} is no text of two hex digits a byte")
        preimages[key] = value
    return preimages


def _hex_bytes(text: object) -> bytes | None:
    """Return the bytes, None where the text is not two hex digits a byte after 0x, which may be missing."""
    if not isinstance(text, str):
        return None
    digits = text.removeprefix("0x")
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        return None
    # bytes.fromhex overlooks white space.
    return data if 2 * len(data) == len(digits) else None


def _optional_quantity(fields: ConfigurationFields, name: str, bits: int) -> int | None:
    return fields.quantity(name, bits) if fields.has(name) else None


def _optional_hash(fields: ConfigurationFields, name: str) -> bytes | None:
    return fields.data(name, 32) if fields.has(name) else None
