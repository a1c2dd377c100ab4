"""The chain's settings on L1, and what an L2 node reads of their changes."""

import pytest
from contract_chain import Contract, Outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from l1_world import BATCHER, DEPLOYER, OWNER, PARAMETERS, STRANGER, L1World

from phal2.devnet.deployment import planned_l1_contracts
from phal2.node.derivation.system_config_updates import updated_system_config
from phal2.node.protocol.receipts import Log, Receipt
from phal2.node.protocol.rollup_config import SystemConfig, ecotone_scalar

BEFORE = SystemConfig(b"\xee" * 20, bytes(32), ecotone_scalar(9, 9), 9, 9, 9, 9, 9)

uint32 = st.integers(0, 2**32 - 1)
uint64 = st.integers(0, 2**64 - 1)


@pytest.fixture(scope="module")
def config() -> Contract:
    return L1World.deployed().system_config


def after(config: Contract, outcome: Outcome, before: SystemConfig = BEFORE) -> SystemConfig:
    """What a node's system configuration is after the transaction."""
    logs = tuple(Log(address, topics, data) for address, topics, data in outcome.logs)
    return updated_system_config(before, [Receipt(2, 1, 0, b"", logs)], config.address)


def test_it_begins_with_the_genesis_settings(config: Contract) -> None:
    genesis = PARAMETERS.system_config
    views = {
        "owner": OWNER,
        "guardian": OWNER,
        "batcherHash": BATCHER.rjust(32, b"\0"),
        "gasLimit": genesis.gas_limit,
        "basefeeScalar": genesis.base_fee_scalar,
        "blobbasefeeScalar": genesis.blob_base_fee_scalar,
        "scalar": int.from_bytes(genesis.scalar, "big"),
        "overhead": 0,
        "batchInbox": PARAMETERS.batch_inbox,
        "l2ChainId": PARAMETERS.l2_chain_id,
        "unsafeBlockSigner": bytes(20),
        "minimumGasLimit": 21_000_000,
        "maximumGasLimit": 500_000_000,
        "startBlock": 1,
        "paused": False,
    }
    assert {view: config.read(view) for view in views} == views


def test_it_knows_the_bridges_contracts(config: Contract) -> None:
    planned = planned_l1_contracts(DEPLOYER)
    # The order is that of the OP Stack's struct, as which tools decode it.
    addresses = {
        "l1CrossDomainMessenger": planned.l1_cross_domain_messenger,
        "l1ERC721Bridge": bytes(20),
        "l1StandardBridge": planned.l1_standard_bridge,
        "optimismPortal": planned.optimism_portal,
        "optimismMintableERC20Factory": planned.optimism_mintable_erc20_factory,
    }
    assert config.read("getAddresses") == tuple(addresses.values())
    assert {view: config.read(view) for view in addresses} == addresses
    assert config.read("disputeGameFactory") == planned.dispute_game_factory


@given(address=st.binary(min_size=20, max_size=20))
@settings(max_examples=10)
def test_nodes_follow_the_batcher(config: Contract, address: bytes) -> None:
    outcome = config.transact("setBatcherHash", address.rjust(32, b"\0"), sender=OWNER)
    assert after(config, outcome).batcher_address == address


@given(base=uint32, blob=uint32)
@settings(max_examples=10)
def test_nodes_follow_the_fee_scalars(config: Contract, base: int, blob: int) -> None:
    outcome = config.transact("setGasConfigEcotone", base, blob, sender=OWNER)
    assert after(config, outcome).scalar == ecotone_scalar(base, blob)
    assert (config.read("basefeeScalar"), config.read("blobbasefeeScalar")) == (base, blob)


@given(limit=st.integers(21_000_000, 500_000_000))
@settings(max_examples=10)
def test_nodes_follow_the_gas_limit(config: Contract, limit: int) -> None:
    outcome = config.transact("setGasLimit", limit, sender=OWNER)
    assert after(config, outcome).gas_limit == limit == config.read("gasLimit")


@given(denominator=st.integers(1, 2**32 - 1), elasticity=st.integers(1, 2**32 - 1))
@settings(max_examples=10)
def test_nodes_follow_the_base_fees_parameters(config: Contract, denominator: int, elasticity: int) -> None:
    outcome = config.transact("setEIP1559Params", denominator, elasticity, sender=OWNER)
    followed = after(config, outcome)
    assert (followed.eip1559_denominator, followed.eip1559_elasticity) == (denominator, elasticity)
    assert (config.read("eip1559Denominator"), config.read("eip1559Elasticity")) == (denominator, elasticity)


@given(scalar=uint32, constant=uint64)
@settings(max_examples=10)
def test_nodes_follow_the_operator_fee(config: Contract, scalar: int, constant: int) -> None:
    outcome = config.transact("setOperatorFeeScalars", scalar, constant, sender=OWNER)
    followed = after(config, outcome)
    assert (followed.operator_fee_scalar, followed.operator_fee_constant) == (scalar, constant)
    assert (config.read("operatorFeeScalar"), config.read("operatorFeeConstant")) == (scalar, constant)


def test_the_unsafe_block_signer_is_nothing_to_a_deriving_node(config: Contract) -> None:
    outcome = config.transact("setUnsafeBlockSigner", STRANGER, sender=OWNER)
    assert config.event(outcome).arguments["updateType"] == 3
    assert after(config, outcome) == BEFORE


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (("setBatcherHash", b"\x01" + bytes(31)), "InvalidBatcherHash("),
        (("setGasLimit", 20_999_999), "GasLimitOutOfBounds(gasLimit: 20999999, minimum: 21000000, maximum: 500000000)"),
        (("setGasLimit", 500_000_001), "GasLimitOutOfBounds("),
        (("setEIP1559Params", 0, 1), "ZeroEip1559Parameter("),
        (("setEIP1559Params", 1, 0), "ZeroEip1559Parameter("),
        (("setGuardian", bytes(20)), "ZeroGuardian()"),
        (("transferOwnership", bytes(20)), "ZeroOwner()"),
        (
            ("initialize", STRANGER, 0, 0, bytes(32), 0, STRANGER, STRANGER, [STRANGER] * 5, 1),
            "InvalidInitialization()",
        ),
    ],
)
def test_what_nodes_could_not_follow_is_refused(config: Contract, call: tuple[object, ...], error: str) -> None:
    name, *arguments = call
    assert config.refuse(str(name), *arguments, sender=OWNER).startswith(error)


@pytest.mark.parametrize(
    "call",
    [
        ("setBatcherHash", bytes(32)),
        ("setGasConfigEcotone", 1, 1),
        ("setGasLimit", 30_000_000),
        ("setUnsafeBlockSigner", STRANGER),
        ("setEIP1559Params", 1, 1),
        ("setOperatorFeeScalars", 1, 1),
        ("setGuardian", STRANGER),
        ("transferOwnership", STRANGER),
        ("renounceOwnership",),
    ],
)
def test_the_owner_alone_changes_settings(config: Contract, call: tuple[object, ...]) -> None:
    name, *arguments = call
    assert config.refuse(str(name), *arguments, sender=STRANGER).startswith("NotOwner(")


def test_the_guardian_alone_pauses(config: Contract) -> None:
    own = L1World(config.chain.copy()).system_config
    own.transact("setGuardian", STRANGER, sender=OWNER)
    assert own.refuse("pause", sender=OWNER).startswith("NotGuardian(")
    assert own.event(own.transact("pause", sender=STRANGER)).name == "Paused"
    assert own.read("paused") is True
    assert own.refuse("unpause", sender=OWNER).startswith("NotGuardian(")
    assert own.event(own.transact("unpause", sender=STRANGER)).name == "Unpaused"
    assert own.read("paused") is False


def test_deposits_can_buy_what_an_l2_block_takes(config: Contract) -> None:
    assert config.read("resourceConfig") == (20_000_000, 10, 8, 10**9, 1_000_000, 2**128 - 1)


@pytest.mark.parametrize(("gas_limit", "limit"), [(2_000_000, 1_000_000), (10_000_000, 9_000_000), (10**8, 20_000_000)])
def test_a_small_chain_takes_fewer_deposits_for_good(config: Contract, gas_limit: int, limit: int) -> None:
    chain = config.chain.copy()
    implementation = chain.deploy("SystemConfig", sender=STRANGER)
    proxy = chain.deploy("Proxy", STRANGER, sender=STRANGER)
    arguments = (OWNER, 0, 0, bytes(32), gas_limit, bytes(20), bytes(20), [bytes(20)] * 5, 1)
    data = implementation.data("initialize", *arguments)
    proxy.transact("upgradeToAndCall", implementation.address, data, sender=STRANGER)
    small = Contract(chain, implementation.artefact, proxy.address)
    assert small.read("resourceConfig")[0] == limit
    assert small.read("minimumGasLimit") == limit + 1_000_000
    small.transact("setGasLimit", 500_000_000, sender=OWNER)
    assert small.read("resourceConfig")[0] == limit
    assert small.refuse("setGasLimit", limit, sender=OWNER).startswith("GasLimitOutOfBounds(")
