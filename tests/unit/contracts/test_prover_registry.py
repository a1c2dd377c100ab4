"""Keys of provers' enclaves: registered by quotes that a verifier holds for true."""

from dataclasses import replace

import pytest
from contract_chain import Outcome
from dispute_games import PROVER, prover_quote, register_prover
from l1_world import L1_CHAIN_ID, OWNER, STRANGER, L1World

from phal2.devnet.deployment.steps import PROVER_VALIDITY
from phal2.devnet.tee.simulator import SimulatedPlatform, SimulatedQuote, simulate_quote
from phal2.node.attestation.quotes import SGX, TDX
from phal2.node.protocol.keccak import keccak256

OTHER = b"\x77" * 20
UP_TO_DATE, OUT_OF_DATE = 0, 4


@pytest.fixture
def world() -> L1World:
    return L1World.deployed()


def approve(world: L1World, quote: SimulatedQuote, status: int = UP_TO_DATE) -> None:
    world.quote_verifier.transact("approve", keccak256(quote.quote), status, sender=OWNER)


def allow(world: L1World, quote: SimulatedQuote) -> None:
    world.provers.transact("setWorkload", quote.workload, True, sender=OWNER)


def ready(world: L1World, platform: SimulatedPlatform, status: int = UP_TO_DATE) -> SimulatedQuote:
    """A quote of `PROVER` that is approved and of an allowed workload."""
    quote = prover_quote(world, PROVER, platform)
    approve(world, quote, status)
    allow(world, quote)
    return quote


def register(world: L1World, quote: SimulatedQuote, prover: bytes = PROVER) -> Outcome:
    return world.provers.transact("register", prover, quote.quote, sender=STRANGER)


def refuse(world: L1World, quote: SimulatedQuote, prover: bytes = PROVER) -> str:
    return world.provers.refuse("register", prover, quote.quote, sender=STRANGER)


@pytest.mark.parametrize("tee", [TDX, SGX])
def test_a_key_is_registered_for_a_time(world: L1World, tee: str) -> None:
    quote = ready(world, SimulatedPlatform(tee))
    assert world.provers.read("isValidProver", PROVER) is False

    event = world.provers.event(register(world, quote))

    expiry = world.chain.time + PROVER_VALIDITY
    assert event.name == "ProverRegistered"
    assert event.arguments == {
        "prover": PROVER,
        "workload": quote.workload,
        "expiry": expiry,
        "tcbStatus": UP_TO_DATE,
    }
    assert world.provers.read("provers", PROVER) == (quote.workload, expiry, UP_TO_DATE, False)
    assert world.provers.read("isValidProver", PROVER) is True
    world.chain.time = expiry
    assert world.provers.read("isValidProver", PROVER) is True
    world.chain.pass_time(1)
    assert world.provers.read("isValidProver", PROVER) is False


def test_the_report_data_names_chain_registry_and_key(world: L1World) -> None:
    words = (L1_CHAIN_ID.to_bytes(32, "big"), world.provers.address.rjust(32, b"\0"), PROVER.rjust(32, b"\0"))
    assert world.provers.read("reportDataOf", PROVER) == keccak256(b"".join(words))


def test_a_quote_registers_its_own_key_alone(world: L1World) -> None:
    quote = ready(world, SimulatedPlatform())
    assert refuse(world, quote, OTHER).startswith("ReportDataMismatch(")


def test_the_second_half_of_the_report_data_is_zero(world: L1World) -> None:
    report_data = world.provers.read("reportDataOf", PROVER) + bytes(31) + b"\x01"
    quote = simulate_quote(report_data, "prover", world.chain.time)
    approve(world, quote)
    allow(world, quote)
    assert refuse(world, quote).startswith("ReportDataMismatch(")


def test_a_quote_of_another_chain_registers_nothing(world: L1World) -> None:
    world.chain.chain_id = 1
    world.chain.pass_time(0)
    quote = prover_quote(world)
    world.chain.chain_id = L1_CHAIN_ID
    world.chain.pass_time(0)
    approve(world, quote)
    allow(world, quote)
    assert refuse(world, quote).startswith("ReportDataMismatch(")


def test_a_quote_that_nobody_approved_registers_nothing(world: L1World) -> None:
    quote = prover_quote(world)
    allow(world, quote)
    assert refuse(world, quote) == "QuoteNotVerified(reason: the owner has not approved this quote)"


@pytest.mark.parametrize("position", [0, 100, 700])
def test_the_approval_is_of_every_byte(world: L1World, position: int) -> None:
    quote = ready(world, SimulatedPlatform())
    changed = bytearray(quote.quote)
    changed[position] ^= 1
    assert refuse(world, replace(quote, quote=bytes(changed))).startswith("QuoteNotVerified(")


def test_a_workload_that_is_not_allowed_registers_nothing(world: L1World) -> None:
    quote = prover_quote(world)
    approve(world, quote)
    assert refuse(world, quote) == f"WorkloadNotAllowed(workload: 0x{quote.workload.hex()})"


@pytest.mark.parametrize("tee", [TDX, SGX])
def test_an_enclave_in_debug_mode_registers_nothing(world: L1World, tee: str) -> None:
    assert refuse(world, ready(world, SimulatedPlatform(tee, debug=True))) == "DebuggableEnclave()"


def test_a_platform_that_is_out_of_date_registers_nothing(world: L1World) -> None:
    quote = ready(world, SimulatedPlatform(), OUT_OF_DATE)
    assert refuse(world, quote) == "TcbStatusNotAllowed(tcbStatus: 4, allowedTcbStatuses: 15)"
    world.provers.transact("setAllowedTcbStatuses", 0b11111, sender=OWNER)
    register(world, quote)
    assert world.provers.read("isValidProver", PROVER) is True


def test_a_key_is_registered_once(world: L1World) -> None:
    quote = ready(world, SimulatedPlatform())
    register(world, quote)
    assert refuse(world, quote).startswith("AlreadyRegistered(")
    world.chain.pass_time(PROVER_VALIDITY + 1)
    assert refuse(world, quote).startswith("AlreadyRegistered(")


def test_a_revoked_key_counts_no_more_and_never_again(world: L1World) -> None:
    register_prover(world)
    outcome = world.provers.transact("revoke", PROVER, sender=OWNER)
    assert world.provers.event(outcome).arguments == {"prover": PROVER}
    assert world.provers.read("isValidProver", PROVER) is False
    assert refuse(world, prover_quote(world)).startswith("AlreadyRegistered(")


def test_a_key_counts_by_what_is_allowed_now(world: L1World) -> None:
    register_prover(world)
    workload = prover_quote(world).workload
    world.provers.transact("setWorkload", workload, False, sender=OWNER)
    assert world.provers.read("isValidProver", PROVER) is False
    world.provers.transact("setWorkload", workload, True, sender=OWNER)
    assert world.provers.read("isValidProver", PROVER) is True
    world.provers.transact("setAllowedTcbStatuses", 0b1110, sender=OWNER)
    assert world.provers.read("isValidProver", PROVER) is False


def test_address_zero_is_no_prover(world: L1World) -> None:
    assert refuse(world, prover_quote(world, bytes(20)), bytes(20)) == "ZeroProver()"
    assert world.provers.read("isValidProver", bytes(20)) is False


def test_another_verifier_takes_the_old_ones_place(world: L1World) -> None:
    another = world.chain.deploy("OwnerApprovedQuoteVerifier", STRANGER, sender=STRANGER)
    quote = ready(world, SimulatedPlatform())
    world.provers.transact("setQuoteVerifier", another.address, sender=OWNER)
    assert refuse(world, quote).startswith("QuoteNotVerified(")
    another.transact("approve", keccak256(quote.quote), 1, sender=STRANGER)
    register(world, quote)
    assert world.provers.read("provers", PROVER)[2] == 1


# Verifiers that answer a call with success and these bytes, whatever the quote.
@pytest.mark.parametrize(
    ("output", "error"),
    [
        (b"", "InvalidVerifierOutput("),
        (bytes(10), "InvalidVerifierOutput("),
        (b"\x00\x04\x00\x02" + bytes(100), "InvalidVerifierOutput("),
        (b"\x00\x04\x00\x09" + bytes(1_000), "InvalidQuoteBody("),
        (b"\x00\x04\x00\x02" + bytes(600), "ReportDataMismatch("),
    ],
)
def test_an_output_that_is_none_registers_nothing(world: L1World, output: bytes, error: str) -> None:
    answer = (1).to_bytes(32, "big") + (64).to_bytes(32, "big") + len(output).to_bytes(32, "big")
    answer += output.ljust(-(-len(output) // 32) * 32, b"\0")
    size = len(answer).to_bytes(2, "big").hex()
    # PUSH2 size, PUSH1 12, PUSH0, CODECOPY, PUSH2 size, PUSH0, RETURN: twelve bytes, then what they return.
    verifier = b"\x4f" * 20
    world.chain.state.set_code(verifier, bytes.fromhex(f"61{size}600c5f3961{size}5ff3") + answer)
    world.provers.transact("setQuoteVerifier", verifier, sender=OWNER)
    assert refuse(world, prover_quote(world)).startswith(error)


@pytest.mark.parametrize(
    "call",
    [
        ("revoke", PROVER),
        ("setWorkload", b"\x01" * 32, True),
        ("setAllowedTcbStatuses", 1),
        ("setValidity", 60),
        ("setQuoteVerifier", OTHER),
    ],
)
def test_the_owner_alone_changes_it(world: L1World, call: tuple[object, ...]) -> None:
    register_prover(world)
    name, *arguments = call
    assert world.provers.refuse(str(name), *arguments, sender=STRANGER).startswith("NotOwner(")
    outcome = world.provers.transact(str(name), *arguments, sender=OWNER)
    assert len(world.provers.events(outcome)) == 1


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (("setValidity", 0), "ZeroValidity()"),
        (("setQuoteVerifier", bytes(20)), "ZeroQuoteVerifier()"),
        (("revoke", OTHER), "NotRegistered("),
    ],
)
def test_what_makes_no_sense_is_refused(world: L1World, call: tuple[object, ...], error: str) -> None:
    name, *arguments = call
    assert world.provers.refuse(str(name), *arguments, sender=OWNER).startswith(error)


def test_keys_are_registered_for_the_time_that_is_set(world: L1World) -> None:
    world.provers.transact("setValidity", 60, sender=OWNER)
    register_prover(world)
    assert world.provers.read("provers", PROVER)[1] == world.chain.time + 60


def test_it_is_initialized_once(world: L1World) -> None:
    refusal = world.provers.refuse("initialize", STRANGER, OTHER, 1, 1, [], sender=STRANGER)
    assert refusal == "InvalidInitialization()"
