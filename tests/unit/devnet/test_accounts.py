"""Accounts of a mnemonic, held against eth-account's own derivation and BIP-32's published vector."""

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from phal2.devnet import accounts as accounts_module
from phal2.devnet.accounts import (
    DEFAULT_MNEMONIC,
    MAXIMUM_ACCOUNT_COUNT,
    accounts_of_mnemonic,
    role_account,
)
from phal2.node.protocol.configuration_fields import InvalidConfiguration
from phal2.node.protocol.signatures import SECP256K1_ORDER

WELL_KNOWN = [
    (
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    ),
    (
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    ),
    (
        "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
        "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    ),
]


def test_the_well_known_mnemonic_gives_the_well_known_accounts() -> None:
    accounts = accounts_of_mnemonic(DEFAULT_MNEMONIC, 3)

    assert [(account.checksum_address, account.private_key.hex()) for account in accounts] == WELL_KNOWN


@given(st.sampled_from([16, 20, 24, 28, 32]).flatmap(lambda length: st.binary(min_size=length, max_size=length)))
def test_any_mnemonic_gives_the_accounts_that_wallets_derive(entropy: bytes) -> None:
    Account.enable_unaudited_hdwallet_features()
    words = Mnemonic("english").to_mnemonic(entropy)

    accounts = accounts_of_mnemonic(words, 2)

    for index, account in enumerate(accounts):
        theirs = Account.from_mnemonic(words, account_path=f"m/44'/60'/0'/0/{index}")
        assert (account.checksum_address, account.private_key) == (theirs.address, bytes(theirs.key))


def test_keys_are_derived_as_in_bip_32_test_vector_1() -> None:
    # The chain m/0'/1 of the seed 000102…0f; keys as in BIP-32, decoded from its xprv texts.
    key, chain_code = accounts_module._master_key(bytes(range(16)))
    assert key.hex() == "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35"

    key, chain_code = accounts_module._child_key(key, chain_code, accounts_module._HARDENED)
    assert key.hex() == "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea"

    key, chain_code = accounts_module._child_key(key, chain_code, 1)
    assert key.hex() == "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368"
    assert chain_code.hex() == "2a7857631386ba23dacac34180dd1983734e444fdbf774041578e9b6adb37c19"


@pytest.mark.parametrize(
    "words",
    ["", "test", "test " * 11 + "tset", "test " * 12, DEFAULT_MNEMONIC.upper() + " extra", "проверка " * 12],
)
def test_a_phrase_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(InvalidConfiguration, match="BIP-39"):
        accounts_of_mnemonic(words, 1)


@pytest.mark.parametrize("count", [0, -1, MAXIMUM_ACCOUNT_COUNT + 1])
def test_a_count_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(InvalidConfiguration, match=f"{count} accounts asked for"):
        accounts_of_mnemonic(DEFAULT_MNEMONIC, count)


@given(st.text(max_size=20), st.text(max_size=20))
def test_roles_have_keys_of_their_own(one: str, other: str) -> None:
    ours, theirs = role_account(one), role_account(other)

    assert 0 < int.from_bytes(ours.private_key, "big") < SECP256K1_ORDER
    assert (ours == theirs) == (one == other)
    assert Account.from_key(ours.private_key).address == ours.checksum_address
