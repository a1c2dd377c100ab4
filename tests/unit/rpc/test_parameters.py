"""Parameters: what is read, and what geth says of what is not."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.rpc.block_overrides import parse_block_override
from phal2.node.rpc.block_reference import BlockReference, parse_block_reference
from phal2.node.rpc.call_arguments import parse_call
from phal2.node.rpc.errors import InvalidArgument
from phal2.node.rpc.hexadecimal import data, parse_data, parse_quantity, quantity
from phal2.node.rpc.log_filter import parse_log_filter
from phal2.node.rpc.parameter_types import StorageKey, parse_address, parse_boolean, parse_storage_key
from phal2.node.rpc.state_overrides import parse_state_overrides
from phal2.node.state.transaction_errors import FeeCapBelowBaseFee

HASH = "0x" + "ab" * 32
ADDRESS = "0x" + "11" * 20


@given(st.integers(0, 2**256 - 1))
def test_quantities_are_read_as_they_are_written(value: int):
    assert parse_quantity(quantity(value), 256) == value


@given(st.binary())
def test_data_is_read_as_it_is_written(value: bytes):
    assert parse_data(data(value)) == value


@given(st.text() | st.text("0x123abcdefABCDEF_ +-\u0661", max_size=6))
def test_no_text_breaks_the_parsers(text: str):
    for parse in (parse_data, parse_address, parse_storage_key, parse_block_reference, lambda t: parse_quantity(t, 64)):
        with contextlib.suppress(InvalidArgument):
            parse(text)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "empty hex string"),
        ("0x", 'hex string "0x"'),
        ("12", "hex string without 0x prefix"),
        ("0x01", "hex number with leading zero digits"),
        ("0x1g", "invalid hex string"),
        ("0x1_0", "invalid hex string"),
        ("0x" + "f" * 17, "hex number > 64 bits"),
        ("0x" + "f" * 1_000_000, "hex number > 64 bits"),
        (12, "expected a hex string, got a number"),
        (True, "expected a hex string, got a boolean"),
        ([], "expected a hex string, got an array"),
    ],
)
def test_wrong_quantities(value: object, message: str):
    with pytest.raises(InvalidArgument) as caught:
        parse_quantity(value, 64)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("0x1234", "hex string has length 4, want 40"),
        (ADDRESS + "11", "hex string has length 42, want 40"),
        (ADDRESS[2:], "hex string without 0x prefix"),
        ({}, "expected a hex string, got an object"),
        (None, "expected a hex string, got null"),
    ],
)
def test_wrong_addresses(value: object, message: str):
    with pytest.raises(InvalidArgument) as caught:
        parse_address(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "reference"),
    [
        ("latest", BlockReference(tag="latest")),
        ("finalized", BlockReference(tag="finalized")),
        ("0x0", BlockReference(number=0)),
        (HASH, BlockReference(hash=b"\xab" * 32)),
        ({"blockNumber": "0x5"}, BlockReference(number=5)),
        ({"blockNumber": "safe"}, BlockReference(tag="safe")),
        ({"blockHash": HASH}, BlockReference(hash=b"\xab" * 32)),
        (
            {"blockHash": HASH, "requireCanonical": True},
            BlockReference(hash=b"\xab" * 32, require_canonical=True),
        ),
    ],
)
def test_block_references(value: object, reference: BlockReference):
    assert parse_block_reference(value) == reference


@pytest.mark.parametrize(
    "value",
    [
        "newest",
        "5",
        "0x",
        "0x00",
        5,
        [],
        {},
        {"blockHash": HASH, "blockNumber": "0x1"},
        {"blockHash": "0x12"},
        "0x" + "f" * 16,
    ],
)
def test_wrong_block_references(value: object):
    with pytest.raises(InvalidArgument):
        parse_block_reference(value)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("0x0", StorageKey(0, "0x0")),
        ("0x00", StorageKey(0, "0x0")),
        ("0x1a", StorageKey(26, "0x1a")),
        ("0x" + "0" * 63 + "5", StorageKey(5, "0x" + "0" * 63 + "5")),
    ],
)
def test_storage_keys(value: str, key: StorageKey):
    assert parse_storage_key(value) == key


def test_wrong_storage_keys():
    with pytest.raises(InvalidArgument, match="storage key too long"):
        parse_storage_key("0x" + "0" * 65)
    with pytest.raises(InvalidArgument, match='invalid hex in storage key: "0xasdf"'):
        parse_storage_key("0xasdf")


def test_booleans_are_no_numbers():
    assert parse_boolean(False) is False
    with pytest.raises(InvalidArgument, match="expected true or false, got a number"):
        parse_boolean(0)


def test_a_call_object_with_all_its_fields():
    call = parse_call(
        {
            "from": ADDRESS,
            "to": ADDRESS,
            "gas": "0x5208",
            "maxFeePerGas": "0x10",
            "maxPriorityFeePerGas": "0x1",
            "value": "0x7",
            "input": "0x1234",
            "data": "0x1234",
            "nonce": "0x3",
            "chainId": "0x1",
            "type": "0x2",
            "somethingNew": {},
            "accessList": [{"address": ADDRESS, "storageKeys": [HASH]}],
            "authorizationList": [
                {"chainId": "0x1", "address": ADDRESS, "nonce": "0x0", "yParity": "0x1", "r": "0x5", "s": "0x6"}
            ],
        }
    )
    assert call.sender == call.to == b"\x11" * 20
    assert (call.gas, call.value, call.nonce, call.data) == (21_000, 7, 3, b"\x12\x34")
    assert call.access_list == ((b"\x11" * 20, (b"\xab" * 32,)),)
    assert call.authorization_list[0].y_parity == 1
    assert call.effective_gas_price(5) == 6
    assert call.effective_gas_price(15) == 16


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "expected a call object, got an array"),
        ({"to": "0x12"}, "field to: hex string has length 2, want 40"),
        ({"gas": "21000"}, "field gas: hex string without 0x prefix"),
        ({"input": "0x1", "data": "0x"}, "field input: hex string of odd length"),
        ({"input": "0x11", "data": "0x12"}, 'both "data" and "input" are set and not equal'),
        (
            {"gasPrice": "0x1", "maxFeePerGas": "0x1"},
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ),
        ({"accessList": {}}, "field accessList: expected an array of at most 10000 entries"),
        ({"accessList": [5]}, "field accessList: expected an entry {address, storageKeys}, got a number"),
        ({"authorizationList": [{}]}, "field authorizationList: missing required field 'chainId'"),
        ({"attestation": 5}, "field attestation: "),
        ({"attestation": {"kind": "0x1", "validUntil": "0x1", "evidence": ["zz"]}}, "field attestation: "),
    ],
)
def test_wrong_call_objects(value: object, message: str):
    with pytest.raises(InvalidArgument) as caught:
        parse_call(value)
    assert message in str(caught.value)


def test_a_cap_below_the_base_fee_is_refused():
    call = parse_call({"maxFeePerGas": "0x4"})
    with pytest.raises(FeeCapBelowBaseFee, match="maxFeePerGas: 4, baseFee: 5"):
        call.effective_gas_price(5)


def test_filters():
    parsed = parse_log_filter({"address": ADDRESS, "topics": [None, HASH, [HASH, "0x" + "00" * 32], []], "toBlock": ""})
    assert parsed.addresses == {b"\x11" * 20}
    assert [len(position) for position in parsed.topics] == [0, 1, 2, 0]
    assert parsed.to_block is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("all", "expected a filter object, got a string"),
        ({"topics": [HASH] * 5}, "exceed max topics"),
        ({"topics": HASH}, "topics: expected an array, got a string"),
        ({"topics": ["0x12"]}, "hex string has length 2, want 64"),
        ({"address": [ADDRESS] * 1_001}, "array of 1001 items, at most 1000 are allowed"),
        (
            {"blockHash": HASH, "fromBlock": "0x1"},
            "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other",
        ),
    ],
)
def test_wrong_filters(value: object, message: str):
    with pytest.raises(InvalidArgument) as caught:
        parse_log_filter(value)
    assert str(caught.value) == message


def test_overrides_that_are_not_supported_are_named():
    with pytest.raises(InvalidArgument, match="account override 'storage' is not supported"):
        parse_state_overrides({ADDRESS: {"storage": {}}})
    with pytest.raises(InvalidArgument, match="account has both 'state' and 'stateDiff'"):
        parse_state_overrides({ADDRESS: {"state": {}, "stateDiff": {}}})
    with pytest.raises(InvalidArgument, match="block override 'parentHash' is not supported"):
        parse_block_override({"parentHash": HASH})
