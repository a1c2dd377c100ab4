"""The L2 predeploys beside the OP Stack's own: the same calls have the same effects as the code of a real chain.

The code is that of the predeploys in sepolia-devnet-2's genesis. Both do each call on chains of their own; answers,
logs, balances and storage must agree. What refusals say is each one's own.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import zstandard
from contract_chain import Chain, Outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from phal2.contracts import encode_call, load_artefact
from phal2.devnet.l2_genesis import L2GenesisSettings, l2_genesis_accounts
from phal2.node.protocol.addresses import alias_l1_address
from phal2.node.protocol.predeploys import (
    BASE_FEE_VAULT,
    GAS_PRICE_ORACLE,
    L1_ATTRIBUTES_DEPOSITOR,
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
NONCE = 1 << 240
LEGACY_ETHER = bytes.fromhex("deaddeaddeaddeaddeaddeaddeaddeaddead0000")
PHA = b"\x71" * 20
BRIDGE_GAS = 200_000
REVERT, ACCEPT = bytes.fromhex("5f5ffd"), b""
# Stores what its caller says of the message's sender, and the value.
ASK_SENDER = bytes.fromhex("636e296e455f5260205f6004601c5f335af1505f515f5534600155" + "00")

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


@pytest.fixture(scope="module")
def allocation(vectors: Path) -> Mapping[str, Any]:
    folder = vectors / "genesis"
    dictionary = zstandard.ZstdCompressionDict((folder / "zstd-dictionary").read_bytes())
    packed = (folder / f"{CHAIN}.json.zst").read_bytes()
    text = zstandard.ZstdDecompressor(dict_data=dictionary).decompress(packed, max_output_size=1 << 28)
    alloc: Mapping[str, Any] = json.loads(text)["alloc"]
    return {address.removeprefix("0x").lower(): account for address, account in alloc.items()}


@pytest.fixture(scope="module")
def places(allocation: Mapping[str, Any]) -> tuple[Mapping[bytes, GenesisAccount], Mapping[bytes, GenesisAccount]]:
    """The predeploys of the project and the real ones, with the same counterparts on L1 and the same owner."""
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


@pytest.fixture(scope="module")
def new_sides(
    places: tuple[Mapping[bytes, GenesisAccount], Mapping[bytes, GenesisAccount]],
) -> Callable[[], tuple[Side, Side]]:
    def make() -> tuple[Side, Side]:
        ours, real = Side(places[0]), Side(places[1])
        return ours, real

    return make


@pytest.fixture
def sides(new_sides: Callable[[], tuple[Side, Side]]) -> tuple[Side, Side]:
    return new_sides()


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


def set_code(sides: tuple[Side, Side], address: bytes, code: bytes) -> None:
    for side in sides:
        side.chain.state.set_code(address, code)


def relay(nonce: int, sender: bytes, target: bytes, value: int, message: bytes, *, by: bytes, sent: int) -> Call:
    arguments = (nonce, sender, target, value, 50_000, message)
    return L2_CROSS_DOMAIN_MESSENGER, "relayMessage", arguments, by, sent


def from_l1(nonce: int, sender: bytes, target: bytes, value: int, message: bytes) -> Call:
    return relay(nonce, sender, target, value, message, by=alias_l1_address(L1_MESSENGER), sent=value)


VIEWS: list[tuple[bytes, str]] = [
    *(
        (L2_CROSS_DOMAIN_MESSENGER, name)
        for name in (
            *("MESSAGE_VERSION", "RELAY_CONSTANT_OVERHEAD", "MIN_GAS_DYNAMIC_OVERHEAD_NUMERATOR"),
            *("MIN_GAS_DYNAMIC_OVERHEAD_DENOMINATOR", "MIN_GAS_CALLDATA_OVERHEAD", "RELAY_CALL_OVERHEAD"),
            *("RELAY_RESERVED_GAS", "RELAY_GAS_CHECK_BUFFER", "TX_BASE_GAS", "FLOOR_CALLDATA_OVERHEAD"),
            *("ENCODING_OVERHEAD", "messageNonce", "otherMessenger", "OTHER_MESSENGER", "l1CrossDomainMessenger"),
            *("paused", "xDomainMessageSender"),
        )
    ),
    *(
        (L2_STANDARD_BRIDGE, name)
        for name in ("messenger", "MESSENGER", "otherBridge", "OTHER_BRIDGE", "l1TokenBridge", "paused")
    ),
    *((OPTIMISM_MINTABLE_ERC20_FACTORY, name) for name in ("bridge", "BRIDGE")),
    *((WETH9, name) for name in ("name", "symbol", "decimals", "totalSupply")),
    *(
        (vault, name)
        for vault in (SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT)
        for name in (
            *("recipient", "RECIPIENT", "minWithdrawalAmount", "MIN_WITHDRAWAL_AMOUNT"),
            *("withdrawalNetwork", "WITHDRAWAL_NETWORK", "totalProcessed"),
        )
    ),
    *(
        (GAS_PRICE_ORACLE, name)
        for name in (
            *("DECIMALS", "decimals", "isEcotone", "isFjord", "isIsthmus", "gasPrice", "baseFee", "l1BaseFee"),
            *("blobBaseFee", "baseFeeScalar", "blobBaseFeeScalar", "overhead", "scalar"),
        )
    ),
    (PROXY_ADMIN, "owner"),
    *(
        (predeploy, name)
        for predeploy in (L2_CROSS_DOMAIN_MESSENGER, L2_STANDARD_BRIDGE, OPTIMISM_MINTABLE_ERC20_FACTORY, L1_FEE_VAULT)
        for name in ("proxyAdmin", "proxyAdminOwner")
    ),
    (L1_BLOCK_NUMBER, "getL1BlockNumber"),
]


@pytest.mark.parametrize(("predeploy", "view"), VIEWS, ids=lambda value: PREDEPLOYS.get(value, value))
def test_views_answer_the_same(new_sides: Callable[[], tuple[Side, Side]], predeploy: bytes, view: str) -> None:
    agree(new_sides(), (predeploy, view, (), ALICE, 0))


@pytest.mark.parametrize("value", [0, 5])
def test_messages_to_l1(sides: tuple[Side, Side], value: int) -> None:
    for message in (b"", b"message", bytes(1000)):
        agree(sides, (L2_CROSS_DOMAIN_MESSENGER, "sendMessage", (TARGET, message, 100_000), ALICE, value))


@given(st.binary(max_size=200), st.integers(0, 5_000), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_the_base_gas_of_messages(
    new_sides: Callable[[], tuple[Side, Side]], message: bytes, zeros: int, minimum: int
) -> None:
    agree(new_sides(), (L2_CROSS_DOMAIN_MESSENGER, "baseGas", (message + bytes(zeros), minimum), ALICE, 0))


deliveries = st.tuples(
    st.integers(0, 2),
    st.sampled_from([ALICE, L1_BRIDGE]),
    st.sampled_from([TARGET, TARGET, L2_CROSS_DOMAIN_MESSENGER, L2_TO_L1_MESSAGE_PASSER]),
    st.sampled_from([0, 0, 7]),
    st.sampled_from([ACCEPT, REVERT, ASK_SENDER]),
    st.sampled_from([alias_l1_address(L1_MESSENGER), alias_l1_address(L1_MESSENGER), BOB, L1_MESSENGER]),
)


@given(st.lists(deliveries, min_size=1, max_size=6))
@settings(max_examples=40)
def test_deliveries_and_their_repetitions(
    new_sides: Callable[[], tuple[Side, Side]], steps: list[tuple[int, bytes, bytes, int, bytes, bytes]]
) -> None:
    sides = new_sides()
    for counter, sender, target, value, code, by in steps:
        set_code(sides, TARGET, code)
        sent = value if by == alias_l1_address(L1_MESSENGER) else 0
        agree(sides, relay(NONCE + counter, sender, target, value, b"message", by=by, sent=sent))


@pytest.mark.parametrize("receiver", [BOB, TARGET, L2_STANDARD_BRIDGE, L2_CROSS_DOMAIN_MESSENGER])
@pytest.mark.parametrize("code", [ACCEPT, REVERT])
def test_ether_from_l1(sides: tuple[Side, Side], receiver: bytes, code: bytes) -> None:
    set_code(sides, TARGET, code)
    bridge = load_artefact("L2StandardBridge")
    for sender in (L1_BRIDGE, ALICE):
        for amount in (9, 8):
            message = encode_call(bridge, "finalizeBridgeETH", (ALICE, receiver, amount, b"extra"))
            agree(sides, from_l1(NONCE, sender, L2_STANDARD_BRIDGE, 9, message))


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        ("bridgeETH", (BRIDGE_GAS, b"extra"), 9),
        ("bridgeETHTo", (BOB, BRIDGE_GAS, b"extra"), 9),
        ("withdraw", (LEGACY_ETHER, 9, BRIDGE_GAS, b"extra"), 9),
        ("withdraw", (LEGACY_ETHER, 8, BRIDGE_GAS, b"extra"), 9),
        ("withdrawTo", (LEGACY_ETHER, BOB, 9, BRIDGE_GAS, b"extra"), 9),
        ("finalizeBridgeETH", (ALICE, BOB, 9, b"extra"), 9),
    ],
)
def test_ether_to_l1(sides: tuple[Side, Side], function: str, arguments: tuple[object, ...], value: int) -> None:
    agree(sides, (L2_STANDARD_BRIDGE, function, arguments, ALICE, value))


def test_tokens_from_l1_and_back(sides: tuple[Side, Side]) -> None:
    bridge = load_artefact("L2StandardBridge")
    for remote in (b"\x99" * 20, PHA):
        arguments = (PHA_TOKEN, remote, ALICE, BOB, 1_000, b"extra")
        message = encode_call(bridge, "finalizeBridgeERC20", arguments)
        agree(sides, from_l1(NONCE, L1_BRIDGE, L2_STANDARD_BRIDGE, 0, message))
    calls: list[tuple[str, tuple[object, ...], int]] = [
        ("withdraw", (PHA_TOKEN, 100, BRIDGE_GAS, b"extra"), 0),
        ("withdraw", (PHA_TOKEN, 100, BRIDGE_GAS, b"extra"), 1),
        ("withdrawTo", (PHA_TOKEN, ALICE, 100, BRIDGE_GAS, b"extra"), 0),
        ("bridgeERC20", (PHA_TOKEN, PHA, 100, BRIDGE_GAS, b"extra"), 0),
        ("bridgeERC20To", (PHA_TOKEN, PHA, ALICE, 100, BRIDGE_GAS, b"extra"), 0),
        ("bridgeERC20To", (PHA_TOKEN, ALICE, ALICE, 100, BRIDGE_GAS, b"extra"), 0),
        ("bridgeERC20To", (PHA_TOKEN, PHA, ALICE, 1_000, BRIDGE_GAS, b"extra"), 0),
    ]
    for function, arguments, value in calls:
        agree(sides, (L2_STANDARD_BRIDGE, function, arguments, BOB, value))


def test_tokens_of_l2_are_locked_and_released(sides: tuple[Side, Side]) -> None:
    bridge, remote = load_artefact("L2StandardBridge"), b"\x98" * 20
    agree(sides, (WETH9, "deposit", (), ALICE, 500))
    agree(sides, (WETH9, "approve", (L2_STANDARD_BRIDGE, 400), ALICE, 0))
    for amount in (300, 300):
        arguments = (WETH9, remote, BOB, amount, BRIDGE_GAS, b"extra")
        agree(sides, (L2_STANDARD_BRIDGE, "bridgeERC20To", arguments, ALICE, 0))
    for nonce, amount in enumerate((100, 201, 200), start=NONCE):
        message = encode_call(bridge, "finalizeBridgeERC20", (WETH9, remote, ALICE, BOB, amount, b""))
        agree(sides, from_l1(nonce, L1_BRIDGE, L2_STANDARD_BRIDGE, 0, message))
    agree(sides, (L2_STANDARD_BRIDGE, "deposits", (WETH9, remote), ALICE, 0))


def test_wrapped_ether(sides: tuple[Side, Side]) -> None:
    forever = 2**256 - 1
    calls: list[tuple[str, tuple[object, ...], bytes, int]] = [
        ("deposit", (), ALICE, 50),
        ("transfer", (BOB, 10), ALICE, 0),
        ("transfer", (BOB, 41), ALICE, 0),
        ("approve", (BOB, 20), ALICE, 0),
        ("transferFrom", (ALICE, TARGET, 15), BOB, 0),
        ("transferFrom", (ALICE, TARGET, 6), BOB, 0),
        ("approve", (BOB, forever), ALICE, 0),
        ("transferFrom", (ALICE, TARGET, 6), BOB, 0),
        ("allowance", (ALICE, BOB), BOB, 0),
        ("withdraw", (5,), BOB, 0),
        ("withdraw", (6,), BOB, 0),
        ("balanceOf", (BOB,), BOB, 0),
    ]
    for function, arguments, sender, value in calls:
        agree(sides, (WETH9, function, arguments, sender, value))


@pytest.mark.parametrize("vault", [SEQUENCER_FEE_VAULT, BASE_FEE_VAULT, L1_FEE_VAULT, OPERATOR_FEE_VAULT])
def test_vaults(sides: tuple[Side, Side], vault: bytes) -> None:
    def collect(amount: int) -> None:
        for side in sides:
            side.chain.state.set_balance(vault, amount)

    collect(1_000)
    agree(sides, (vault, "withdraw", (), ALICE, 0))
    for function, argument in (("setMinWithdrawalAmount", 500), ("setRecipient", BOB), ("setWithdrawalNetwork", 0)):
        agree(sides, (vault, function, (argument,), ALICE, 0))
        agree(sides, (vault, function, (argument,), OWNER, 0))
    for amount in (499, 500):
        collect(amount)
        agree(sides, (vault, "withdraw", (), ALICE, 0))


l1_values = st.tuples(
    # The real oracle multiplies this scalar by 16 in 32 bits, and reverts from 2**28 on.
    st.integers(0, 2**28 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 10**13),
    st.integers(0, 10**13),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
)
pieces = st.one_of(
    st.binary(max_size=100),
    st.builds(lambda piece, times: piece * times, st.binary(max_size=30), st.integers(1, 15)),
    st.integers(0, 300).map(bytes),
)


@given(l1_values, st.lists(pieces, max_size=3).map(b"".join), st.integers(0, 10**9))
@settings(max_examples=20)
def test_prices(new_sides: Callable[[], tuple[Side, Side]], values: tuple[int, ...], data: bytes, gas: int) -> None:
    sides = new_sides()
    base_scalar, blob_scalar, base_fee, blob_base_fee, operator_scalar, operator_constant = values
    attributes = (
        bytes.fromhex("098999be")
        + base_scalar.to_bytes(4, "big")
        + blob_scalar.to_bytes(4, "big")
        + bytes(24)
        + base_fee.to_bytes(32, "big")
        + blob_base_fee.to_bytes(32, "big")
        + bytes(64)
        + operator_scalar.to_bytes(4, "big")
        + operator_constant.to_bytes(8, "big")
    )
    for side in sides:
        assert side.call(L1_BLOCK, attributes, L1_ATTRIBUTES_DEPOSITOR, 0, 1_000_000).succeeded
    agree(sides, (GAS_PRICE_ORACLE, "getL1Fee", (data,), ALICE, 0))
    agree(sides, (GAS_PRICE_ORACLE, "getL1GasUsed", (data,), ALICE, 0))
    agree(sides, (GAS_PRICE_ORACLE, "getL1FeeUpperBound", (len(data),), ALICE, 0))
    agree(sides, (GAS_PRICE_ORACLE, "getOperatorFee", (gas,), ALICE, 0))


def test_the_factory_logs_the_same_of_tokens_at_addresses_of_their_own(sides: tuple[Side, Side]) -> None:
    factory = load_artefact("OptimismMintableERC20Factory")
    data = encode_call(factory, "createOptimismMintableERC20WithDecimals", (PHA, "A Token", "TKN", 6))
    outcomes = [side.call(OPTIMISM_MINTABLE_ERC20_FACTORY, data, ALICE, 0, 10_000_000) for side in sides]
    token = load_artefact("OptimismMintableERC20")
    answers = []
    for side, outcome in zip(sides, outcomes, strict=True):
        made = outcome.output[12:]
        logs = [[part.replace(made, b"token") for part in (*topics, data)] for _, topics, data in outcome.logs]
        views = ("name", "symbol", "decimals", "bridge", "remoteToken", "l1Token", "l2Bridge", "BRIDGE", "REMOTE_TOKEN")
        calls = [encode_call(token, view) for view in views]
        calls += [
            encode_call(token, "supportsInterface", (bytes.fromhex(i),)) for i in ("01ffc9a7", "ec4fc8e3", "1d1d8b63")
        ]
        answers.append((logs, [side.call(made, call, ALICE, 0, 1_000_000).output for call in calls]))
    assert answers[0] == answers[1]
