"""JSON-RPC 2.0: requests, notifications, batches, and the errors with geth's codes."""

import asyncio
import logging
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.errors import InvalidTransaction
from phal2.node.rpc.dispatcher import Dispatcher
from phal2.node.rpc.errors import RpcError
from phal2.node.rpc.limits import Limits
from phal2.node.rpc.parameter_types import AnyValue, Quantity
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.workers import Workers
from phal2.node.state.database import MissingNode

LIMITS = Limits(batch_length=3, response_size=1_000, batch_response_size=500)


def make_registry() -> MethodRegistry:
    registry = MethodRegistry()

    def add(first: Quantity, second: Quantity = 1) -> int:
        return first + second

    def echo(value: AnyValue) -> Any:
        return value

    async def later(value: AnyValue) -> Any:
        await asyncio.sleep(0)
        return value

    def refuse() -> None:
        raise InvalidTransaction("nonce too low: next nonce 5, tx nonce 4")

    def read_what_is_pruned() -> None:
        raise MissingNode(bytes(32))

    def fail() -> None:
        raise KeyError("a secret of the implementation")

    def answer_with_error() -> None:
        raise RpcError(3, "execution reverted", "0x01")

    def nest(depth: Quantity) -> int:
        return nest(depth + 1)

    registry.add("test_add", add)
    registry.add("test_echo", echo)
    registry.add("test_later", later)
    registry.add("test_work", echo, in_worker=True)
    registry.add("test_refuse", refuse)
    registry.add("test_pruned", read_what_is_pruned, in_worker=True)
    registry.add("test_fail", fail)
    registry.add("test_error", answer_with_error, in_worker=True)
    registry.add("test_nest", nest, in_worker=True)
    registry.add("test_unserialisable", lambda: object())
    return registry


@pytest.fixture
def dispatcher():
    workers = Workers(1)
    yield Dispatcher(make_registry(), workers, LIMITS)
    workers.close()


async def answer(dispatcher: Dispatcher, request: Any) -> Any:
    body = request if isinstance(request, bytes) else orjson.dumps(request)
    reply = await dispatcher.answer(body)
    return orjson.loads(reply) if reply else None


def request(method: str, *params: Any, **fields: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params), **fields}


async def test_a_result_comes_with_the_id_of_its_request(dispatcher: Dispatcher):
    assert await answer(dispatcher, request("test_add", "0x2", "0x3")) == {"jsonrpc": "2.0", "id": 7, "result": 5}
    assert await answer(dispatcher, request("test_add", "0x2", id="text")) == {
        "jsonrpc": "2.0",
        "id": "text",
        "result": 3,
    }


@pytest.mark.parametrize("method", ["test_echo", "test_later", "test_work"])
async def test_functions_coroutines_and_worker_functions_answer_alike(dispatcher: Dispatcher, method: str):
    assert (await answer(dispatcher, request(method, {"a": [1]})))["result"] == {"a": [1]}


async def test_missing_params_and_null_mean_none(dispatcher: Dispatcher):
    bare = {"jsonrpc": "2.0", "id": 1, "method": "test_refuse"}
    assert (await answer(dispatcher, bare))["error"]["code"] == -32000
    assert (await answer(dispatcher, {**bare, "params": None}))["error"]["code"] == -32000
    assert (await answer(dispatcher, request("test_add", "0x2", None)))["result"] == 3


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b"", -32700, "parse error"),
        (b"{", -32700, "parse error"),
        (b"\xff\xfe", -32700, "parse error"),
        (b"[" * 100_000, -32700, "parse error"),
        (b'{"jsonrpc":"2.0","id":1,"method":"test_echo","params":[1e9999]', -32700, "parse error"),
        (b"5", -32600, "invalid request"),
        (b"null", -32600, "invalid request"),
        (b'"text"', -32600, "invalid request"),
        (b"{}", -32600, "invalid request"),
        (b'{"id":1,"method":"test_echo"}', -32600, "invalid request"),
        (b'{"jsonrpc":"1.0","id":1,"method":"test_echo"}', -32600, "invalid request"),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', -32600, "invalid request"),
        (b'{"jsonrpc":"2.0","id":{},"method":"test_echo"}', -32600, "invalid request"),
        (b'{"jsonrpc":"2.0","id":[1],"method":"test_echo"}', -32600, "invalid request"),
        (b'{"jsonrpc":"2.0","id":true,"method":"test_echo"}', -32600, "invalid request"),
        (b"[]", -32600, "empty batch"),
    ],
)
async def test_malformed_requests_get_an_error(dispatcher: Dispatcher, body: bytes, code: int, message: str):
    error = (await answer(dispatcher, body))["error"]
    assert (error["code"], error["message"]) == (code, message)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (request("eth_nothing"), -32601, "the method eth_nothing does not exist/is not available"),
        (request("eth_subscribe", "newHeads"), -32601, "notifications not supported: use a WebSocket connection"),
        (request("test_add"), -32602, "missing value for required argument 0"),
        (request("test_add", None), -32602, "missing value for required argument 0"),
        (request("test_add", "0x1", "0x2", "0x3"), -32602, "too many arguments, want at most 2"),
        (request("test_add", "1"), -32602, "invalid argument 0: hex string without 0x prefix"),
        (request("test_add", "0x1", 5), -32602, "invalid argument 1: expected a hex string, got a number"),
        ({**request("test_add"), "params": {"first": "0x1"}}, -32602, "non-array args"),
        (request("test_refuse"), -32000, "nonce too low: next nonce 5, tx nonce 4"),
        (request("test_pruned"), -32000, "the state was pruned while it was read; ask for a newer block"),
        (request("test_fail"), -32603, "internal error"),
        (request("test_unserialisable"), -32603, "internal error"),
        (request("test_nest", "0x0"), -32000, "execution nests too deep"),
        (request("test_echo", "x" * 2_000), -32003, "response too large: more than 1000 bytes; ask for less at once"),
    ],
)
async def test_failing_methods_get_an_error_with_the_request_id(
    dispatcher: Dispatcher, body: dict[str, Any], code: int, message: str
):
    reply = await answer(dispatcher, body)
    assert (reply["id"], reply["error"]) == (7, {"code": code, "message": message})


async def test_an_unexpected_exception_is_logged_and_not_shown(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.ERROR):
        reply = await dispatcher.answer(orjson.dumps(request("test_fail")))
    assert reply is not None
    assert b"secret" not in reply
    assert "a secret of the implementation" in caplog.text


async def test_an_error_can_carry_data(dispatcher: Dispatcher):
    reply = await answer(dispatcher, request("test_error"))
    assert reply["error"] == {"code": 3, "message": "execution reverted", "data": "0x01"}


async def test_a_batch_that_is_too_long_gets_one_error_with_its_first_id(dispatcher: Dispatcher):
    calls = [{"jsonrpc": "2.0", "method": "test_echo"}, *(request("test_echo", id=number) for number in (5, 6, 7))]
    message = "batch too large: 4 requests, at most 3 are allowed"
    error = {"code": -32600, "message": message}
    assert await answer(dispatcher, calls) == [{"jsonrpc": "2.0", "id": 5, "error": error}]
    assert await answer(dispatcher, [1, 2, 3, 4]) == [{"jsonrpc": "2.0", "id": None, "error": error}]


@pytest.mark.parametrize(
    "written",
    [b"18446744073709551616", b"123456789012345678901234567890", b"-1.50", b"1e2", b"0.1000", b"1E-400", b"-0.0"],
)
async def test_an_id_is_repeated_to_the_digit(dispatcher: Dispatcher, written: bytes):
    call = b'{"jsonrpc":"2.0","id":' + written + b',"method":"%s","params":[1]}'
    for method, ending in (
        (b"test_echo", b',"result":1}'),
        (b"test_work", b',"result":1}'),
        (b"test_nothing", b',"error":{'),
    ):
        shown = b'{"jsonrpc":"2.0","id":' + written + ending
        assert (await dispatcher.answer(call % method)).startswith(shown)
        assert (await dispatcher.answer(b"[" + call % method + b"]")).startswith(b"[" + shown)


async def test_an_id_beside_deep_nesting_is_repeated(dispatcher: Dispatcher):
    deep = b"[" * 1_000 + b"]" * 1_000
    body = b'{"jsonrpc":"2.0","id":0.5,"method":"test_echo","params":[' + deep + b"]}"
    assert orjson.loads(await dispatcher.answer(body))["id"] == 0.5


async def test_notifications_are_done_and_not_answered(dispatcher: Dispatcher):
    notification = {"jsonrpc": "2.0", "method": "test_echo", "params": [1]}
    assert await answer(dispatcher, notification) is None
    assert await answer(dispatcher, {**notification, "method": "test_fail", "params": []}) is None
    assert await answer(dispatcher, [notification, notification]) is None


async def test_a_batch_is_answered_in_order_without_its_notifications(dispatcher: Dispatcher):
    batch = [request("test_add", "0x1", id=1), {"jsonrpc": "2.0", "method": "test_refuse"}, 5]
    replies = await answer(dispatcher, batch)
    assert [reply.get("id") for reply in replies] == [1, None]
    assert replies[0]["result"] == 2
    assert replies[1]["error"]["code"] == -32600


async def test_a_batch_whose_answers_grow_too_large_is_refused_from_there_on(dispatcher: Dispatcher):
    replies = await answer(dispatcher, [request("test_echo", "x" * 400, id=number) for number in range(3)])
    assert ["result" in reply for reply in replies] == [True, True, False]
    assert replies[2]["error"]["code"] == -32003


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
likely_requests = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.just("2.0") | json_values,
        "id": json_values,
        "method": st.sampled_from(["test_add", "test_echo", "test_error", "eth_subscribe"]) | json_values,
        "params": st.lists(json_values, max_size=3) | json_values,
    },
)


@given(st.binary() | (likely_requests | st.lists(likely_requests, max_size=4) | json_values).map(repr).map(str.encode))
async def test_no_bytes_break_the_dispatcher(body: bytes):
    await _assert_answered(body)


@given(likely_requests | st.lists(likely_requests, max_size=4))
async def test_no_json_breaks_the_dispatcher(value: Any):
    try:
        body = orjson.dumps(value)
    except TypeError:
        return
    await _assert_answered(body)


async def _assert_answered(body: bytes) -> None:
    workers = Workers(1)
    reply = await Dispatcher(make_registry(), workers, LIMITS).answer(body)
    workers.close()
    if reply:
        replies = orjson.loads(reply)
        for one in replies if isinstance(replies, list) else [replies]:
            assert one["jsonrpc"] == "2.0"
            assert ("result" in one) != ("error" in one)
            assert "Traceback" not in one.get("error", {}).get("message", "")


def test_a_parameter_without_a_type_is_a_mistake_of_the_registration():
    with pytest.raises(TypeError, match="parameter value of test_bad is not annotated"):
        MethodRegistry().add("test_bad", lambda value: value)


def test_a_later_registration_takes_the_place_of_an_earlier_one():
    registry = MethodRegistry()
    registry.add("eth_accounts", lambda: ["0x00"])
    registry.add("eth_accounts", lambda: ["0x01"])
    method = registry.find("eth_accounts")
    assert method is not None
    assert method.function() == ["0x01"]
    assert registry.namespaces() == ("eth",)


async def test_a_method_can_look_at_all_its_calls_of_a_batch_before_the_first() -> None:
    order: list[Any] = []
    registry = MethodRegistry()

    def note(value: AnyValue) -> Any:
        order.append(value)
        return value

    registry.add("test_note", note, prepare=lambda calls: order.append(("prepared", list(calls))))
    workers = Workers(1)
    calls = [{"jsonrpc": "2.0", "id": number, "method": "test_note", "params": [number]} for number in (1, 2)]

    await Dispatcher(registry, workers, LIMITS).answer(orjson.dumps(calls))
    await Dispatcher(registry, workers, LIMITS).answer(orjson.dumps(calls[:1]))
    workers.close()

    assert order == [("prepared", [[1], [2]]), 1, 2, 1]


async def test_a_batch_that_takes_too_long_is_not_finished():
    workers = Workers(1)
    dispatcher = Dispatcher(make_registry(), workers, Limits(batch_seconds=-1.0))
    requests = [{"jsonrpc": "2.0", "id": number, "method": "test_echo", "params": ["x"]} for number in (1, 2)]
    answers = orjson.loads(await dispatcher.answer(orjson.dumps(requests)))
    workers.close()
    assert [answer["error"] for answer in answers] == [{"code": -32002, "message": "request timed out"}] * 2
