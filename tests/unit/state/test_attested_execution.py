"""Attested transactions: policy and registry are read from contracts, the attestation is shown to contracts."""

from dataclasses import replace
from typing import Any

import pytest
from small_chain import (
    ALICE,
    ALICE_KEY,
    BOB,
    BOB_KEY,
    GWEI,
    NOBODY,
    START_TIME,
    SmallChain,
    deposit,
    rollup_config,
    transaction,
)

from phal2.contracts import decode_result, decode_revert, encode_call, load_artefact
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.devnet.tee.simulator import simulate_quote
from phal2.node.attestation.account_secrets import AccountSecret, account_of
from phal2.node.attestation.building import (
    Call,
    account_attestation,
    account_statement_for,
    enclave_key_attestation,
    quote_attestation,
    sign_attested,
    statement_for,
)
from phal2.node.attestation.errors import (
    AccountSignatureInvalid,
    EnclaveNotRegistered,
    EnclaveRevoked,
    InvalidAttestation,
    QuoteRefused,
)
from phal2.node.attestation.gas import attestation_gas
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.attestation.policy import RootCertificate
from phal2.node.attestation.statement import report_data_of
from phal2.node.attestation.verified import context_words
from phal2.node.protocol import rlp
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT, ATTESTATION_POLICY, ENCLAVE_REGISTRY
from phal2.node.protocol.signatures import address_of_private_key
from phal2.node.protocol.transaction_codec import RecoveredTransaction, recover_transaction
from phal2.node.protocol.transactions import Attestation
from phal2.node.state.attestation_state import StateAttestationView
from phal2.node.state.genesis import GenesisAccount
from phal2.node.state.outcomes import TransactionOutcome
from phal2.node.state.rules import L2Rules
from phal2.node.state.transaction_errors import IntrinsicGasTooLow, NonceTooLow, TransactionTypeNotSupported

SECRET = AccountSecret(1, b"\x31" * 32)
NOTE = b"a note for tests"
ENCLAVE_KEY = b"\x22" * 32
ENCLAVE = address_of_private_key(ENCLAVE_KEY)
VALID_UNTIL = START_TIME + 3_600
DAY = 86_400
READER = b"\xc5" * 20
# Copies what AttestationContext.current() returns, or reverts as it does.
READER_CODE = (
    bytes.fromhex("63")
    + encode_call(load_artefact("AttestationContext"), "current")
    + bytes.fromhex("5f525f5f6004601c73")
    + ATTESTATION_CONTEXT
    + bytes.fromhex("5afa3d5f5f3e602e573d5ffd5b3d5ff3")
)


def predeploys() -> dict[bytes, GenesisAccount]:
    names = {
        ATTESTATION_CONTEXT: "AttestationContext",
        ATTESTATION_POLICY: "AttestationPolicy",
        ENCLAVE_REGISTRY: "EnclaveRegistry",
    }
    accounts = {
        address: GenesisAccount(nonce=1, code=load_artefact(name).deployed_bytecode) for address, name in names.items()
    }
    return accounts | {READER: GenesisAccount(nonce=1, code=READER_CODE)}


class AttestedChain(SmallChain):
    """A block with a policy and a registry, which Bob has initialised and owns; Alice sends what is attested."""

    def __init__(self, any_workload: bool = True, **fields: Any) -> None:
        super().__init__(accounts=predeploys(), **fields)
        self.owner_nonce = 0
        roots = [INTEL_ROOT_CA_DER, SIMULATOR_ROOT_CA_DER]
        arguments = [BOB, 0b1, 0, any_workload, False, roots, [False, True]]
        assert self.own(ATTESTATION_POLICY, "AttestationPolicy", "initialize", arguments).receipt.status == 1
        assert self.own(ENCLAVE_REGISTRY, "EnclaveRegistry", "initialize", [BOB]).receipt.status == 1

    def own(self, to: bytes, name: str, function: str, arguments: list[Any]) -> TransactionOutcome:
        data = encode_call(load_artefact(name), function, arguments)
        sent = transaction(BOB_KEY, nonce=self.owner_nonce, to=to, data=data, gas_limit=5_000_000)
        self.owner_nonce += 1
        return self.execution.apply(sent)


def call(**fields: Any) -> Call:
    defaults: dict[str, Any] = {
        "chain_id": 20350,
        "nonce": 0,
        "to": READER,
        "value": 0,
        "data": b"\xca\xfe",
        "gas_limit": 2_000_000,
        "max_priority_fee_per_gas": GWEI,
        "max_fee_per_gas": 10 * GWEI,
    }
    return Call(**(defaults | fields))


def sent(made: Call, attestation: Attestation) -> RecoveredTransaction:
    return recover_transaction(sign_attested(made, attestation, ALICE_KEY))


def by_account(made: Call, valid_until: int = VALID_UNTIL) -> Attestation:
    return account_attestation(account_statement_for(made, valid_until, NOTE), SECRET)


def by_quote(made: Call) -> Attestation:
    report_data = report_data_of(statement_for(made, ALICE, VALID_UNTIL))
    simulated = simulate_quote(report_data, "gate", START_TIME)
    return quote_attestation(simulated.quote, simulated.collateral_json, VALID_UNTIL)


def by_enclave(made: Call) -> Attestation:
    return enclave_key_attestation(statement_for(made, ALICE, VALID_UNTIL), ENCLAVE_KEY)


def registration(nonce: int = 0) -> Call:
    data = encode_call(load_artefact("EnclaveRegistry"), "register", [ENCLAVE, DAY])
    return call(to=ENCLAVE_REGISTRY, data=data, nonce=nonce)


def refusal(chain: AttestedChain, attested: RecoveredTransaction) -> InvalidAttestation:
    before = (chain.state.balance(ALICE), chain.state.nonce(ALICE), chain.execution.gas_used)
    with pytest.raises(InvalidAttestation) as caught:
        chain.execution.apply(attested)
    assert (chain.state.balance(ALICE), chain.state.nonce(ALICE), chain.execution.gas_used) == before
    return caught.value


def test_the_policy_is_read_as_the_contract_wrote_it() -> None:
    chain = AttestedChain(any_workload=False)
    workload, image = b"\x01" * 32, b"\x02" * 32
    chain.own(ATTESTATION_POLICY, "AttestationPolicy", "setWorkload", [workload, True])
    chain.own(ATTESTATION_POLICY, "AttestationPolicy", "setImage", [image, True])
    chain.own(ATTESTATION_POLICY, "AttestationPolicy", "setLeastTcbEvaluationNumber", [0xFFFFFFFE])
    chain.own(ATTESTATION_POLICY, "AttestationPolicy", "setAnyImage", [True])
    view = StateAttestationView(chain.state)
    policy = view.policy()
    assert policy.root_certificates == (
        RootCertificate(INTEL_ROOT_CA_DER, simulated=False),
        RootCertificate(SIMULATOR_ROOT_CA_DER, simulated=True),
    )
    assert (policy.allowed_statuses, policy.least_tcb_evaluation_number) == (1, 0xFFFFFFFE)
    assert (policy.any_workload, policy.any_image) == (False, True)
    assert view.is_workload_listed(workload)
    assert view.is_image_listed(image)
    assert not view.is_workload_listed(image)
    assert not view.is_image_listed(workload)


def test_an_uninitialised_policy_trusts_nothing() -> None:
    policy = StateAttestationView(SmallChain().state).policy()
    assert policy.root_certificates == ()
    assert (policy.allowed_statuses, policy.any_workload, policy.any_image) == (0, False, False)


def test_a_quote_registers_an_enclave_that_then_attests() -> None:
    chain = AttestedChain()
    made = registration()
    registered = chain.execution.apply(sent(made, by_quote(made)))
    assert registered.receipt.status == 1
    assert registered.receipt.transaction_type == 0x54
    assert registered.attestation is not None
    assert registered.attestation.simulated

    record = StateAttestationView(chain.state).enclave(ENCLAVE)
    assert record is not None
    assert (record.workload, record.registrar) == (registered.attestation.workload, ALICE)
    assert (record.expiry, record.simulated, record.revoked) == (START_TIME + DAY, True, False)
    assert (record.root_ca, record.tcb_status) == (keccak256(SIMULATOR_ROOT_CA_DER), 0)
    assert record.tcb_evaluation_number == registered.attestation.tcb_evaluation_number

    second = call(nonce=1)
    outcome = chain.execution.apply(sent(second, by_enclave(second)))
    assert outcome.attestation is not None
    assert outcome.attestation.subject == bytes(12) + ENCLAVE
    assert outcome.attestation.workload == record.workload


def test_contracts_see_the_attestation_word_by_word() -> None:
    chain = AttestedChain()
    made = call(value=3)
    outcome = chain.execution.apply(sent(made, by_account(made)))
    assert outcome.receipt.status == 1
    assert outcome.attestation is not None
    assert outcome.return_data == b"".join(context_words(outcome.attestation))
    shown = decode_result(load_artefact("AttestationContext"), "current", outcome.return_data)
    assert outcome.attestation.subject == account_of(SECRET)
    assert shown[0][:7] == (3, 0, VALID_UNTIL, ALICE, READER, account_of(SECRET), keccak256(NOTE))


def test_nothing_of_it_remains_for_the_next_transaction() -> None:
    chain = AttestedChain()
    made = call()
    chain.execution.apply(sent(made, by_account(made)))
    outcome = chain.execution.apply(transaction(nonce=1, to=READER))
    assert outcome.receipt.status == 0
    assert decode_revert([load_artefact("AttestationContext")], outcome.return_data) == "NotAttested()"
    assert outcome.attestation is None


def test_the_attestation_costs_its_gas_and_warms_nothing() -> None:
    chain = AttestedChain()
    made = call()
    attestation = by_account(made)
    attested = chain.execution.apply(sent(made, attestation))
    ordinary = chain.execution.apply(transaction(nonce=1, to=READER, data=made.data, gas_limit=2_000_000))
    # The reader calls AttestationContext cold either way; only what it does there differs.
    assert attested.gas_used - attestation_gas(attestation) > ordinary.gas_used > 21_000 + 2_600


def test_a_gas_limit_without_the_attestations_gas_is_refused() -> None:
    made = call(gas_limit=40_000)
    with pytest.raises(IntrinsicGasTooLow) as caught:
        AttestedChain().execution.apply(sent(made, by_account(made)))
    assert caught.value.needed == 21_000 + 2 * 16 + attestation_gas(by_account(made))


def test_the_floor_includes_the_attestations_gas() -> None:
    made = call(to=NOBODY, data=b"\x01" * 1000)
    attestation = by_account(made)
    outcome = AttestedChain().execution.apply(sent(made, attestation))
    assert outcome.gas_used == 21_000 + 40_000 + attestation_gas(attestation)


def test_another_call_than_the_attested_is_refused() -> None:
    made = call()
    error = refusal(AttestedChain(), sent(replace(made, data=b"\xca\xff"), by_account(made)))
    assert isinstance(error, AccountSignatureInvalid)


def test_an_unregistered_enclave_is_refused() -> None:
    made = call()
    assert isinstance(refusal(AttestedChain(), sent(made, by_enclave(made))), EnclaveNotRegistered)


def test_a_revoked_enclave_is_refused_in_the_same_block() -> None:
    chain = AttestedChain()
    made = registration()
    chain.execution.apply(sent(made, by_quote(made)))
    chain.own(ENCLAVE_REGISTRY, "EnclaveRegistry", "revoke", [ENCLAVE])
    second = call(nonce=1)
    assert isinstance(refusal(chain, sent(second, by_enclave(second))), EnclaveRevoked)


def test_a_root_that_the_policy_drops_no_longer_counts() -> None:
    chain = AttestedChain()
    chain.own(ATTESTATION_POLICY, "AttestationPolicy", "removeRootCa", [keccak256(SIMULATOR_ROOT_CA_DER)])
    made = registration()
    assert isinstance(refusal(chain, sent(made, by_quote(made))), QuoteRefused)


def test_ordinary_checks_come_first() -> None:
    chain = AttestedChain()
    chain.execution.apply(transaction())
    with pytest.raises(NonceTooLow):
        chain.execution.apply(sent(call(), by_account(call(data=b""))))


def test_the_type_is_unknown_before_its_fork() -> None:
    rules = L2Rules(rollup_config(replace(ALL_THROUGH_ISTHMUS, attested_time=None)))
    made = call()
    with pytest.raises(TransactionTypeNotSupported):
        SmallChain(rules=rules).execution.apply(sent(made, by_account(made)))


def test_a_sealed_block_keeps_the_attestations_by_index() -> None:
    chain = AttestedChain()
    made = call()
    outcome = chain.execution.apply(sent(made, by_account(made)))
    assert chain.execution.seal().attestations == {2: outcome.attestation}


def attested_deposit(made: Call, attestation: Attestation, **fields: Any) -> RecoveredTransaction:
    evidence = [rlp.encode_uint(attestation.kind), rlp.encode_uint(attestation.valid_until), attestation.evidence]
    data = rlp.encode([made.to, made.data, evidence])
    return deposit(to=ATTESTATION_CONTEXT, data=data, gas_limit=1_000_000, **fields)


def test_a_deposit_can_carry_an_account_statement() -> None:
    chain = AttestedChain()
    made = call()
    outcome = chain.execution.apply(attested_deposit(made, by_account(made), mint=5, value=5))
    assert outcome.receipt.status == 1
    assert outcome.attestation is not None
    assert (outcome.attestation.sender, outcome.attestation.to, outcome.attestation.value) == (NOBODY, READER, 5)
    assert outcome.return_data == b"".join(context_words(outcome.attestation))
    assert chain.state.balance(READER) == 5


def test_a_deposit_whose_statement_does_not_hold_fails_and_the_block_stays_valid() -> None:
    chain = AttestedChain()
    made = call()
    for broken in (
        attested_deposit(replace(made, data=b"\x01"), by_account(made)),
        attested_deposit(made, by_account(made, valid_until=START_TIME - 1)),
        attested_deposit(made, by_enclave(made)),
        deposit(to=ATTESTATION_CONTEXT, data=b"\xc0", gas_limit=1_000_000),
        deposit(to=ATTESTATION_CONTEXT, gas_limit=1_000_000),
    ):
        nonce = chain.state.nonce(NOBODY)
        outcome = chain.execution.apply(broken)
        assert (outcome.receipt.status, outcome.gas_used, outcome.attestation) == (0, 1_000_000, None)
        assert chain.state.nonce(NOBODY) == nonce + 1
