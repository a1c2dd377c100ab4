"""What the L2 predeploys answer, wrapped ether and the token factory, beside the code of a real chain."""

import pytest
from predeploy_sides import ALICE, BOB, PHA, PREDEPLOYS, TARGET, NewSides, Side, agree

from phal2.contracts import encode_call, load_artefact
from phal2.node.protocol.predeploys import (
    BASE_FEE_VAULT,
    GAS_PRICE_ORACLE,
    L1_BLOCK_NUMBER,
    L1_FEE_VAULT,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_STANDARD_BRIDGE,
    OPERATOR_FEE_VAULT,
    OPTIMISM_MINTABLE_ERC20_FACTORY,
    PROXY_ADMIN,
    SEQUENCER_FEE_VAULT,
    WETH9,
)

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
def test_views_answer_the_same(new_sides: NewSides, predeploy: bytes, view: str) -> None:
    agree(new_sides(), (predeploy, view, (), ALICE, 0))


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
