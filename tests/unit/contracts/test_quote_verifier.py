"""The verifier that takes its owner's word: what it says of a quote is what the quote says."""

import json
from pathlib import Path

import pytest
from contract_chain import Chain, Contract
from eth_abi.abi import decode

from phal2.devnet.tee.simulator import SimulatedPlatform, simulate_quote
from phal2.node.attestation.quotes import SGX, TDX, parse_report
from phal2.node.protocol.keccak import keccak256

OWNER = b"\x01" * 20
STRANGER = b"\x04" * 20
TIME = 1_750_000_000
BODY_TYPES = {384: 1, 584: 2, 648: 3}


@pytest.fixture
def verifier(chain: Chain) -> Contract:
    return chain.deploy("OwnerApprovedQuoteVerifier", OWNER, sender=OWNER)


def approve(verifier: Contract, quote: bytes, status: int = 0) -> None:
    verifier.transact("approve", keccak256(quote), status, sender=OWNER)


def answer(verifier: Contract, quote: bytes) -> tuple[bool, bytes]:
    success, output = verifier.read("verifyAndAttestOnChain", quote)
    return success, output


def assert_says(output: bytes, quote: bytes, status: int) -> None:
    """The output is that of Automata's verifiers, version 1.1, for the quote."""
    report = parse_report(quote)
    size = len(report.body)
    assert int.from_bytes(output[0:2], "big") == report.version
    assert int.from_bytes(output[2:4], "big") == BODY_TYPES[size]
    assert (output[4], output[5:11]) == (status, bytes(6))
    assert output[11 : 11 + size] == report.body
    assert decode(["string[]"], output[11 + size :]) == ((),)


@pytest.mark.parametrize("tee", [TDX, SGX])
@pytest.mark.parametrize("status", [0, 5])
def test_an_approved_quote_is_taken_apart(verifier: Contract, tee: str, status: int) -> None:
    quote = simulate_quote(b"\x07" * 64, "prover", TIME, SimulatedPlatform(tee)).quote
    approve(verifier, quote, status)
    success, output = answer(verifier, quote)
    assert success
    assert_says(output, quote, status)


@pytest.mark.parametrize(
    "name", ["sgx_quote", "tdx_quote", "tdx_quote_outdated", "quote-report.json", "quote-from-tappd.hex"]
)
def test_quotes_of_real_hardware_are_taken_apart(verifier: Contract, vectors: Path, name: str) -> None:
    content = (vectors / "attestation" / name).read_bytes()
    if name.endswith(".json"):
        content = json.loads(content)["quote"].encode()
    quote = bytes.fromhex(content.decode().strip()) if "." in name else content
    approve(verifier, quote)
    success, output = answer(verifier, quote)
    assert success
    assert_says(output, quote, 0)


def test_a_quote_that_was_not_approved_is_not_verified(verifier: Contract) -> None:
    quote = simulate_quote(bytes(64), "prover", TIME).quote
    assert answer(verifier, quote) == (False, b"the owner has not approved this quote")
    approve(verifier, quote)
    outcome = verifier.transact("revokeApproval", keccak256(quote), sender=OWNER)
    assert verifier.event(outcome).arguments == {"quoteHash": keccak256(quote)}
    assert answer(verifier, quote) == (False, b"the owner has not approved this quote")


@pytest.mark.parametrize(
    "quote",
    [
        b"",
        bytes(1_000),
        b"\x04\x00" + bytes(40),
        b"\x04\x00\x02\x00\x81" + bytes(600),
        b"\x04\x00\x02\x00\x82" + bytes(1_000),
        b"\x05\x00\x02\x00\x81" + bytes(1_000),
        b"\x06\x00\x02\x00\x81" + bytes(1_000),
    ],
)
def test_an_approved_quote_without_a_known_layout_is_not_verified(verifier: Contract, quote: bytes) -> None:
    approve(verifier, quote)
    assert answer(verifier, quote) == (False, b"the quote has no known layout")


def test_the_owner_alone_approves(verifier: Contract) -> None:
    assert verifier.refuse("approve", bytes(32), 0, sender=STRANGER).startswith("NotOwner(")
    assert verifier.refuse("revokeApproval", bytes(32), sender=STRANGER).startswith("NotOwner(")
    assert verifier.refuse("approve", bytes(32), 6, sender=OWNER) == "UnknownTcbStatus(tcbStatus: 6, highest: 5)"
    assert verifier.refuse("revokeApproval", bytes(32), sender=OWNER).startswith("NotApproved(")
    outcome = verifier.transact("approve", bytes(32), 3, sender=OWNER)
    assert verifier.event(outcome).arguments == {"quoteHash": bytes(32), "tcbStatus": 3}


def test_no_fee_is_taken(verifier: Contract) -> None:
    verifier.chain.state.set_balance(STRANGER, 1)
    quote = simulate_quote(bytes(64), "prover", TIME).quote
    approve(verifier, quote)
    outcome = verifier.transact("verifyAndAttestOnChain", quote, sender=STRANGER, value=1)
    assert b"no fee is taken" in outcome.output
