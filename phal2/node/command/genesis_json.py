"""The genesis as geth's genesis.json has it: accounts, and the fields of the first header that are free to choose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from phal2.node.protocol.addresses import ADDRESS_LENGTH
from phal2.node.protocol.configuration_fields import ConfigurationFields, InvalidConfiguration, document_fields
from phal2.node.protocol.predeploys import SEQUENCER_FEE_VAULT
from phal2.node.protocol.rollup_config import RollupConfig
from phal2.node.state.genesis import GenesisAccount, genesis_state, l2_genesis_block
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.rules import L2Rules

LONGEST_EXTRA_DATA: Final = 32

_FREE_FIELDS: Final = ("config", "timestamp", "gasLimit", "baseFeePerGas", "extraData", "number", "alloc")

_FIXED_FIELDS: Final[Mapping[str, int]] = {
    "nonce": 0,
    "difficulty": 0,
    "mixHash": 0,
    "coinbase": int.from_bytes(SEQUENCER_FEE_VAULT, "big"),
    "gasUsed": 0,
    "parentHash": 0,
    "excessBlobGas": 0,
    "blobGasUsed": 0,
}
"""What the first header of every OP Stack chain has; files state it, too."""


@dataclass(frozen=True, slots=True)
class Genesis:
    """Where an L2 chain begins: a Unix time in seconds, gas, wei per gas, and the accounts by 20-byte address."""

    chain_id: int
    timestamp: int
    gas_limit: int
    base_fee_per_gas: int
    extra_data: bytes
    number: int = 0
    accounts: Mapping[bytes, GenesisAccount] = field(default_factory=dict, repr=False)

    def block(self, config: RollupConfig) -> ExecutedBlock:
        """Return the genesis block under the forks of `config`; raise `InvalidConfiguration` where the two differ.

        Whether the block's hash is the configuration's is left to the node that begins with both.
        """
        for name, ours, theirs in (
            ("config.chainId", self.chain_id, config.l2_chain_id),
            ("timestamp", self.timestamp, config.l2_genesis_time),
            ("number", self.number, config.l2_genesis.number),
        ):
            if ours != theirs:
                raise InvalidConfiguration(
                    f"{name} is {ours} in the genesis, but the rollup configuration says {theirs}; "
                    "use the genesis that belongs to the configuration"
                )
        return l2_genesis_block(
            L2Rules(config),
            genesis_state(self.accounts),
            self.timestamp,
            self.gas_limit,
            self.base_fee_per_gas,
            self.number,
            self.extra_data,
        )

    def to_json(self) -> dict[str, object]:
        """Return geth's genesis.json as a JSON object."""
        return {
            "config": {"chainId": self.chain_id},
            "number": hex(self.number),
            "timestamp": hex(self.timestamp),
            "extraData": _hex(self.extra_data),
            "gasLimit": hex(self.gas_limit),
            "baseFeePerGas": hex(self.base_fee_per_gas),
            "nonce": "0x0",
            "difficulty": "0x0",
            "mixHash": _hex(bytes(32)),
            "coinbase": _hex(SEQUENCER_FEE_VAULT),
            "alloc": {_hex(address): _account_to_json(account) for address, account in self.accounts.items()},
        }

    @classmethod
    def from_json(cls, document: object) -> "Genesis":
        """Read geth's genesis.json, decoded; of its `config` the chain id alone, as the rollup configuration rules.

        Raises `InvalidConfiguration`, which names the field.
        """
        fields = document_fields(document)
        fields.only((*_FREE_FIELDS, *_FIXED_FIELDS))
        for name, expected in _FIXED_FIELDS.items():
            if fields.quantity(name, 256, default=expected) != expected:
                raise fields.wrong(name, f"{expected:#x}, which every genesis of an OP Stack chain has")
        extra_data = fields.data("extraData")
        if len(extra_data) > LONGEST_EXTRA_DATA:
            raise fields.wrong("extraData", f"at most {LONGEST_EXTRA_DATA} bytes")
        return cls(
            chain_id=fields.section("config").quantity("chainId", 256),
            timestamp=fields.quantity("timestamp", 64),
            gas_limit=fields.quantity("gasLimit", 64),
            base_fee_per_gas=fields.quantity("baseFeePerGas", 256),
            extra_data=extra_data,
            number=fields.quantity("number", 64, default=0),
            accounts=read_accounts(fields.section("alloc")),
        )


def _account_to_json(account: GenesisAccount) -> dict[str, object]:
    fields: dict[str, object] = {"balance": hex(account.balance)}
    if account.nonce:
        fields["nonce"] = hex(account.nonce)
    if account.code:
        fields["code"] = _hex(account.code)
    if account.storage:
        fields["storage"] = {f"0x{slot:064x}": f"0x{word:064x}" for slot, word in account.storage.items()}
    return fields


def read_accounts(alloc: ConfigurationFields) -> dict[bytes, GenesisAccount]:
    """Read geth's `alloc`, accounts by address in hex; raise `InvalidConfiguration`, which names the account."""
    accounts: dict[bytes, GenesisAccount] = {}
    for name, account in alloc.sections():
        address = _fixed_hex(name, ADDRESS_LENGTH)
        if address is None:
            raise InvalidConfiguration(f"{account.path} is no address, expected 40 hex digits, with or without 0x")
        if address in accounts:
            raise InvalidConfiguration(f"{account.path} names an account that was there before")
        accounts[address] = _read_account(account)
    return accounts


def _read_account(fields: ConfigurationFields) -> GenesisAccount:
    fields.only(("balance", "nonce", "code", "storage"))
    return GenesisAccount(
        balance=fields.quantity("balance", 256, default=0),
        nonce=fields.quantity("nonce", 64, default=0),
        code=fields.data("code", default=b""),
        storage=_read_storage(fields.section("storage")) if fields.has("storage") else {},
    )


def _read_storage(fields: ConfigurationFields) -> dict[int, int]:
    """Read slots and words, hex of at most 32 bytes; zero words are left out."""
    words: dict[int, int] = {}
    for name in fields.content:
        slot = _word(name)
        word = _word(fields.content[name])
        if slot is None or slot in words:
            raise InvalidConfiguration(f"{fields.path}: {name[:80]!r} is no storage slot, or is there twice")
        if word is None:
            raise fields.wrong(name, "at most 64 hex digits, with or without 0x")
        words[slot] = word
    return {slot: word for slot, word in words.items() if word}


def _word(text: object) -> int | None:
    if not isinstance(text, str):
        return None
    # geth reads words without 0x, too.
    digits = text.removeprefix("0x")
    data = _fixed_hex(digits.zfill(64), 32) if digits else None
    return None if data is None else int.from_bytes(data, "big")


def _fixed_hex(text: str, length: int) -> bytes | None:
    digits = text.removeprefix("0x")
    if len(digits) != 2 * length or not digits.isalnum() or not digits.isascii():
        return None
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return None


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
