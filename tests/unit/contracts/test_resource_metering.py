"""The market for L2 gas: what deposits burn on L1, and how the price follows demand."""

import pytest
from contract_chain import Contract
from hypothesis import given, settings
from hypothesis import strategies as st
from l1_world import ETHER, STRANGER, L1World

from phal2.node.protocol.addresses import contract_address

TARGET = b"\x71" * 20
GWEI = 10**9
LIMIT = 20_000_000
GAS_TARGET = 2_000_000
DENOMINATOR = 8
LARGEST_FEE = 2**128 - 1


@pytest.fixture
def portal() -> Contract:
    world = L1World.deployed()
    world.chain.state.set_balance(STRANGER, ETHER)
    return world.portal


def deposit(portal: Contract, gas: int) -> int:
    """Deposit, and return the L1 gas that it used."""
    return portal.transact("depositTransaction", TARGET, 0, gas, False, b"", sender=STRANGER).gas


def next_fee(fee: int, bought: int) -> int:
    """EIP-1559's rule in its integers."""
    if bought > GAS_TARGET:
        changed = fee + fee * (bought - GAS_TARGET) // (GAS_TARGET * DENOMINATOR)
    else:
        changed = fee - fee * (GAS_TARGET - bought) // (GAS_TARGET * DENOMINATOR)
    return min(max(changed, GWEI), LARGEST_FEE)


def test_the_price_begins_at_1_gwei(portal: Contract) -> None:
    price, bought, block = portal.read("params")
    assert (price, bought) == (GWEI, 0)
    assert block < portal.chain.block_number


@pytest.mark.parametrize("gas", [21_000, 100_000, 1_000_000, LIMIT])
def test_a_deposit_burns_what_its_gas_costs(portal: Contract, gas: int) -> None:
    least = deposit(portal, 21_000)
    used = deposit(portal, gas) if gas < LIMIT else deposit_alone(portal, gas)
    assert max(gas, least // 2) <= used <= gas + 25_000


def deposit_alone(portal: Contract, gas: int) -> int:
    portal.chain.pass_time(12)
    return deposit(portal, gas)


def test_a_higher_l1_base_fee_burns_less_gas(portal: Contract) -> None:
    portal.chain.base_fee = 4 * GWEI
    assert 1_000_000 <= deposit(portal, 4_000_000) <= 1_030_000


def test_an_l1_base_fee_below_1_gwei_does_not_burn_more(portal: Contract) -> None:
    portal.chain.base_fee = 1
    assert 1_000_000 <= deposit(portal, 1_000_000) <= 1_030_000


def test_a_transaction_with_less_gas_than_its_deposit_costs_fails(portal: Contract) -> None:
    data = portal.data("depositTransaction", TARGET, 0, 1_000_000, False, b"")
    assert not portal.chain.transact(portal.address, data, sender=STRANGER, gas=1_000_000).succeeded
    assert portal.chain.transact(portal.address, data, sender=STRANGER, gas=1_040_000).succeeded


def test_a_block_sells_what_an_l2_block_takes(portal: Contract) -> None:
    deposit(portal, LIMIT - 100_000)
    deposit(portal, 100_000)
    assert portal.read("params")[1] == LIMIT
    assert portal.refuse("depositTransaction", TARGET, 0, 21_000, False, b"", sender=STRANGER) == "OutOfGas()"
    portal.chain.pass_time(12)
    deposit(portal, 21_000)


def test_a_plain_transfer_buys_gas_too(portal: Contract) -> None:
    portal.chain.transact(portal.address, b"", sender=STRANGER, value=5)
    assert portal.read("params")[1] == 100_000


def test_ether_can_be_given_without_a_deposit(portal: Contract) -> None:
    outcome = portal.transact("donateETH", sender=STRANGER, value=5)
    assert portal.events(outcome) == []
    assert portal.read("params")[1] == 0


@given(purchases=st.lists(st.integers(21_000, LIMIT), min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_the_price_follows_demand_as_the_base_fee_does(purchases: list[int]) -> None:
    portal = L1World.deployed().portal
    portal.chain.base_fee = 1_000 * GWEI
    # The block after the market's opening is empty.
    expected = GWEI
    for gas in purchases:
        deposit(portal, gas)
        price, bought, block = portal.read("params")
        assert (price, bought, block) == (expected, gas, portal.chain.block_number)
        expected = next_fee(expected, gas)
        portal.chain.pass_time(12)


@pytest.mark.parametrize("empty", [1, 2, 3, 10, 100, 10**6])
def test_the_price_falls_in_empty_blocks(portal: Contract, empty: int) -> None:
    portal.chain.base_fee = 1_000 * GWEI
    for _ in range(8):
        deposit(portal, LIMIT)
        portal.chain.pass_time(12)
    price, bought, _ = portal.read("params")
    expected = next_fee(price, bought)
    for _ in range(min(empty, 200)):
        expected = next_fee(expected, 0)

    portal.chain.pass_time(12, blocks=empty)
    deposit(portal, 21_000)

    assert portal.read("params")[0] == pytest.approx(expected, rel=1e-6)


def test_a_creation_buys_gas_too(portal: Contract) -> None:
    portal.transact("depositTransaction", bytes(20), 0, 200_000, True, b"\x00", sender=STRANGER)
    assert portal.read("params")[1] == 200_000


def test_a_deposit_made_while_another_is_delivered_pays_for_itself(portal: Contract) -> None:
    """What a call before has burned is not taken off the price."""
    caller = contract_address(STRANGER, 77)
    selector_and_arguments = portal.data("depositTransaction", TARGET, 0, 1_000_000, False, b"")
    size = f"{len(selector_and_arguments):04x}"
    call = f"5f5f61{size}5f5f73{portal.address.hex()}5af150"
    # Copies the call data behind its code and calls the portal with it twice.
    head = f"61{size}60XX5f39" + call * 2 + "00"
    code = bytes.fromhex(head.replace("XX", f"{len(bytes.fromhex(head.replace('XX', '00'))):02x}"))
    portal.chain.state.set_code(caller, code + selector_and_arguments)
    outcome = portal.chain.transact(caller, b"", sender=STRANGER)
    assert len(portal.events(outcome)) == 2
    assert outcome.gas >= 2_000_000
