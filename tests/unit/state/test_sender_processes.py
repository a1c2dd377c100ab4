"""Processes that recover signers beside this one."""

import os
import signal
import sys
from collections.abc import Iterator
from functools import cache

import pytest

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.sender_recovery import NO_ADDRESS
from phal2.node.protocol.signatures import SECP256K1_ORDER, address_of_private_key, sign
from phal2.node.state.sender_processes import SenderProcesses

MANY = 1_000
"""More than the processes are asked at a time."""


@cache
def signed(number: int) -> tuple[bytes, bytes]:
    """Return a signature as a crew takes it, and its signer's address."""
    key, digest = keccak256(b"key %d" % number), keccak256(b"message %d" % number)
    y_parity, r, s = sign(digest, key)
    return digest + r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([y_parity]), address_of_private_key(key)


def without_signer(number: int) -> bytes:
    return keccak256(b"%d" % number) + SECP256K1_ORDER.to_bytes(32, "big") + bytes(31) + b"\x01\x00"


def children(crew: SenderProcesses) -> list[int]:
    return [process._process.process_id for process in crew._processes or ()]


@pytest.fixture(params=[0, 1, 2])
def crew(request: pytest.FixtureRequest) -> Iterator[SenderProcesses]:
    crew = SenderProcesses(request.param)
    yield crew
    crew.close()


@pytest.mark.parametrize("count", [0, 1, 15, 17, MANY])
def test_each_signature_gets_its_signer(crew: SenderProcesses, count: int) -> None:
    pairs = [signed(number) for number in range(count)]

    assert crew.signers(signature for signature, _ in pairs) == [address for _, address in pairs]


def test_signatures_without_a_signer_get_none(crew: SenderProcesses) -> None:
    signatures = [signed(number)[0] if number % 3 else without_signer(number) for number in range(MANY)]

    addresses = crew.signers(signatures)

    assert addresses == [signed(number)[1] if number % 3 else NO_ADDRESS for number in range(MANY)]


def test_answers_of_work_that_was_given_up_are_not_taken_for_others(crew: SenderProcesses) -> None:
    def ends_in_the_middle() -> Iterator[bytes]:
        yield from (signed(number)[0] for number in range(100))
        raise ValueError("not decodable")

    for _ in range(3):
        with pytest.raises(ValueError, match="not decodable"):
            crew.signers(ends_in_the_middle())

        assert crew.signers([signed(number)[0] for number in range(500, 700)]) == [
            signed(number)[1] for number in range(500, 700)
        ]


def test_the_caller_does_the_work_of_processes_that_are_killed() -> None:
    crew = SenderProcesses(2)
    crew.signers([signed(0)[0]])

    def killed_on_the_way() -> Iterator[bytes]:
        for number in range(MANY):
            if number == MANY // 2:
                for process in children(crew):
                    os.kill(process, signal.SIGKILL)
            yield signed(number)[0]

    assert crew.signers(killed_on_the_way()) == [signed(number)[1] for number in range(MANY)]
    assert crew.signers([signed(1)[0]]) == [signed(1)[1]]
    crew.close()


def test_closing_ends_the_processes_and_leaves_the_work_to_the_caller() -> None:
    crew = SenderProcesses(2)
    crew.signers([signed(number)[0] for number in range(100)])
    processes = children(crew)

    crew.close()

    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert crew.signers([signed(1)[0]]) == [signed(1)[1]]
    assert not children(crew)


def test_the_caller_works_alone_where_no_process_can_be_started(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    crew = SenderProcesses(2)

    assert crew.signers([signed(number)[0] for number in range(100)]) == [signed(number)[1] for number in range(100)]
    assert "0 of 2 processes" in caplog.text
    crew.close()


def test_processes_are_started_when_there_is_work() -> None:
    crew = SenderProcesses(2)

    assert not children(crew)
    crew.close()
