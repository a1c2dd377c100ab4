"""EIP-712 digests, against eth-account's."""

from typing import Any

import orjson
import pytest
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from phal2.devnet.typed_data import typed_data_digest
from phal2.node.protocol.keccak import keccak256
from phal2.node.rpc.errors import InvalidArgument

DOMAIN = {"name": "Ether Mail", "version": "1", "chainId": 20350, "verifyingContract": "0x" + "cc" * 20}
TYPES = {
    "EIP712Domain": [
        {"name": "name", "type": "string"},
        {"name": "version", "type": "string"},
        {"name": "chainId", "type": "uint256"},
        {"name": "verifyingContract", "type": "address"},
    ],
    "Person": [{"name": "name", "type": "string"}, {"name": "wallets", "type": "address[]"}],
    "Mail": [
        {"name": "from", "type": "Person"},
        {"name": "to", "type": "Person[]"},
        {"name": "contents", "type": "bytes"},
        {"name": "tag", "type": "bytes4"},
        {"name": "balance", "type": "int64"},
        {"name": "pairs", "type": "uint8[2][]"},
        {"name": "urgent", "type": "bool"},
    ],
}


def mail(**fields: Any) -> dict[str, Any]:
    person = {"name": "Bob", "wallets": ["0x" + "b0" * 20]}
    message = {
        "from": {"name": "Alice", "wallets": ["0x" + "a1" * 20, "0x" + "a2" * 20]},
        "to": [person, person],
        "contents": "0x010203",
        "tag": "0x01020304",
        "balance": -5,
        "pairs": [[1, 2], [3, 4]],
        "urgent": True,
        **fields,
    }
    return {"types": TYPES, "primaryType": "Mail", "domain": DOMAIN, "message": message}


def oracle(document: dict[str, Any]) -> bytes:
    signable = encode_typed_data(full_message=document)
    return keccak256(b"\x19" + signable.version + signable.header + signable.body)


def test_nested_structs_and_arrays():
    assert typed_data_digest(mail()) == oracle(mail())
    assert typed_data_digest(orjson.dumps(mail()).decode()) == oracle(mail())


def test_numbers_may_be_digits():
    assert typed_data_digest(mail(balance="-0x5")) == typed_data_digest(mail(balance="-5")) == oracle(mail())


def test_a_domain_without_a_type_has_the_fields_that_it_has():
    document = mail()
    document["types"] = {name: fields for name, fields in TYPES.items() if name != "EIP712Domain"}
    assert typed_data_digest(document) == oracle(mail())


@given(st.text(), st.binary(max_size=40), st.integers(-(1 << 63), (1 << 63) - 1), st.booleans())
def test_any_values(name: str, contents: bytes, balance: int, urgent: bool):
    fields = {"from": {"name": name, "wallets": []}, "contents": "0x" + contents.hex()}
    document = mail(**fields, balance=balance, urgent=urgent)
    assert typed_data_digest(document) == oracle(document)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"balance": 1 << 63}, "balance: 9223372036854775808 is no integer of 64 bits"),
        ({"balance": 1.5}, "balance: expected an integer"),
        ({"tag": "0x01"}, "tag: hex string has length 2, want 8"),
        ({"pairs": [[1]]}, "pairs: 1 items"),
        ({"to": 5}, "to: expected an array, got a number"),
        ({"from": "Alice"}, "Person: expected an object, got a string"),
        ({"urgent": 1}, "urgent: expected true or false"),
    ],
)
def test_values_that_are_not_of_their_types(fields: dict[str, Any], message: str):
    with pytest.raises(InvalidArgument) as caught:
        typed_data_digest(mail(**fields))
    assert message in str(caught.value)


def test_types_that_there_are_not():
    for kind in ("uint7", "uint264", "bytes33", "fixed", "Mail2", "bytes0"):
        with pytest.raises(InvalidArgument, match="unknown type"):
            typed_data_digest(
                {"types": {"A": [{"name": "x", "type": kind}]}, "primaryType": "A", "message": {"x": "0x"}}
            )


def test_data_that_nests_without_end_is_refused():
    value: Any = None
    for _ in range(200):
        value = {"next": value}
    document = {"types": {"A": [{"name": "next", "type": "A"}]}, "primaryType": "A", "message": value}
    with pytest.raises(InvalidArgument, match="nested deeper"):
        typed_data_digest(document)


@pytest.mark.parametrize("value", [5, "", "{", {}, {"types": []}, {"types": {"A": 5}}, {"types": {"A": [{}]}}])
def test_what_is_no_typed_data(value: Any):
    with pytest.raises(InvalidArgument):
        typed_data_digest(value)
