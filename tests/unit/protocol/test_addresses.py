import pytest
from eth_utils import to_checksum_address as oracle
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.addresses import alias_l1_address, contract_address, parse_address, to_checksum_address
from phal2.node.protocol.errors import InvalidEncoding

addresses = st.binary(min_size=20, max_size=20)


@given(addresses)
def test_the_checksum_is_that_of_eth_utils(address: bytes) -> None:
    text = to_checksum_address(address)
    assert text == oracle(address)
    assert parse_address(text) == parse_address(text.lower()) == parse_address("0x" + address.hex().upper()) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        "11" * 20,
        "0x" + "11" * 19,
        "0x" + "11" * 21,
        "0x" + "1g" * 20,
        "0x" + "1 " * 20,
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD".replace("Ae", "ae", 1),
    ],
)
def test_malformed_addresses_are_refused(text: str) -> None:
    with pytest.raises(InvalidEncoding):
        parse_address(text)


def test_an_address_of_another_length_has_no_text() -> None:
    with pytest.raises(InvalidEncoding, match="20 bytes, got 19"):
        to_checksum_address(bytes(19))


def test_contract_addresses_are_the_known_ones() -> None:
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    known = {0: "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", 1: "343c43a37d37dff08ae8c4a11544c718abb4fcf8"}
    for nonce, address in known.items():
        assert contract_address(sender, nonce).hex() == address


def test_aliases_wrap_around() -> None:
    assert alias_l1_address(bytes(20)).hex() == "1111000000000000000000000000000000001111"
    assert alias_l1_address(b"\xff" * 20).hex() == "1111000000000000000000000000000000001110"
