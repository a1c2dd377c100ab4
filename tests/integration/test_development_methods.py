"""The development methods of L1 and sequencer, asked by web3.py of a running devnet."""

from collections.abc import Iterator
from typing import Any

import pytest
from chain_actions import deploy
from web3 import Web3
from web3.types import RPCEndpoint

from phal2.devnet.process import DevnetProcess, Endpoint, RequestRefused

STRANGER = Web3.to_checksum_address("0x" + "5a" * 20)
RECEIVER = Web3.to_checksum_address("0x" + "0e" * 20)
ETHER = 10**18
FIRST_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"


@pytest.fixture(scope="module")
def still() -> Iterator[DevnetProcess]:
    """A devnet of this file's own, with blocks ten minutes apart: each is sealed when a test asks for it."""
    with DevnetProcess.start("--l1-block-time", "600", "--l2-block-time", "600") as running:
        yield running


@pytest.fixture
def chain(still: DevnetProcess) -> Iterator[Web3]:
    """Web3 on its L1, which returns to where it was."""
    web3 = Web3(Web3.HTTPProvider(still.l1.url))
    snapshot = ask(web3, "evm_snapshot")
    yield web3
    ask(web3, "evm_revert", snapshot)


def ask(web3: Web3, method: str, *parameters: Any) -> Any:
    answer = web3.provider.make_request(RPCEndpoint(method), list(parameters))
    assert "error" not in answer, answer
    return answer["result"]


@pytest.mark.parametrize(("prefix", "answer"), [("anvil", None), ("hardhat", True)])
def test_accounts_are_edited_at_once_without_a_new_block(chain: Web3, prefix: str, answer: bool | None) -> None:
    head = chain.eth.get_block("latest")

    answers = [
        ask(chain, f"{prefix}_setBalance", STRANGER, hex(3 * ETHER)),
        ask(chain, f"{prefix}_setNonce", STRANGER, 7),
        ask(chain, f"{prefix}_setCode", STRANGER, "0x6001"),
        ask(chain, f"{prefix}_setStorageAt", STRANGER, "0x2", "0x" + "00" * 31 + "2a"),
    ]

    assert answers == [answer, answer, answer, True]
    for _ in range(2):
        assert chain.eth.get_balance(STRANGER) == 3 * ETHER
        assert chain.eth.get_transaction_count(STRANGER) == 7
        assert chain.eth.get_code(STRANGER) == b"\x60\x01"
        assert int.from_bytes(chain.eth.get_storage_at(STRANGER, 2), "big") == 42
        ask(chain, "evm_mine")
    assert chain.eth.get_block(head["number"]) == head


def test_edited_code_is_called_and_traced(chain: Web3) -> None:
    # returns the word 1 of its own storage
    ask(chain, "anvil_setCode", STRANGER, "0x6001545f5260205ff3")
    ask(chain, "anvil_setStorageAt", STRANGER, "0x1", hex(99))

    assert int.from_bytes(chain.eth.call({"to": STRANGER}), "big") == 99
    sender = chain.eth.accounts[0]
    transaction_hash = chain.eth.send_transaction({"from": sender, "to": STRANGER})
    ask(chain, "evm_mine")
    trace = ask(chain, "debug_traceTransaction", transaction_hash.to_0x_hex(), {"tracer": "callTracer"})
    assert int(trace["output"], 16) == 99


def test_a_contract_can_be_impersonated(chain: Web3) -> None:
    owner = chain.eth.account.from_key(FIRST_KEY)
    notebook = deploy(chain, owner, "Notebook")
    ask(chain, "hardhat_setBalance", notebook.address, hex(ETHER))
    with pytest.raises(Exception, match="impersonate them"):
        chain.eth.send_transaction({"from": notebook.address, "to": RECEIVER, "value": 5})

    assert ask(chain, "hardhat_impersonateAccount", notebook.address)
    assert notebook.address in chain.eth.accounts
    transaction_hash = chain.eth.send_transaction({"from": notebook.address, "to": RECEIVER, "value": 5})
    ask(chain, "evm_mine")

    receipt = chain.eth.get_transaction_receipt(transaction_hash)
    transaction = chain.eth.get_transaction(transaction_hash)
    assert (receipt["status"], receipt["from"], transaction["from"]) == (1, notebook.address, notebook.address)
    raw = ask(chain, "eth_getRawTransactionByHash", transaction_hash.to_0x_hex())
    assert Web3.keccak(hexstr=raw) == transaction_hash
    assert ask(chain, "hardhat_stopImpersonatingAccount", notebook.address)
    with pytest.raises(Exception, match="the key of"):
        chain.eth.send_transaction({"from": notebook.address, "to": RECEIVER, "value": 5})


def test_all_accounts_can_be_impersonated(chain: Web3) -> None:
    ask(chain, "anvil_setBalance", STRANGER, hex(ETHER))
    ask(chain, "anvil_autoImpersonateAccount", True)
    transaction_hash = chain.eth.send_transaction({"from": STRANGER, "to": RECEIVER, "value": 5, "gasPrice": 10**10})
    ask(chain, "anvil_autoImpersonateAccount", False)
    ask(chain, "evm_mine")

    assert chain.eth.get_transaction_receipt(transaction_hash)["from"] == STRANGER


def test_transactions_are_dropped_from_the_pool(chain: Web3) -> None:
    sender = chain.eth.accounts[1]

    def pending() -> list[str]:
        """What the pool has of the sender: the batcher may have transactions of its own there."""
        return [
            transaction["hash"]
            for address, by_nonce in ask(chain, "txpool_content")["pending"].items()
            for transaction in by_nonce.values()
            if Web3.to_checksum_address(address) == sender
        ]

    first, second, third = [
        chain.eth.send_transaction({"from": sender, "to": RECEIVER, "value": value}).to_0x_hex() for value in range(3)
    ]

    assert ask(chain, "anvil_dropTransaction", third) == third
    assert ask(chain, "anvil_dropTransaction", third) is None
    assert ask(chain, "hardhat_dropTransaction", second) is True
    assert pending() == [first]
    ask(chain, "evm_mine")
    with pytest.raises(AssertionError, match="a block has it already"):
        ask(chain, "hardhat_dropTransaction", first)
    last = chain.eth.send_transaction({"from": sender, "to": RECEIVER}).to_0x_hex()
    assert pending() == [last]
    ask(chain, "anvil_dropAllTransactions")
    assert pending() == []


def test_the_next_header_is_chosen(chain: Web3) -> None:
    ask(chain, "hardhat_setNextBlockBaseFeePerGas", hex(7))
    ask(chain, "hardhat_setCoinbase", STRANGER)
    ask(chain, "hardhat_setPrevRandao", "0x" + "77" * 32)
    ask(chain, "evm_setBlockGasLimit", hex(20_000_000))
    ask(chain, "evm_mine")
    chosen = chain.eth.get_block("latest")
    ask(chain, "evm_mine")
    following = chain.eth.get_block("latest")

    assert (chosen["baseFeePerGas"], chosen["miner"], chosen["gasLimit"]) == (7, STRANGER, 20_000_000)
    assert (following["baseFeePerGas"], following["miner"], following["gasLimit"]) == (7, STRANGER, 20_000_000)
    raw = [ask(chain, "eth_getBlockByNumber", hex(block["number"]), False) for block in (chosen, following)]
    assert [block["mixHash"] == "0x" + "77" * 32 for block in raw] == [True, False]


@pytest.mark.parametrize(
    ("method", "parameters", "answer", "blocks"),
    [
        ("evm_mine", (), "0x0", 1),
        ("evm_mine", ({"blocks": 3},), "0x0", 3),
        ("evm_mine", (2,), "0x0", 2),
        ("anvil_mine", (), None, 1),
        ("anvil_mine", (4,), None, 4),
        ("hardhat_mine", ("0x5",), True, 5),
    ],
)
@pytest.mark.parametrize("side", ["l1", "l2"])
def test_blocks_are_mined_on_demand(
    still: DevnetProcess, side: str, method: str, parameters: tuple[Any, ...], answer: Any, blocks: int
) -> None:
    endpoint: Endpoint = getattr(still, side)
    before = endpoint.block_number()

    assert endpoint.request(method, *parameters) == answer
    assert endpoint.block_number() == before + blocks


@pytest.mark.parametrize("side", ["l1", "l2"])
def test_the_module_testing_of_web3_works(still: DevnetProcess, side: str) -> None:
    web3 = Web3(Web3.HTTPProvider(getattr(still, side).url))
    before = web3.eth.get_block("latest")

    web3.testing.snapshot()
    web3.testing.mine()
    web3.testing.mine(2)
    mined = web3.eth.get_block("latest")
    web3.testing.timeTravel(mined["timestamp"] + 1_200)
    pending = web3.eth.get_block("pending")
    web3.testing.revert()
    # The time of L1 does not go back, so a block of that time may follow at once.
    after = web3.eth.block_number
    web3.testing.mine(3)
    web3.testing.reset()

    assert mined["number"] == before["number"] + 3
    assert pending["timestamp"] >= mined["timestamp"] + 1_200
    assert before["number"] <= after <= before["number"] + 1
    assert web3.eth.block_number < after + 3


@pytest.mark.parametrize("side", ["l1", "l2"])
def test_too_many_blocks_are_refused(still: DevnetProcess, side: str) -> None:
    with pytest.raises(RequestRefused, match="at most 3600 blocks can be mined in a call"):
        getattr(still, side).request("hardhat_mine", 3_601)


def test_l2_refuses_what_a_rollup_cannot_have(still: DevnetProcess) -> None:
    refusals: list[tuple[str, list[Any], str]] = [
        ("anvil_setNextBlockBaseFeePerGas", ["0x1"], "every follower computes it"),
        ("hardhat_setCoinbase", [STRANGER], "SequencerFeeVault"),
        ("hardhat_setPrevRandao", ["0x" + "00" * 32], "set it on L1"),
        ("evm_setBlockGasLimit", ["0x1"], "system configuration"),
        ("anvil_reorg", [1], "call it there"),
        ("evm_setIntervalMining", [5], "600 s apart"),
        ("anvil_mine", [2, 5], "600 s apart"),
        ("evm_mine", [3_601], "timestamps must rise"),
        ("anvil_reset", [{"forking": {"jsonRpcUrl": "http://localhost"}}], "cannot fork"),
    ]
    for method, parameters, reason in refusals:
        with pytest.raises(RequestRefused, match=reason):
            still.l2.request(method, *parameters)


def test_the_state_of_a_chain_with_a_batcher_is_not_edited(still: DevnetProcess) -> None:
    for method, *parameters in (
        ("anvil_setBalance", STRANGER, "0x1"),
        ("hardhat_setCode", STRANGER, "0x00"),
        ("anvil_setNonce", STRANGER, 1),
        ("hardhat_setStorageAt", STRANGER, "0x0", "0x1"),
        ("anvil_loadState", still.l2.request("anvil_dumpState")),
        ("anvil_impersonateAccount", STRANGER),
        ("anvil_autoImpersonateAccount", True),
    ):
        with pytest.raises(RequestRefused, match="--allow-state-edits"):
            still.l2.request(method, *parameters)


def test_automine_seals_an_l2_block_for_each_transaction() -> None:
    with DevnetProcess.start("--l1-block-time", "600", "--l2-block-time", "600") as devnet:
        web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
        assert ask(web3, "anvil_getAutomine") is False
        ask(web3, "evm_setAutomine", True)
        assert ask(web3, "hardhat_getAutomine") is True

        blocks = [
            web3.eth.get_transaction_receipt(
                web3.eth.send_transaction({"from": web3.eth.accounts[2], "to": RECEIVER, "value": 1})
            )["blockNumber"]
            for _ in range(8)
        ]

        assert blocks == list(range(blocks[0], blocks[0] + 8))
        times = [web3.eth.get_block(number)["timestamp"] for number in blocks]
        assert times == list(range(times[0], times[0] + 8 * 600, 600))
        assert web3.eth.get_balance(RECEIVER) == 8


def test_its_name_begins_as_hardhats_network_helpers_demand_and_then_says_what_it_is(still: DevnetProcess) -> None:
    for endpoint in (still.l1, still.l2):
        version = endpoint.request("web3_clientVersion")

        assert version.startswith("anvil-compatible phal2/v")
        assert endpoint.request("hardhat_metadata")["clientVersion"] == version


def test_a_follower_which_has_no_development_methods_has_its_own_name_alone(still: DevnetProcess) -> None:
    assert still.follower.request("web3_clientVersion").startswith("phal2/v")


def test_what_the_chain_tells_of_itself(still: DevnetProcess) -> None:
    for endpoint in (still.l1, still.l2):
        information, metadata = endpoint.request("anvil_nodeInfo"), endpoint.request("hardhat_metadata")
        assert information["environment"]["chainId"] == metadata["chainId"] == endpoint.chain_id
        assert int(information["currentBlockNumber"], 16) == metadata["latestBlockNumber"] == endpoint.block_number()
        assert information["currentBlockHash"] == metadata["latestBlockHash"]


def test_states_go_from_one_chain_to_another(chain: Web3, still: DevnetProcess) -> None:
    ask(chain, "anvil_setCode", STRANGER, "0x6001")
    dump = ask(chain, "anvil_dumpState")
    ask(chain, "anvil_setCode", STRANGER, "0x")

    assert ask(chain, "anvil_loadState", dump) is True
    assert chain.eth.get_code(STRANGER) == b"\x60\x01"
    with pytest.raises(RequestRefused, match="no dumped state"):
        still.l1.request("anvil_loadState", "0x1234")
