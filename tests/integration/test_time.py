"""Control of time: what a development chain's clients ask for, as far as a rollup can give it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from phal2.devnet.process import DevnetProcess, Endpoint, RequestRefused

Until = Callable[[Callable[[], Any]], Any]


def head_time(endpoint: Endpoint) -> int:
    return int(endpoint.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def test_time_moves_block_by_block_on_l2_and_in_one_block_on_l1(
    l1: Endpoint, l2: Endpoint, follower: Endpoint, until: Until
) -> None:
    before, began = l2.request("eth_getBlockByNumber", "latest", False), time.monotonic()

    l2.advance_time(90)

    after = l2.request("eth_getBlockByNumber", "latest", False)
    seconds, blocks = (int(after[name], 16) - int(before[name], 16) for name in ("timestamp", "number"))
    assert seconds >= 89
    assert blocks == seconds
    # L1 comes along, and no farther: both go on while one is asked after the other.
    until(lambda: head_time(l1) >= int(after["timestamp"], 16) - 4)
    assert head_time(l1) <= int(before["timestamp"], 16) + 90 + (time.monotonic() - began) + 10
    head = l2.block_number()
    until(lambda: follower.block_number() >= head)
    block = l2.request("eth_getBlockByNumber", hex(head), False)
    assert follower.request("eth_getBlockByNumber", hex(head), False)["hash"] == block["hash"]


def test_l2_follows_the_time_of_l1(l1: Endpoint, l2: Endpoint, until: Until) -> None:
    l1.request("evm_increaseTime", hex(60))
    l1.mine()
    l1_time = head_time(l1)

    until(lambda: head_time(l2) >= l1_time)


def test_a_block_on_l1_can_be_given_a_time_to_which_l2_goes(l1: Endpoint, l2: Endpoint, until: Until) -> None:
    wanted = head_time(l1) + 40

    l1.request("evm_setNextBlockTimestamp", hex(wanted))
    until(lambda: head_time(l1) >= wanted)

    until(lambda: head_time(l2) >= wanted)
    assert any(
        int(l1.request("eth_getBlockByNumber", hex(number), False)["timestamp"], 16) == wanted
        for number in range(l1.block_number(), 0, -1)
    )


def test_every_call_of_evm_mine_seals_a_block_of_its_own(l2: Endpoint) -> None:
    before = l2.block_number()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: l2.mine(), range(16)))

    assert l2.block_number() >= before + 16


def test_advances_at_the_same_time_add_up(l2: Endpoint) -> None:
    before = head_time(l2)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(l2.advance_time, [20] * 4))

    assert head_time(l2) >= before + 79


@pytest.mark.parametrize("seconds", [3_601, 10**9, 1 << 64])
def test_too_long_an_advance_is_refused_with_the_limit(l1: Endpoint, l2: Endpoint, seconds: int) -> None:
    for endpoint in (l1, l2):
        with pytest.raises(RequestRefused, match=r"at most 3600 s|out of range|64 bits"):
            endpoint.request("evm_increaseTime", hex(seconds))


@pytest.mark.parametrize("seconds", [-1, "soon", None, 1.5])
def test_what_is_no_time_is_refused(l1: Endpoint, l2: Endpoint, seconds: object) -> None:
    for endpoint in (l1, l2):
        with pytest.raises(RequestRefused) as refused:
            endpoint.request("evm_increaseTime", seconds)
        assert refused.value.code == -32602


def test_l2_is_mined_up_to_a_later_time(l2: Endpoint) -> None:
    head = l2.request("eth_getBlockByNumber", "latest", False)
    wanted = hex(int(head["timestamp"], 16) + 50)

    l2.request("evm_mine", wanted)

    mined = l2.request("eth_getBlockByNumber", hex(int(head["number"], 16) + 50), False)
    assert mined["timestamp"] == wanted


def test_l2_is_mined_at_most_3600_blocks_on(l2: Endpoint) -> None:
    with pytest.raises(RequestRefused, match="advance at most 3600 s a call"):
        l2.request("evm_mine", hex(head_time(l2) + 5_000))


def test_the_next_l2_block_has_one_possible_time(l2: Endpoint) -> None:
    with pytest.raises(RequestRefused, match="and no other: the block number fixes it; use evm_increaseTime"):
        l2.request("evm_setNextBlockTimestamp", hex(head_time(l2) + 5_000))


def test_time_does_not_go_back(l1: Endpoint, l2: Endpoint) -> None:
    for endpoint, method in ((l1, "evm_setNextBlockTimestamp"), (l1, "evm_mine"), (l2, "evm_mine")):
        with pytest.raises(RequestRefused, match="timestamps must rise"):
            endpoint.request(method, hex(head_time(endpoint) - 10))


def test_time_that_is_ahead_stays_ahead_after_a_restart(tmp_path: Path, until: Until) -> None:
    devnet = DevnetProcess.start("--data-dir", str(tmp_path))
    devnet.l2.advance_time(120)
    before, began = head_time(devnet.l2), time.monotonic()
    devnet.kill()

    with DevnetProcess.start("--data-dir", str(tmp_path)) as again:
        head = again.l2.block_number()
        assert before <= head_time(again.l2)
        until(lambda: again.l2.block_number() >= head + 2 and head_time(again.l1) > before)
        assert head_time(again.l2) <= before + (time.monotonic() - began) + 10
        until(lambda: again.follower.block_number() >= head)
