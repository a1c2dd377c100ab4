"""The rpc-compat suite of ethereum/execution-apis against a phal2 L1 chain with the suite's own blocks.

Every answer must be the recorded one, whole, but for the conversations of `DIFFERENT`, and those differ only where it
says.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from rpc_compat_chain import RecordedChain, import_recorded_chain
from rpc_compat_conversations import Conversation, conversation_names, differences, read_conversation

from phal2.node.rpc.chain_methods import register_chain_methods
from phal2.node.rpc.dispatcher import Dispatcher
from phal2.node.rpc.limits import Limits
from phal2.node.rpc.namespaces.testing import TestingMethods
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.workers import Workers

CONVERSATIONS = 233

METHODS = (
    "debug_getRawBlock",
    "debug_getRawHeader",
    "debug_getRawReceipts",
    "debug_getRawTransaction",
    "debug_traceBlockByHash",
    "debug_traceBlockByNumber",
    "debug_traceTransaction",
    "eth_baseFee",
    "eth_blobBaseFee",
    "eth_blockNumber",
    "eth_call",
    "eth_capabilities",
    "eth_chainId",
    "eth_config",
    "eth_createAccessList",
    "eth_estimateGas",
    "eth_feeHistory",
    "eth_getBalance",
    "eth_getBlockByHash",
    "eth_getBlockByNumber",
    "eth_getBlockReceipts",
    "eth_getBlockTransactionCountByHash",
    "eth_getBlockTransactionCountByNumber",
    "eth_getCode",
    "eth_getLogs",
    "eth_getProof",
    "eth_getStorageAt",
    "eth_getStorageValues",
    "eth_getTransactionByBlockHashAndIndex",
    "eth_getTransactionByBlockNumberAndIndex",
    "eth_getTransactionByHash",
    "eth_getTransactionCount",
    "eth_getTransactionReceipt",
    "eth_sendRawTransaction",
    "eth_simulateV1",
    "eth_syncing",
    "net_version",
    "testing_buildBlockV1",
    "txpool_content",
    "txpool_contentFrom",
    "txpool_status",
)

_OMMERS = "a block from before the Merge with an ommer; phal2's blocks have none"
_RECEIPT_ROOT = "a receipt from before Byzantium, with a state root for a status; phal2's chains begin after the Merge"

DIFFERENT = {
    "debug_getRawBlock/get-block-n": (_OMMERS, ("answer.result",)),
    "debug_getRawReceipts/get-block-n": (_RECEIPT_ROOT, ("answer.result[",)),
    "eth_capabilities/get-capabilities": (
        "phal2 keeps all logs, so that they have no strategy of deletion",
        ("answer.result.logs.deleteStrategy",),
    ),
    "eth_config/get-config": (
        "phal2's L1 has its fork from genesis on and the deposit contract of mainnet; this chain got it at 450 s",
        (
            "answer.result.current.activationTime",
            "answer.result.current.forkId",
            "answer.result.current.systemContracts.DEPOSIT_CONTRACT_ADDRESS",
        ),
    ),
    "eth_getBlockByNumber/get-block-london-fork": (_OMMERS, ("answer.result.size", "answer.result.uncles")),
    "eth_getBlockByNumber/get-block-shanghai-fork": (
        "a block with a withdrawal of the beacon chain; phal2's blocks have none",
        ("answer.result.size", "answer.result.withdrawals"),
    ),
    "eth_getBlockReceipts/get-block-receipts-by-hash": (_RECEIPT_ROOT, ("answer.result[",)),
    "eth_getBlockReceipts/get-block-receipts-n": (_RECEIPT_ROOT, ("answer.result[",)),
    "eth_getTransactionReceipt/get-legacy-contract": (_RECEIPT_ROOT, ("answer.result.root", "answer.result.status")),
    "eth_getTransactionReceipt/get-legacy-input": (_RECEIPT_ROOT, ("answer.result.root", "answer.result.status")),
    "eth_getTransactionReceipt/get-legacy-receipt": (_RECEIPT_ROOT, ("answer.result.root", "answer.result.status")),
    "eth_simulateV1/ethSimulate-empty-with-block-num-set-firstblock": (
        "a simulation on a block from before the Merge, under rules that phal2 does not have",
        ("answer.result[0].",),
    ),
}
"""What does not match: why, and where an answer differs."""


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation that was held, with the answers in their order."""

    conversation: Conversation
    answers: tuple[Any, ...]

    def differences(self) -> list[str]:
        """Return where the answers are not as recorded."""
        exchanges = zip(self.conversation.exchanges, self.answers, strict=True)
        return [line for exchange, answer in exchanges for line in differences(self.conversation, exchange, answer)]


@dataclass(frozen=True, slots=True)
class Suite:
    """The methods of the chain, and all conversations as they were held with it, one after the other."""

    registry: MethodRegistry
    held: dict[str, Held]


@pytest.fixture(scope="session")
def suite(vectors: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    folder = vectors / "rpc-compat" / "tests"
    if not folder.is_dir():
        pytest.skip("vectors not found")
    chain = import_recorded_chain(folder, tmp_path_factory.mktemp("rpc-compat") / "store")
    registry, workers = MethodRegistry(), Workers(1)
    register_chain_methods(registry, chain, workers)
    TestingMethods(chain, chain.rules, workers).register(registry)
    yield Suite(registry, asyncio.run(_hold_all(folder, chain, Dispatcher(registry, workers, Limits()))))
    workers.close()
    chain.store.close()


async def _hold_all(folder: Path, chain: RecordedChain, dispatcher: Dispatcher) -> dict[str, Held]:
    held = {}
    for name in conversation_names(folder):
        conversation = read_conversation(folder, name)
        answers = [await dispatcher.answer(exchange.request) for exchange in conversation.exchanges]
        held[name] = Held(conversation, tuple(json.loads(answer or b"", parse_int=float) for answer in answers))
    await chain.close()
    return held


def test_the_suite_is_complete(suite: Suite) -> None:
    assert len(suite.held) == CONVERSATIONS
    assert {name.partition("/")[0] for name in suite.held} == set(METHODS)
    assert DIFFERENT.keys() <= suite.held.keys()


@pytest.mark.parametrize("method", METHODS)
def test_answers_are_the_recorded_ones(suite: Suite, method: str) -> None:
    names = [name for name in suite.held if name.partition("/")[0] == method and name not in DIFFERENT]

    assert {name: found for name in names if (found := suite.held[name].differences())} == {}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_differs_differs_where_it_is_said(suite: Suite, name: str) -> None:
    _, places = DIFFERENT[name]
    found = suite.held[name].differences()

    assert found, "the answer is the recorded one: take the conversation off the list"
    assert [line for line in found if not line.startswith(places)] == []


@pytest.mark.parametrize("method", METHODS)
def test_results_are_as_their_schemas_say(suite: Suite, method: str) -> None:
    definition = suite.registry.find(method)
    assert definition is not None
    validator = Draft202012Validator(definition.result or {})
    for held in (held for name, held in suite.held.items() if name.partition("/")[0] == method):
        for exchange, answer in zip(held.conversation.exchanges, held.answers, strict=True):
            if "result" in answer and json.loads(exchange.request)["method"] == method:
                validator.validate(answer["result"])


def test_recorded_results_are_as_the_schemas_say_too(suite: Suite) -> None:
    refused = {}
    for name, held in suite.held.items():
        for exchange in held.conversation.exchanges:
            definition = suite.registry.find(json.loads(exchange.request)["method"])
            if name in DIFFERENT or definition is None or "result" not in exchange.answer:
                continue
            validator = Draft202012Validator(definition.result or {})
            errors = [error.message[:200] for error in validator.iter_errors(exchange.answer["result"])]
            if errors:
                refused[name] = errors
    assert refused == {}
