"""The vaults in which L2's fees collect."""

import pytest
from contract_chain import PROXY_ADMIN, Chain, Contract

from phal2.contracts import load_artefact
from phal2.node.protocol.predeploys import (
    BASE_FEE_VAULT,
    L1_FEE_VAULT,
    L2_TO_L1_MESSAGE_PASSER,
    OPERATOR_FEE_VAULT,
    SEQUENCER_FEE_VAULT,
)

OWNER = b"\x01" * 20
ANYONE = b"\x02" * 20
RECIPIENT = b"\x03" * 20
OTHER = b"\x04" * 20
MINIMUM = 1_000
ON_L1, ON_L2 = 0, 1
REVERT = bytes.fromhex("5f5ffd")
VAULTS = {
    "SequencerFeeVault": SEQUENCER_FEE_VAULT,
    "BaseFeeVault": BASE_FEE_VAULT,
    "L1FeeVault": L1_FEE_VAULT,
    "OperatorFeeVault": OPERATOR_FEE_VAULT,
}


@pytest.fixture(params=VAULTS)
def vault(request: pytest.FixtureRequest, chain: Chain) -> Contract:
    """Each of the vaults, which pays on L2; the fees are as the node credits them, without a call."""
    chain.place("ProxyAdmin", PROXY_ADMIN)
    chain.state.set_storage(PROXY_ADMIN, 0, int.from_bytes(OWNER, "big"))
    chain.place_behind_proxy("L2ToL1MessagePasser", L2_TO_L1_MESSAGE_PASSER)
    vault = chain.place_behind_proxy(request.param, VAULTS[request.param])
    vault.transact("initialize", RECIPIENT, MINIMUM, ON_L2, sender=ANYONE)
    return vault


def test_anybody_has_the_fees_sent_to_the_recipient(vault: Contract) -> None:
    vault.chain.state.set_balance(vault.address, 5_000)
    outcome = vault.transact("withdraw", sender=ANYONE)
    without_network, with_network = vault.events(outcome)
    assert without_network.arguments == {"value": 5_000, "to": RECIPIENT, "from": ANYONE}
    assert with_network.arguments == without_network.arguments | {"withdrawalNetwork": ON_L2}
    assert int.from_bytes(outcome.output, "big") == 5_000
    assert vault.chain.state.get_balance(RECIPIENT) == 5_000
    assert vault.chain.state.get_balance(vault.address) == 0
    assert vault.read("totalProcessed") == 5_000


def test_withdrawals_add_up(vault: Contract) -> None:
    for amount in (1_000, 2_500):
        vault.chain.state.set_balance(vault.address, amount)
        vault.transact("withdraw", sender=ANYONE)
    assert vault.read("totalProcessed") == 3_500 == vault.chain.state.get_balance(RECIPIENT)


def test_less_than_the_minimum_stays(vault: Contract) -> None:
    vault.chain.state.set_balance(vault.address, MINIMUM - 1)
    assert vault.refuse("withdraw", sender=OWNER) == f"BelowMinimum(balance: {MINIMUM - 1}, minimum: {MINIMUM})"


def test_fees_can_go_to_l1(vault: Contract) -> None:
    vault.transact("setWithdrawalNetwork", ON_L1, sender=OWNER)
    vault.chain.state.set_balance(vault.address, 5_000)
    outcome = vault.transact("withdraw", sender=ANYONE)
    assert vault.events(outcome)[1].arguments["withdrawalNetwork"] == ON_L1
    passer = Contract(vault.chain, load_artefact("L2ToL1MessagePasser"), L2_TO_L1_MESSAGE_PASSER)
    message = passer.event(outcome).arguments
    assert (message["sender"], message["target"], message["value"]) == (vault.address, RECIPIENT, 5_000)
    assert (message["gasLimit"], message["data"]) == (400_000, b"")


def test_fees_that_the_recipient_does_not_take_stay(vault: Contract) -> None:
    vault.chain.state.set_code(RECIPIENT, REVERT)
    vault.chain.state.set_balance(vault.address, 5_000)
    assert vault.refuse("withdraw", sender=ANYONE).startswith("TransferFailed(")
    assert vault.chain.state.get_balance(vault.address) == 5_000
    assert vault.read("totalProcessed") == 0


@pytest.mark.parametrize(
    ("setter", "views", "event", "old", "new"),
    [
        (
            "setMinWithdrawalAmount",
            ("minWithdrawalAmount", "MIN_WITHDRAWAL_AMOUNT"),
            "MinWithdrawalAmountUpdated",
            MINIMUM,
            7,
        ),
        ("setRecipient", ("recipient", "RECIPIENT"), "RecipientUpdated", RECIPIENT, OTHER),
        ("setWithdrawalNetwork", ("withdrawalNetwork", "WITHDRAWAL_NETWORK"), "WithdrawalNetworkUpdated", ON_L2, ON_L1),
    ],
)
def test_the_proxy_admins_owner_sets_how_fees_are_withdrawn(
    vault: Contract, setter: str, views: tuple[str, str], event: str, old: object, new: object
) -> None:
    assert [vault.read(view) for view in views] == [old, old]
    outcome = vault.transact(setter, new, sender=OWNER)
    assert (vault.event(outcome).name, list(vault.event(outcome).arguments.values())) == (event, [old, new])
    assert [vault.read(view) for view in views] == [new, new]
    assert vault.refuse(setter, old, sender=ANYONE).startswith("NotProxyAdminOwner(")


def test_a_recipient_is_wanted(vault: Contract) -> None:
    assert vault.refuse("setRecipient", bytes(20), sender=OWNER) == "ZeroRecipient()"


def test_a_vault_is_initialized_once(vault: Contract) -> None:
    assert vault.refuse("initialize", OTHER, 0, ON_L2, sender=OWNER) == "InvalidInitialization()"


def test_a_vault_takes_gifts(vault: Contract) -> None:
    vault.chain.state.set_balance(ANYONE, 5)
    assert vault.chain.transact(vault.address, b"", sender=ANYONE, value=5).succeeded
    assert vault.chain.state.get_balance(vault.address) == 5


def test_the_sequencers_vault_has_its_first_name_for_the_recipient(chain: Chain) -> None:
    vault = chain.place_behind_proxy("SequencerFeeVault", SEQUENCER_FEE_VAULT)
    vault.transact("initialize", RECIPIENT, 0, ON_L2, sender=ANYONE)
    assert vault.read("l1FeeWallet") == RECIPIENT
