"""Where a rollup's contracts are, as files say it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.rollup_contracts import (
    ContractSource,
    UnknownContracts,
    source_from_contracts,
    source_from_rollup_config,
)

PORTAL = "0x" + "1a" * 20
CONFIG = "0x" + "2b" * 20
BRIDGE = "0x" + "3c" * 20


def test_addresses_by_name_with_or_without_proxy() -> None:
    expected = ContractSource(b"\x1a" * 20, b"\x2b" * 20, b"\x3c" * 20)

    plain = {"OptimismPortal": PORTAL, "SystemConfig": CONFIG, "L1StandardBridge": BRIDGE}
    assert source_from_contracts(plain) == expected
    assert source_from_contracts({f"{name}Proxy": address for name, address in plain.items()}) == expected


def test_what_a_devnet_prints_names_the_chains_too() -> None:
    printed = {"l1": {"chainId": 31337, "contracts": {"OptimismPortal": PORTAL}}, "l2": {"chainId": 20350}}

    source = source_from_contracts(printed)

    assert (source.portal, source.l1_chain_id, source.l2_chain_id) == (b"\x1a" * 20, 31337, 20350)


def test_a_rollup_configuration_of_any_chain_is_read() -> None:
    document = {
        "deposit_contract_address": PORTAL,
        "l1_system_config_address": CONFIG,
        "l1_chain_id": 1,
        "l2_chain_id": 10,
        "a_field_of_tomorrow": {},
    }

    source = source_from_rollup_config(document)

    assert source == ContractSource(b"\x1a" * 20, b"\x2b" * 20, None, 1, 10)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "expected a JSON object"),
        ({}, "lack OptimismPortal"),
        ({"OptimismPortal": "0x12"}, "OptimismPortal: expected an address"),
        ({"OptimismPortal": 5}, "OptimismPortal: expected an address"),
        ({"l1": {"contracts": 7}}, "l1.contracts: expected a JSON object"),
        ({"l1": {"contracts": {"OptimismPortal": PORTAL}, "chainId": "1"}}, "chainId: expected a chain id"),
    ],
)
def test_other_documents_are_refused_with_what_is_wrong(document: Any, reason: str) -> None:
    with pytest.raises(UnknownContracts, match=reason):
        source_from_contracts(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["l1", "l2", "contracts", "chainId", "OptimismPortal", "SystemConfig", "other"]), inner
        )
    ),
    max_leaves=10,
)


@given(JSON)
def test_no_document_does_anything_but_that(document: Any) -> None:
    for read in (source_from_contracts, source_from_rollup_config):
        try:
            read(document)
        except UnknownContracts:
            continue
