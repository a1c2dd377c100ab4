"""AttestationContext and the modifier `onlyAttested`, through the example contract WorkloadGate."""

import pytest
from contract_chain import FORWARDER_CODE, Attestation, Chain, Contract

from phal2.contracts import decode_revert, load_artefact
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT

DEPLOYER = b"\xd0" * 20
SENDER = b"\x11" * 20
OTHER = b"\x22" * 20
FORWARDER = b"\xf0" * 20
WORD = b"\x77" * 32
QUOTE = Attestation(kind=1)


@pytest.fixture
def gate(chain: Chain) -> Contract:
    return chain.deploy("WorkloadGate", QUOTE.workload, sender=DEPLOYER)


def test_context_shows_every_field(chain: Chain) -> None:
    attestation = Attestation(
        kind=2,
        tcb_status=1,
        image=b"\x99" * 32,
        sender=SENDER,
        to=OTHER,
        data_hash=b"\x98" * 32,
        value=5,
        simulated=True,
    )
    context = Contract(chain, load_artefact("AttestationContext"), ATTESTATION_CONTEXT)
    outcome = context.transact("current", sender=SENDER, attestation=attestation)
    words = attestation.words(b"", b"", b"", 0)
    assert outcome.output == b"".join(words)


def test_context_refuses_where_nothing_is_attested(chain: Chain) -> None:
    context = Contract(chain, load_artefact("AttestationContext"), ATTESTATION_CONTEXT)
    assert context.refuse("current", sender=SENDER) == "NotAttested()"


def test_context_forgets_with_the_transaction(gate: Contract) -> None:
    gate.transact("enter", WORD, sender=SENDER, attestation=QUOTE)
    assert gate.refuse("enter", WORD, sender=SENDER) == "NotAttested()"


@pytest.mark.parametrize("kind", [1, 2])
def test_attested_call_enters(gate: Contract, kind: int) -> None:
    outcome = gate.transact("enter", WORD, sender=SENDER, attestation=Attestation(kind=kind, simulated=True))
    assert gate.event(outcome).arguments == {
        "subject": Attestation(kind=kind).subject,
        "sender": SENDER,
        "word": WORD,
        "simulated": True,
    }
    assert (gate.read("word"), gate.read("entries")) == (WORD, 1)


def test_another_workload_is_refused(gate: Contract) -> None:
    attestation = Attestation(kind=1, workload=b"\x01" * 32)
    assert gate.refuse("enter", WORD, sender=SENDER, attestation=attestation).startswith("OtherWorkload(")


def test_a_substrate_account_is_no_workload(gate: Contract) -> None:
    refusal = gate.refuse("enter", WORD, sender=SENDER, attestation=Attestation(kind=3))
    assert refusal == "AttestationKindRefused(kind: 3)"


@pytest.mark.parametrize(
    ("attestation", "error"),
    [
        (Attestation(kind=1, to=OTHER), "AttestedForOtherContract"),
        (Attestation(kind=1, data_hash=keccak256(b"other")), "AttestedForOtherData"),
        (Attestation(kind=1, sender=OTHER), "AttestedForOtherSender"),
        (Attestation(kind=2, sender=OTHER), "AttestedForOtherSender"),
        (Attestation(kind=1, value=1), "AttestedForOtherValue"),
        (Attestation(kind=2, value=1), "AttestedForOtherValue"),
    ],
)
def test_an_attestation_of_another_call_is_refused(gate: Contract, attestation: Attestation, error: str) -> None:
    assert gate.refuse("enter", WORD, sender=SENDER, attestation=attestation).startswith(f"{error}(")


def test_a_call_passed_on_by_another_contract_is_refused(chain: Chain, gate: Contract) -> None:
    chain.state.set_code(FORWARDER, FORWARDER_CODE)
    data = gate.address + gate.data("enter", WORD)
    outcome = chain.transact(FORWARDER, data, sender=SENDER, attestation=QUOTE)
    assert not outcome.succeeded
    assert decode_revert([gate.artefact], outcome.output).startswith("AttestedForOtherContract(")


def test_the_same_call_made_by_another_contract_is_refused(chain: Chain, gate: Contract) -> None:
    chain.state.set_code(FORWARDER, FORWARDER_CODE)
    call = gate.data("enter", WORD)
    covering_inner_call = Attestation(kind=1, to=gate.address, data_hash=keccak256(call))
    outcome = chain.transact(FORWARDER, gate.address + call, sender=SENDER, attestation=covering_inner_call)
    assert decode_revert([gate.artefact], outcome.output).startswith("AttestedForOtherSender(")


def test_a_forwarder_reaches_contracts_at_all(chain: Chain) -> None:
    notebook = chain.deploy("Notebook", sender=DEPLOYER)
    chain.state.set_code(FORWARDER, FORWARDER_CODE)
    outcome = chain.transact(FORWARDER, notebook.address + notebook.data("write", "passed on"), sender=SENDER)
    assert notebook.event(outcome).arguments["author"] == FORWARDER
