"""What the policy and the registry allow decides at once: also for enclaves that were registered before."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attested_actions import DAY, Attester, workload_hash
from chain_actions import send
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from eth_account.signers.local import LocalAccount

from phal2.contracts import encode_call, load_artefact
from phal2.devnet.process import DevnetProcess
from phal2.devnet.tee.collateral import TcbState
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.devnet.tee.simulator import SimulatedPlatform
from phal2.node.attestation.building import quote_attestation
from phal2.node.attestation.quotes import parse_exact_quote
from phal2.node.attestation.tcb import TCB_STATUSES
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_POLICY, ENCLAVE_REGISTRY

POLICY, REGISTRY = load_artefact("AttestationPolicy"), load_artefact("EnclaveRegistry")
SIMULATOR_ROOT = keccak256(SIMULATOR_ROOT_CA_DER)
DEFAULT_STATUSES = 0b1111
BLOCK_TIME = 600
Set = Callable[..., None]


@pytest.fixture(scope="module")
def attester(still_devnet: DevnetProcess) -> Attester:
    return Attester.of(still_devnet, 5)


@pytest.fixture(scope="module")
def policy_owner(still_devnet: DevnetProcess) -> Attester:
    return Attester.of(still_devnet, 0)


@pytest.fixture(scope="module")
def enclave(attester: Attester) -> LocalAccount:
    """A key that was registered under the first policy, by an up-to-date TDX machine."""
    return registered(attester)


@pytest.fixture
def change(policy_owner: Attester) -> Iterator[Set]:
    """Changes the policy for the time of a test."""
    asked = policy_owner.l2.request
    before = asked("attestation_getPolicy")

    def call(function: str, *arguments: object) -> None:
        data = encode_call(POLICY, function, arguments)
        receipt = send(policy_owner.web3, policy_owner.account, to=f"0x{ATTESTATION_POLICY.hex()}", data=data)
        assert receipt["status"] == 1, function

    yield call
    call("setAllowedStatuses", DEFAULT_STATUSES)
    call("setLeastTcbEvaluationNumber", 0)
    call("setAnyWorkload", True)
    call("setAnyImage", True)
    for root in asked("attestation_getPolicy")["rootCertificates"][1:]:
        call("removeRootCa", bytes.fromhex(root["hash"][2:]))
    call("addRootCa", SIMULATOR_ROOT_CA_DER, True)
    assert asked("attestation_getPolicy") == before


def registered(attester: Attester, **choices: Any) -> LocalAccount:
    account: LocalAccount = attester.web3.eth.account.create()
    assert attester.register(bytes.fromhex(account.address[2:]), **choices)["status"] == 1
    return account


def quote_refusal(attester: Attester, **choices: Any) -> str:
    call = attester.call()
    return attester.judged_refusal(attester.sign(call, attester.quoted(call, **choices)))


def enclave_refusal(attester: Attester, enclave: LocalAccount) -> str:
    call = attester.call()
    return attester.judged_refusal(attester.sign(call, attester.enclave_signed(call, bytes(enclave.key))))


def passes(attester: Attester, enclave: LocalAccount | None = None, **choices: Any) -> Any:
    """Send an attested transaction that must succeed; return its attestation as the node shows it."""
    call = attester.call()
    attestation = (
        attester.quoted(call, **choices) if enclave is None else attester.enclave_signed(call, bytes(enclave.key))
    )
    receipt = attester.send(call, attestation)
    assert receipt["status"] == 1
    return attester.web3.eth.get_transaction(receipt["transactionHash"])["attestation"]


def platform(status: str = "UpToDate", number: int = 20, enclave_number: int = 20) -> SimulatedPlatform:
    return SimulatedPlatform(tcb=TcbState(status, number, enclave_number))


@pytest.mark.parametrize(("number", "status"), list(enumerate(TCB_STATUSES)))
def test_the_policy_decides_about_the_tcb_status(attester: Attester, change: Set, number: int, status: str) -> None:
    change("setAllowedStatuses", 1 << number)
    enclave = registered(attester, platform=platform(status))

    assert passes(attester, platform=platform(status))["tcbStatus"] == hex(number)
    assert passes(attester, enclave)["tcbStatus"] == hex(number)

    change("setAllowedStatuses", 0b111111 & ~(1 << number))
    reason = f"TCB status {status} ({number}) is not allowed by the policy"
    assert quote_refusal(attester, platform=platform(status)) == reason
    assert enclave_refusal(attester, enclave) == reason


def test_outdated_platforms_are_refused_at_first(attester: Attester) -> None:
    assert quote_refusal(attester, platform=platform("OutOfDate")).startswith("TCB status OutOfDate (4) is not allowed")


def test_revoked_platforms_are_refused_whatever_the_policy(attester: Attester, change: Set) -> None:
    change("setAllowedStatuses", 0b111111)

    assert "quote is refused at" in quote_refusal(attester, platform=platform("Revoked"))


def test_debug_machines_are_refused(attester: Attester) -> None:
    for tee in ("TDX", "SGX"):
        assert "quote is refused at" in quote_refusal(attester, platform=SimulatedPlatform(tee=tee, debug=True))


def test_the_lower_evaluation_number_must_reach_the_policys(
    attester: Attester, enclave: LocalAccount, change: Set
) -> None:
    change("setLeastTcbEvaluationNumber", 20)
    passes(attester)
    passes(attester, enclave)

    change("setLeastTcbEvaluationNumber", 21)
    assert "TCB evaluation number 20 is below the policy's least, 21" in quote_refusal(attester)
    assert "TCB evaluation number 20 is below the policy's least, 21" in enclave_refusal(attester, enclave)
    assert "number 20 is below" in quote_refusal(attester, platform=platform(enclave_number=30))
    assert "number 20 is below" in quote_refusal(attester, platform=platform(number=30))
    passes(attester, platform=platform(number=21, enclave_number=21))


def test_workloads_must_be_allowed_once_the_policy_lists_them(
    attester: Attester, enclave: LocalAccount, change: Set
) -> None:
    change("setAnyWorkload", False)
    reason = f"neither workload 0x{workload_hash().hex()} nor image 0x{'00' * 32} is allowed by the policy"

    assert quote_refusal(attester) == reason
    assert enclave_refusal(attester, enclave) == reason

    change("setWorkload", workload_hash(), True)
    passes(attester)
    passes(attester, enclave)
    assert "neither workload" in quote_refusal(attester, workload="another")

    change("setWorkload", workload_hash(), False)
    assert quote_refusal(attester) == reason


def test_an_allowed_image_allows_every_workload_that_binds_it(attester: Attester, change: Set) -> None:
    bound = SimulatedPlatform(bind_configuration=True)
    simulated = attester.simulated(attester.call(), attester.valid_until(), platform=bound)
    image = parse_exact_quote(simulated.quote).image
    enclave = registered(attester, platform=bound)
    change("setAnyWorkload", False)
    assert passes(attester, platform=bound)["image"] == f"0x{image.hex()}"

    change("setAnyImage", False)
    assert f"nor image 0x{image.hex()} is allowed" in quote_refusal(attester, platform=bound)
    assert f"nor image 0x{image.hex()} is allowed" in enclave_refusal(attester, enclave)

    change("setImage", image, True)
    passes(attester, platform=bound)
    passes(attester, enclave)
    assert "neither workload" in quote_refusal(attester)
    change("setImage", image, False)


def test_a_root_that_is_not_listed_proves_nothing(attester: Attester, enclave: LocalAccount, change: Set) -> None:
    foreign = self_signed_root()
    change("removeRootCa", SIMULATOR_ROOT)
    change("addRootCa", foreign, False)

    refusal = quote_refusal(attester)

    assert f"root 0x{keccak256(foreign).hex()}: " in refusal
    assert SIMULATOR_ROOT.hex() not in refusal
    assert enclave_refusal(attester, enclave).startswith(f"root certificate 0x{SIMULATOR_ROOT.hex()} is not (or no")


def test_without_roots_every_quote_is_refused(attester: Attester, change: Set) -> None:
    intel = attester.l2.request("attestation_getPolicy")["rootCertificates"][0]
    change("removeRootCa", SIMULATOR_ROOT)
    change("removeRootCa", bytes.fromhex(intel["hash"][2:]))

    refusal = quote_refusal(attester)

    change("addRootCa", bytes.fromhex(intel["der"][2:]), False)
    assert refusal.endswith("the policy trusts no root certificate")


def test_roots_that_are_no_certificates_harm_nobody(attester: Attester, change: Set) -> None:
    change("removeRootCa", SIMULATOR_ROOT)
    change("addRootCa", b"\x30\x82\xff\xff no certificate", False)
    change("addRootCa", SIMULATOR_ROOT_CA_DER[:-9], False)
    change("addRootCa", SIMULATOR_ROOT_CA_DER, True)

    assert passes(attester)["simulated"] is True


def test_a_root_marked_as_simulated_later_marks_its_enclaves(
    attester: Attester, enclave: LocalAccount, change: Set
) -> None:
    change("removeRootCa", SIMULATOR_ROOT)
    change("addRootCa", SIMULATOR_ROOT_CA_DER, False)
    trusted = registered(attester)
    assert passes(attester, trusted)["simulated"] is False
    assert passes(attester, enclave)["simulated"] is True

    change("removeRootCa", SIMULATOR_ROOT)
    change("addRootCa", SIMULATOR_ROOT_CA_DER, True)
    assert passes(attester, trusted)["simulated"] is True


@pytest.mark.parametrize("name", ["sgx_quote", "tdx_quote"])
def test_real_quotes_of_another_day_attest_nothing_here(attester: Attester, vectors: Path, name: str) -> None:
    quote = (vectors / "attestation" / name).read_bytes()
    collateral = (vectors / "attestation" / f"{name}_collateral.json").read_bytes()
    attestation = quote_attestation(quote, collateral, attester.valid_until())

    message = attester.judged_refusal(attester.sign(attester.call(), attestation))

    assert "quote's report_data is 0x" in message


def test_an_unregistered_enclave_is_refused(attester: Attester) -> None:
    stranger: LocalAccount = attester.web3.eth.account.create()

    message = enclave_refusal(attester, stranger)

    assert message.startswith(f"enclave {stranger.address.lower()} is not registered")


@pytest.mark.parametrize("by_registrar", [True, False])
def test_a_revoked_enclave_is_refused(attester: Attester, policy_owner: Attester, by_registrar: bool) -> None:
    enclave = registered(attester)
    passes(attester, enclave)
    revoker = attester if by_registrar else policy_owner
    data = encode_call(REGISTRY, "revoke", [bytes.fromhex(enclave.address[2:])])

    assert send(revoker.web3, revoker.account, to=f"0x{ENCLAVE_REGISTRY.hex()}", data=data)["status"] == 1

    assert enclave_refusal(attester, enclave) == f"enclave {enclave.address.lower()} was revoked"
    assert attester.l2.request("attestation_getEnclave", enclave.address)["revoked"] is True


def test_an_enclave_attests_until_the_second_before_its_expiry(attester: Attester) -> None:
    enclave = registered(attester, valid_for=2 * BLOCK_TIME)
    expiry = int(attester.l2.request("attestation_getEnclave", enclave.address)["expiry"], 16)
    assert attester.next_timestamp() == expiry - BLOCK_TIME

    passes(attester, enclave)

    assert enclave_refusal(attester, enclave).startswith(
        f"enclave {enclave.address.lower()} attested before {expiry} only, but the block's timestamp is {expiry}"
    )


@pytest.mark.parametrize("valid_for", [0, 30 * DAY + 1])
def test_registrations_last_a_second_to_thirty_days(attester: Attester, valid_for: int) -> None:
    enclave = bytes.fromhex(attester.web3.eth.account.create().address[2:])
    call = attester.call(ENCLAVE_REGISTRY, encode_call(REGISTRY, "register", [enclave, valid_for]))

    assert attester.revert_reason(call, attester.quoted(call)).startswith(f"InvalidValidity(validFor: {valid_for}")


def test_only_quotes_register_and_each_address_once(attester: Attester, enclave: LocalAccount) -> None:
    again = attester.call(
        ENCLAVE_REGISTRY, encode_call(REGISTRY, "register", [bytes.fromhex(enclave.address[2:]), DAY])
    )

    by_key = attester.enclave_signed(again, bytes(enclave.key))
    assert attester.revert_reason(again, by_key) == "AttestationKindRefused(kind: 2)"
    assert attester.revert_reason(again, attester.account_signed(again)) == "AttestationKindRefused(kind: 3)"
    assert attester.revert_reason(again, None) == "NotAttested()"
    assert attester.revert_reason(again, attester.quoted(again)).startswith("AlreadyRegistered(enclave: ")


def test_collateral_is_refused_when_it_is_older_than_a_month(attester: Attester) -> None:
    passes(attester, age=30 * DAY)

    assert "quote is refused at" in quote_refusal(attester, age=33 * DAY)
    assert "quote is refused at" in quote_refusal(attester, age=-3 * DAY)


def self_signed_root() -> bytes:
    """A fresh root certificate as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a root of nobody's")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(
        datetime(2090, 1, 1, tzinfo=UTC)
    )
    return builder.serial_number(1).sign(key, SHA256()).public_bytes(Encoding.DER)
