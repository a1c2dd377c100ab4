"""The prover as a program: what it answers to right, wrong and hostile messages."""

import contextlib
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proven_chain import ProvenChain, random_chain

from phal2.bridge.prover.claim import SignedClaim, claim_signer, config_hash
from phal2.bridge.prover.errors import MalformedRequest, NoEnclave, UnlinkedClaims
from phal2.bridge.prover.messages import (
    Combine,
    Describe,
    Quote,
    Refused,
    Request,
    decode_claim,
    decode_description,
    decode_quote,
    decode_request,
    encode_request,
)
from phal2.bridge.prover.program import answer, serve
from phal2.bridge.prover.proof_request import MAXIMUM_BLOCKS, MAXIMUM_REQUEST_BYTES
from phal2.bridge.prover.prover import Prover, registration_report_data
from phal2.node.protocol import rlp
from phal2.node.protocol.keccak import keccak256

ENTROPY = b"\x07" * 32
REGISTRY = b"\x44" * 20


class EchoingEnclave:
    """Gives the report data back in place of a quote."""

    def quote(self, report_data: bytes) -> bytes:
        return b"quote of " + report_data


@pytest.fixture(scope="module")
def chain() -> ProvenChain:
    return random_chain(11, 6)


@pytest.fixture(scope="module")
def prover(chain: ProvenChain) -> Prover:
    return Prover(chain.config, ENTROPY, EchoingEnclave())


def framed(request: Request) -> bytes:
    raw = encode_request(request)
    return len(raw).to_bytes(4, "big") + raw


def answers_of(prover: Prover, sent: bytes) -> list[bytes]:
    written = io.BytesIO()
    serve(prover, io.BytesIO(sent), written)
    received, answers = written.getvalue(), []
    while received:
        length = int.from_bytes(received[:4], "big")
        answers.append(received[4 : 4 + length])
        received = received[4 + length :]
    return answers


def refusal(prover: Prover, raw: bytes) -> str:
    with pytest.raises(Refused) as error:
        decode_claim(answer(prover, raw))
    return error.value.kind


def claims(chain: ProvenChain, prover: Prover) -> list[SignedClaim]:
    return [prover.prove(chain.request(number, number)) for number in range(1, 7)]


def test_one_message_after_the_other_is_answered(chain: ProvenChain, prover: Prover) -> None:
    sent = framed(Describe()) + framed(chain.request(1, 6)) + framed(Quote(REGISTRY))
    first, second, third = answers_of(prover, sent)
    description = decode_description(first)
    assert (description.address, description.config_hash) == (prover.address, config_hash(chain.config))
    signed = decode_claim(second)
    assert (signed.claim.output_root, claim_signer(signed)) == (chain.output_root(6), prover.address)
    report_data = registration_report_data(31337, REGISTRY, prover.address)
    assert decode_quote(third) == b"quote of " + report_data


def test_the_report_data_binds_chain_registry_and_key(prover: Prover) -> None:
    words = (31337).to_bytes(32, "big") + bytes(12) + REGISTRY + bytes(12) + prover.address
    assert registration_report_data(31337, REGISTRY, prover.address) == keccak256(words) + bytes(32)


def test_the_same_entropy_gives_the_same_key_and_little_is_refused(chain: ProvenChain) -> None:
    assert Prover(chain.config, ENTROPY).address == Prover(chain.config, ENTROPY).address
    assert Prover(chain.config, b"\x08" * 32).address != Prover(chain.config, ENTROPY).address
    with pytest.raises(ValueError, match="at least 32"):
        Prover(chain.config, bytes(31))


def test_without_an_enclave_there_is_no_quote(chain: ProvenChain) -> None:
    bare = Prover(chain.config, ENTROPY)
    with pytest.raises(NoEnclave):
        bare.quote(REGISTRY)
    assert refusal(bare, encode_request(Quote(REGISTRY))) == "NoEnclave"


def test_claims_one_after_the_other_become_one(chain: ProvenChain, prover: Prover) -> None:
    combined = decode_claim(answer(prover, encode_request(Combine(tuple(claims(chain, prover))))))
    assert combined == prover.prove(chain.request(1, 6))


def test_claims_that_are_not_linked_or_not_its_own_are_not_combined(chain: ProvenChain, prover: Prover) -> None:
    own = claims(chain, prover)
    stranger = Prover(chain.config, b"\x09" * 32)
    foreign = stranger.prove(chain.request(2, 2))
    forged = replace(own[1], claim=replace(own[1].claim, output_root=b"\x01" * 32))
    elsewhere = Prover(replace(chain.config, block_time=2), ENTROPY)
    for wrong in (
        (),
        (own[0], own[2]),
        (own[1], own[0]),
        (own[0], foreign, own[2]),
        (own[0], forged),
        (replace(own[0], signature=bytes(65)),),
        (replace(own[0], signature=own[0].signature[:-1] + b"\x00"),),
    ):
        with pytest.raises(UnlinkedClaims):
            prover.combine(wrong)
    with pytest.raises(UnlinkedClaims):
        elsewhere.combine(own)


def test_a_check_that_fails_is_named_in_the_answer(chain: ProvenChain, prover: Prover) -> None:
    request = chain.request(2, 3)
    assert refusal(prover, encode_request(replace(request, parent_transactions=()))) == "WrongParent"
    assert refusal(prover, encode_request(replace(request, preimages=()))) == "ExecutionFailed"
    assert refusal(prover, encode_request(replace(request, l1_origins=request.l1_origins[:1] * 2))) == "WrongL1Origin"


@given(st.binary(max_size=200))
@settings(max_examples=100)
def test_whatever_bytes_come_they_are_refused(raw: bytes) -> None:
    prover = Prover(ProvenChain().config, ENTROPY)
    assert refusal(prover, raw) == "MalformedRequest"


@given(st.data())
@settings(max_examples=60)
def test_a_request_with_a_bit_changed_is_refused_or_true(data: st.DataObject) -> None:
    chain = random_chain(11, 2)
    prover = Prover(chain.config, ENTROPY)
    raw = bytearray(encode_request(chain.request(1, 2)))
    position = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[position // 8] ^= 1 << position % 8
    answered = answer(prover, bytes(raw))
    assert b"InternalError" not in answered
    with contextlib.suppress(Refused):
        assert decode_claim(answered) == prover.prove(chain.request(1, 2))


def test_requests_have_one_encoding_and_bounds(chain: ProvenChain) -> None:
    request = chain.request(1, 2)
    raw = encode_request(request)
    assert decode_request(raw) == request
    item = rlp.expect_list(rlp.decode(raw))
    preimages = item[2][4]
    assert isinstance(preimages, list)

    def with_content(index: int, value: rlp.Item) -> bytes:
        content = [*rlp.expect_list(item[2])]
        return rlp.encode([item[0], item[1], [*content[:index], value, *content[index + 1 :]]])

    blocks = rlp.expect_list(item[2][3])
    for wrong in (
        raw + b"\x00",
        rlp.encode([b"\x02", *item[1:]]),
        rlp.encode([item[0], b"\x09", item[2]]),
        with_content(4, preimages[::-1]),
        with_content(4, [*preimages, preimages[-1]]),
        with_content(3, []),
        with_content(3, blocks * (MAXIMUM_BLOCKS // 2 + 1)),
        with_content(2, []),
        with_content(5, [b"node"] * 66),
        bytes(MAXIMUM_REQUEST_BYTES + 1),
    ):
        with pytest.raises(MalformedRequest):
            decode_request(wrong)


def test_a_message_above_the_bound_is_refused_before_it_is_read(prover: Prover) -> None:
    (only,) = answers_of(prover, (MAXIMUM_REQUEST_BYTES + 1).to_bytes(4, "big") + b"more")
    with pytest.raises(Refused, match="at most"):
        decode_description(only)


@pytest.mark.parametrize("cut", [2, 4, 8])
def test_input_that_ends_within_a_message_ends_the_program(prover: Prover, cut: int) -> None:
    assert answers_of(prover, framed(Describe()) + framed(Describe())[: -cut or None]) != []
    assert len(answers_of(prover, framed(Describe()) + framed(Quote(REGISTRY))[:cut])) == 1


def run_program(*arguments: str, sent: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "phal2.bridge.prover", *arguments]
    return subprocess.run(command, input=sent, capture_output=True, timeout=60, check=False)


def test_the_program_serves_standard_input(chain: ProvenChain, tmp_path: Path) -> None:
    path = tmp_path / "rollup.json"
    path.write_text(json.dumps(chain.config.to_json()))
    done = run_program("--rollup-config", str(path), sent=framed(Describe()) + framed(chain.request(1, 3)))
    assert (done.returncode, done.stderr) == (0, b"")
    length = int.from_bytes(done.stdout[:4], "big")
    description = decode_description(done.stdout[4 : 4 + length])
    signed = decode_claim(done.stdout[8 + length :])
    assert claim_signer(signed) == description.address
    assert signed.claim.output_root == chain.output_root(3)


def test_the_program_ends_quietly_where_nobody_takes_its_answers(chain: ProvenChain, tmp_path: Path) -> None:
    path = tmp_path / "rollup.json"
    path.write_text(json.dumps(chain.config.to_json()))
    command = [sys.executable, "-m", "phal2.bridge.prover", "--rollup-config", str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        program.stdin.write(framed(Describe()))
        program.stdin.flush()
        assert program.stderr.read() == b""
        assert program.wait(timeout=60) == 0


def test_the_program_says_why_it_cannot_begin(tmp_path: Path) -> None:
    missing = run_program("--rollup-config", str(tmp_path / "none.json"))
    assert missing.returncode == 1
    assert b"none.json" in missing.stderr
    path = tmp_path / "rollup.json"
    path.write_text("{}")
    assert run_program("--rollup-config", str(path)).returncode == 1
    assert run_program().returncode == 2
    path.write_text(json.dumps(ProvenChain().config.to_json()))
    wrong = run_program("--rollup-config", str(path), "--enclave", "nowhere:function")
    assert wrong.returncode == 1
    assert b"expected MODULE:FUNCTION" in wrong.stderr
