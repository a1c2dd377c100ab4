"""The ABI coder and the artefact loader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.contracts import (
    AbiError,
    DecodedEvent,
    UnknownArtefactError,
    artefact_names,
    decode_event,
    decode_result,
    decode_revert,
    encode_call,
    encode_constructor,
    event_topic,
    function_selector,
    load_artefact,
)

ADDRESS = bytes.fromhex("d8da6bf26964af9d7eed9e03e53415d37aa96045")
PAIR = [{"name": "owner", "type": "address"}, {"name": "amount", "type": "uint256"}]
ABI = [
    {"type": "function", "name": "set", "inputs": [{"name": "value", "type": "uint256"}], "outputs": []},
    {"type": "function", "name": "set", "inputs": [{"name": "value", "type": "address"}], "outputs": []},
    {"type": "function", "name": "set", "inputs": PAIR, "outputs": []},
    {
        "type": "function",
        "name": "pairs",
        "inputs": [{"name": "pairs", "type": "tuple[]", "components": PAIR}],
        "outputs": [{"name": "pairs", "type": "tuple[]", "components": PAIR}],
    },
    {"type": "function", "name": "name", "inputs": [], "outputs": [{"name": "", "type": "string"}]},
    {
        "type": "event",
        "name": "Stored",
        "anonymous": False,
        "inputs": [
            {"name": "owner", "type": "address", "indexed": True},
            {"name": "text", "type": "string", "indexed": True},
            {"name": "amount", "type": "uint256", "indexed": False},
        ],
    },
]
WORD_1 = (1).to_bytes(32, "big")
WORD_ADDRESS = ADDRESS.rjust(32, b"\x00")


def test_a_call_is_selector_and_arguments() -> None:
    # transfer(address,uint256) of ERC-20 has the selector 0xa9059cbb.
    call = encode_call(load_artefact("PHAToken"), "transfer", [ADDRESS, 1])
    assert call == bytes.fromhex("a9059cbb") + WORD_ADDRESS + WORD_1


def test_addresses_are_bytes_or_text() -> None:
    token = load_artefact("PHAToken")
    assert encode_call(token, "balanceOf", [ADDRESS]) == encode_call(token, "balanceOf", ["0x" + ADDRESS.hex()])


def test_overloads_go_by_number_of_arguments_or_signature() -> None:
    assert encode_call(ABI, "set", [ADDRESS, 1])[4:] == WORD_ADDRESS + WORD_1
    assert encode_call(ABI, "set(address)", [ADDRESS])[:4] == function_selector(ABI, "set(address)")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("get", [], "has no function get"),
        ("set", [1], "several functions"),
        ("set", [], "does not take 0 arguments"),
        ("set(uint256)", [-1], "do not fit"),
        ("set(uint256)", ["1"], "do not fit"),
        ("pairs", [[{"owner": ADDRESS}]], "has the fields owner, amount"),
        ("pairs", [[(ADDRESS,)]], "expected the 2 values"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(name: str, arguments: list[object], message: str) -> None:
    with pytest.raises(AbiError, match=message):
        encode_call(ABI, name, arguments)


def test_structs_are_mappings_or_tuples() -> None:
    as_mapping = encode_call(ABI, "pairs", [[{"amount": 1, "owner": ADDRESS}]])
    assert as_mapping == encode_call(ABI, "pairs", [[(ADDRESS, 1)]])
    assert decode_result(ABI, "pairs", as_mapping[4:]) == (((ADDRESS, 1),),)


def test_creation_data_is_code_and_arguments() -> None:
    gate = load_artefact("WorkloadGate")
    assert encode_constructor(gate, [WORD_1]) == gate.bytecode + WORD_1
    assert encode_constructor(load_artefact("SystemConfig")) == load_artefact("SystemConfig").bytecode
    with pytest.raises(AbiError, match="the constructor of WorkloadGate takes 1 arguments, got 0"):
        encode_constructor(gate)


def test_an_event_comes_with_names_and_hashes_of_indexed_text() -> None:
    topics = [event_topic(ABI, "Stored"), WORD_ADDRESS, b"\x99" * 32]
    expected = {"owner": ADDRESS, "text": b"\x99" * 32, "amount": 1}
    assert decode_event(ABI, topics, WORD_1) == DecodedEvent("Stored", expected)


@pytest.mark.parametrize("topics", [[], [b"\x01" * 32], [event_topic(ABI, "Stored")]])
def test_an_unknown_event_is_refused(topics: list[bytes]) -> None:
    with pytest.raises(AbiError, match="no event"):
        decode_event(ABI, topics, WORD_1)


def test_an_unnamed_event_has_no_topic() -> None:
    with pytest.raises(AbiError, match="no event Unknown"):
        event_topic(ABI, "Unknown")


def test_no_code_answers_nothing() -> None:
    with pytest.raises(AbiError, match="0 bytes are not the result of balanceOf"):
        decode_result(load_artefact("PHAToken"), "balanceOf", b"")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", "reverted without data"),
        (
            "08c379a0" + (32).to_bytes(32, "big").hex() + (2).to_bytes(32, "big").hex() + b"no".ljust(32, b"\0").hex(),
            "no",
        ),
        ("4e487b71" + (0x11).to_bytes(32, "big").hex(), "panic 0x11: arithmetic overflow or underflow"),
        ("4e487b71" + (0x99).to_bytes(32, "big").hex(), "panic 0x99: unknown code"),
        ("08c379a0", "reverted with 0x08c379a0"),
        ("01020304", "reverted with 0x01020304"),
        ("ff" * 300, "reverted with 0x" + "ff" * 256 + "…"),
    ],
)
def test_revert_data_is_explained(data: str, text: str) -> None:
    assert decode_revert([load_artefact("PHAClaims")], bytes.fromhex(data)) == text


@given(reason=st.text(max_size=400))
def test_a_reason_is_one_line_of_text_whatever_the_contract_says(reason: str) -> None:
    content = reason.encode()
    head = bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + len(content).to_bytes(32, "big")

    shown = decode_revert([], head + content.ljust(-(-len(content) // 32) * 32, b"\0"))

    assert shown.isprintable()
    assert len(shown) <= 257
    assert not reason.isprintable() or shown.startswith(reason[:256])


@given(data=st.binary(max_size=300), selector=st.sampled_from(["", "08c379a0", "4e487b71"]))
def test_no_revert_data_makes_the_decoder_fail(data: bytes, selector: str) -> None:
    assert isinstance(decode_revert([load_artefact("PHAClaims")], bytes.fromhex(selector) + data), str)


def words(values: list[int]) -> bytes:
    return b"".join(value.to_bytes(32, "big") for value in values)


WORD_LISTS = st.lists(st.sampled_from([0, 1, 32, 64, 96, 2**63, 2**64, 2**255, 2**256 - 1]), max_size=12).map(words)


@given(data=WORD_LISTS)
@pytest.mark.parametrize("function", ["pairs", "name"])
def test_hostile_results_are_refused_as_abi_errors(function: str, data: bytes) -> None:
    try:
        decode_result(ABI, function, data)
    except AbiError:
        return


@given(owner=st.binary(min_size=20, max_size=20), amount=st.integers(min_value=0, max_value=2**256 - 1))
def test_values_come_back(owner: bytes, amount: int) -> None:
    encoded = encode_call(ABI, "pairs", [[(owner, amount)]])[4:]
    assert decode_result(ABI, "pairs", encoded) == (((owner, amount),),)


def test_an_unknown_artefact_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownArtefactError, match=r"no contract artefact 'Phala'.* PHAClaims, ") as refusal:
        load_artefact("Phala")
    assert refusal.value.known == artefact_names()


def test_an_artefact_is_loaded_once() -> None:
    assert load_artefact("Proxy") is load_artefact("Proxy")
