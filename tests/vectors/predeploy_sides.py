"""The L2 predeploys of the project and those of a real chain, side by side.

The real code is that of the predeploys in sepolia-devnet-2's genesis. Both do each call on chains of their own;
answers, logs, balances and storage must agree. What refusals say is each one's own.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import zstandard
from contract_chain import Chain, Outcome

from phal2.contracts import encode_call, load_artefact
from phal2.devnet.l2_genesis import L2GenesisSettings, l2_genesis_accounts
from phal2.node.protocol.addresses import alias_l1_address
from phal2.node.protocol.predeploys import (
    BASE_FEE_VAULT,
    GAS_PRICE_ORACLE,
    L1_BLOCK,
    L1_BLOCK_NUMBER,
    L1_FEE_VAULT,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_STANDARD_BRIDGE,
    L2_TO_L1_MESSAGE_PASSER,
    OPERATOR_FEE_VAULT,
    OPTIMISM_MINTABLE_ERC20_FACTORY,
    PHA_TOKEN,
    PROXY_ADMIN,
    SEQUENCER_FEE_VAULT,
    WETH9,
    implementation_address,
)
from phal2.node.state.genesis import GenesisAccount

CHAIN = "sepolia-devnet-2/sepolia-devnet-2"
PREDEPLOYS = {
    WETH9: "WETH9",
    L2_CROSS_DOMAIN_MESSENGER: "L2CrossDomainMessenger",
    GAS_PRICE_ORACLE: "GasPriceOracle",
    L2_STANDARD_BRIDGE: "L2StandardBridge",
    SEQUENCER_FEE_VAULT: "SequencerFeeVault",
    OPTIMISM_MINTABLE_ERC20_FACTORY: "OptimismMintableERC20Factory",
    L1_BLOCK_NUMBER: "L1BlockNumber",
    L1_BLOCK: "L1Block",
    L2_TO_L1_MESSAGE_PASSER: "L2ToL1MessagePasser",
    PROXY_ADMIN: "ProxyAdmin",
    BASE_FEE_VAULT: "BaseFeeVault",
    L1_FEE_VAULT: "L1FeeVault",
    OPERATOR_FEE_VAULT: "OperatorFeeVault",
}
L1_MESSENGER, L1_BRIDGE, OWNER = b"\x73" * 20, b"\x74" * 20, b"\x01" * 20
ALICE, BOB, TARGET = b"\xa1" * 20, b"\xb0" * 20, b"\x7a" * 20
RICHES = 10**24
PHA = b"\x71" * 20

APART = {
    0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC,
    0xB53127684A568B3173AE13B9F8A6016E243E63B6E8EE1178D6A717850B5D6103,
    0xF0C57E16840DF040F15088DC2F81FE391C3923BEC73E23A9662EFC9C229C6A00,
}
"""Slots of proxies and of Initializable, which each side keeps as it has them."""

Call = tuple[bytes, str, tuple[object, ...], bytes, int]
"""Predeploy, function, arguments, sender, value."""


class Side:
    """One of the two chains; it notes which storage is written."""

    def __init__(self, accounts: Mapping[bytes, GenesisAccount]) -> None:
        self.chain = Chain()
        self._written: set[tuple[bytes, int]] = set()
        state = self.chain.state
        for address, account in accounts.items():
            state.set_code(address, account.code)
            for slot, word in account.storage.items():
                state.set_storage(address, slot, word)
        for account in (ALICE, BOB, alias_l1_address(L1_MESSENGER)):
            state.set_balance(account, RICHES)
        state.lock_changes()
        write = state.set_storage

        def record(address: bytes, slot: int, value: int) -> None:
            self._written.add((address, slot))
            write(address, slot, value)

        state.set_storage = record

    def call(self, to: bytes, data: bytes, sender: bytes, value: int, gas: int) -> Outcome:
        return self.chain.transact(to, data, sender=sender, value=value, gas=gas)

    def state(self) -> dict[tuple[bytes, int], int]:
        """The words that differ from zero of the slots that were written."""
        words = {(address, slot): self.chain.state.get_storage(address, slot) for address, slot in self._written}
        return {place: word for place, word in words.items() if word}


NewSides = Callable[[], tuple[Side, Side]]


def _allocation(vectors: Path) -> Mapping[str, Any]:
    folder = vectors / "genesis"
    dictionary = zstandard.ZstdCompressionDict((folder / "zstd-dictionary").read_bytes())
    packed = (folder / f"{CHAIN}.json.zst").read_bytes()
    text = zstandard.ZstdDecompressor(dict_data=dictionary).decompress(packed, max_output_size=1 << 28)
    alloc: Mapping[str, Any] = json.loads(text)["alloc"]
    return {address.removeprefix("0x").lower(): account for address, account in alloc.items()}


def both_allocations(vectors: Path) -> tuple[Mapping[bytes, GenesisAccount], Mapping[bytes, GenesisAccount]]:
    """The predeploys of the project and the real ones, with the same counterparts on L1 and the same owner."""
    allocation = _allocation(vectors)
    genesis = l2_genesis_accounts(
        L2GenesisSettings({}, OWNER, (), L1_MESSENGER, L1_BRIDGE, PHA, b"\x72" * 20, owner_claim_delay=1)
    )
    ours, real = {PHA_TOKEN: genesis[PHA_TOKEN]}, {PHA_TOKEN: genesis[PHA_TOKEN]}
    for predeploy in PREDEPLOYS:
        for address in (predeploy, implementation_address(predeploy)):
            if address.hex() not in allocation:
                continue
            ours[address] = genesis[address]
            account = allocation[address.hex()]
            storage = {int(slot, 16): int(word, 16) for slot, word in account.get("storage", {}).items()}
            storage |= {slot: word for slot, word in genesis[address].storage.items() if slot not in APART}
            real[address] = GenesisAccount(nonce=1, code=bytes.fromhex(account["code"][2:]), storage=storage)
    for vault in (SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT):
        real[vault].storage.pop(1, None)
    return ours, real


def agree(sides: tuple[Side, Side], call: Call, gas: int = 10_000_000) -> Outcome:
    """Make a call on both sides; success, answer, logs, balances and storage must be the same."""
    predeploy, function, arguments, sender, value = call
    data = encode_call(load_artefact(PREDEPLOYS[predeploy]), function, arguments)
    ours, real = (side.call(predeploy, data, sender, value, gas) for side in sides)
    assert ours.succeeded == real.succeeded, (ours, real)
    if ours.succeeded:
        assert ours.output == real.output
        assert ours.logs == real.logs
    for account in (*PREDEPLOYS, ALICE, BOB, TARGET):
        assert sides[0].chain.state.get_balance(account) == sides[1].chain.state.get_balance(account)
    assert sides[0].state() == sides[1].state()
    return ours
