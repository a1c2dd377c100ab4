"""Whoever is called on during an attested transaction does not inherit its attestation."""

from typing import Any

import pytest
from attested_actions import READ_CONTEXT, Attester, enter, workload_hash
from chain_actions import deploy, mine, send
from eth_account.signers.local import LocalAccount
from web3 import Web3

from phal2.devnet.process import DevnetProcess
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT

WORKLOAD_WORD = b"\x77" * 32

# Each passes the data behind the first 32 bytes of its call data on to the address in those, with the value that it
# got, and ends as that call ends. `{call}` is CALL's or DELEGATECALL's part.
#   CALLDATASIZE-32 → size; CALLDATACOPY(0, 32, size)
#   success = call(GAS, CALLDATALOAD(0), …, 0, size, 0, 0)
#   RETURNDATACOPY(0, 0, RETURNDATASIZE); RETURN or REVERT (0, RETURNDATASIZE)
PASS_ON = "60203603806020 5f37 5f5f 82 5f {call} 3d5f5f3e 60{ok:02x}57 3d5ffd 5b3d5ff3"
BY_CALL = "34 5f35 5a f1"
BY_DELEGATECALL = "5f35 5a f4"


def pass_on(call: str) -> bytes:
    """The runtime code of a contract that passes calls on."""
    code = bytes.fromhex(PASS_ON.format(call=call, ok=0))
    return bytes.fromhex(PASS_ON.format(call=call, ok=code.rindex(b"\x5b")))


# Calls its caller back with its own call data: CALLDATACOPY(0, 0, CALLDATASIZE); CALL(GAS, CALLER, 0, 0, size, 0, 0);
# ends as PASS_ON does.
CALL_BACK = bytes.fromhex("365f5f37 5f5f365f5f33 5af1 3d5f5f3e 60195 7 3d5ffd 5b3d5ff3".replace(" ", ""))


def deploy_code(attester: Attester, runtime: bytes) -> str:
    """Deploy runtime code and return its address."""
    initial = bytes.fromhex(f"60{len(runtime):02x}600a5f3960{len(runtime):02x}5ff3") + runtime
    receipt = send(attester.web3, attester.account, data=initial)
    assert bytes(attester.web3.eth.get_code(receipt["contractAddress"])) == runtime
    return str(receipt["contractAddress"])


def addressed(to: str, data: bytes) -> bytes:
    """Call data that makes a passing contract call `to` with `data`."""
    return bytes.fromhex(to[2:]).rjust(32, b"\0") + data


@pytest.fixture(scope="module")
def attester(still_devnet: DevnetProcess) -> Attester:
    return Attester.of(still_devnet, 6)


@pytest.fixture(scope="module")
def enclave(attester: Attester) -> LocalAccount:
    account: LocalAccount = attester.web3.eth.account.create()
    assert attester.register(bytes.fromhex(account.address[2:]))["status"] == 1
    return account


@pytest.fixture(scope="module")
def gate(attester: Attester) -> Any:
    return deploy(attester.web3, attester.account, "WorkloadGate", workload_hash())


@pytest.fixture(scope="module")
def passer(attester: Attester) -> str:
    return deploy_code(attester, pass_on(BY_CALL))


@pytest.fixture
def stays_shut(gate: Any) -> Any:
    """Says at the end of the test that nothing was entered."""
    before = gate.functions.entries().call()
    yield
    assert gate.functions.entries().call() == before


def test_the_passing_contract_passes_calls_on(attester: Attester, enclave: LocalAccount, passer: str) -> None:
    call = attester.call(passer, addressed(f"0x{ATTESTATION_CONTEXT.hex()}", READ_CONTEXT))

    answer = attester.l2.request(
        "eth_call", attester.call_object(call, attester.enclave_signed(call, bytes(enclave.key))), "latest"
    )

    fields = [bytes.fromhex(answer[2:])[begin : begin + 32] for begin in range(0, 14 * 32, 32)]
    assert (fields[0][-1], fields[3][12:], fields[4][12:]) == (2, attester.sender, call.to)


@pytest.mark.parametrize("kind", ["quote", "enclave key"])
@pytest.mark.usefixtures("stays_shut")
def test_a_call_passed_on_is_refused(
    attester: Attester, enclave: LocalAccount, gate: Any, passer: str, kind: str
) -> None:
    call = attester.call(passer, addressed(gate.address, enter(WORKLOAD_WORD)))
    attestation = attester.quoted(call) if kind == "quote" else attester.enclave_signed(call, bytes(enclave.key))

    reason = attester.revert_reason(call, attestation)
    receipt = attester.send(call, attestation)

    assert reason == f"AttestedForOtherContract(attested: {passer}, called: {gate.address})"
    assert (receipt["type"], receipt["status"], receipt["logs"]) == (0x54, 0, [])


@pytest.mark.usefixtures("stays_shut")
def test_code_that_another_contract_borrows_is_refused(attester: Attester, enclave: LocalAccount, gate: Any) -> None:
    borrower = deploy_code(attester, pass_on(BY_DELEGATECALL))
    call = attester.call(borrower, addressed(gate.address, enter(WORKLOAD_WORD)))
    attestation = attester.enclave_signed(call, bytes(enclave.key))

    assert attester.revert_reason(call, attestation).startswith("AttestedForOtherData(attested: 0x")
    assert attester.send(call, attestation)["status"] == 0


def delegate(attester: Attester, account: LocalAccount, to: str) -> None:
    """Have an account act with a contract's code (EIP-7702)."""
    nonce = attester.web3.eth.get_transaction_count(account.address)
    authorization = account.sign_authorization(
        {"chainId": attester.l2.chain_id, "address": Web3.to_checksum_address(to), "nonce": nonce}
    )
    send(
        attester.web3,
        attester.account,
        to=account.address,
        data=addressed("0x" + "00" * 20, b""),
        authorizationList=[authorization],
        gas=200_000,
    )
    assert bytes(attester.web3.eth.get_code(account.address)) == bytes.fromhex("ef0100" + to[2:])


@pytest.fixture(scope="module")
def delegated(attester: Attester, passer: str) -> Attester:
    """An account with ether whose code passes calls on."""
    account: LocalAccount = attester.web3.eth.account.create()
    send(attester.web3, attester.account, to=account.address, value=10**18)
    delegate(attester, account, passer)
    return Attester(attester.l2, attester.web3, account)


def test_a_delegated_account_can_attest_its_own_calls(delegated: Attester, enclave: LocalAccount, gate: Any) -> None:
    call = delegated.call(gate.address, enter(WORKLOAD_WORD))

    receipt = delegated.send(call, delegated.enclave_signed(call, bytes(enclave.key)))

    (entered,) = gate.events.Entered().process_receipt(receipt)
    assert entered["args"]["sender"] == delegated.account.address


@pytest.mark.usefixtures("stays_shut")
def test_a_delegated_sender_that_is_called_back_does_not_inherit(
    attester: Attester, delegated: Attester, enclave: LocalAccount, gate: Any
) -> None:
    caller = deploy_code(attester, CALL_BACK)
    call = delegated.call(caller, addressed(gate.address, enter(WORKLOAD_WORD)))
    attestation = delegated.enclave_signed(call, bytes(enclave.key))

    reason = delegated.revert_reason(call, attestation)

    assert reason == f"AttestedForOtherContract(attested: {caller}, called: {gate.address})"
    assert delegated.send(call, attestation)["status"] == 0


@pytest.mark.usefixtures("stays_shut")
def test_a_delegated_sender_that_calls_itself_does_not_inherit(
    delegated: Attester, enclave: LocalAccount, gate: Any
) -> None:
    call = delegated.call(delegated.account.address, addressed(gate.address, enter(WORKLOAD_WORD)))
    attestation = delegated.enclave_signed(call, bytes(enclave.key))

    reason = delegated.revert_reason(call, attestation)

    assert reason == f"AttestedForOtherContract(attested: {delegated.account.address}, called: {gate.address})"
    assert delegated.send(call, attestation)["status"] == 0


def test_the_next_transaction_of_the_block_sees_nothing(still_devnet: DevnetProcess, attester: Attester) -> None:
    reader = Attester.of(still_devnet, 7)
    attested = attester.call()
    raw = attester.sign(attested, attester.account_signed(attested))
    ordinary = reader.account.sign_transaction(
        {
            "chainId": reader.l2.chain_id,
            "nonce": reader.web3.eth.get_transaction_count(reader.account.address),
            "to": f"0x{ATTESTATION_CONTEXT.hex()}",
            "data": READ_CONTEXT,
            "gas": 100_000,
            "maxFeePerGas": 10 * reader.web3.eth.gas_price,
            "maxPriorityFeePerGas": 0,
        }
    )

    hashes = [reader.web3.eth.send_raw_transaction(each) for each in (ordinary.raw_transaction, raw)]
    mine(reader.web3)

    plain, shown = (reader.web3.eth.get_transaction_receipt(each) for each in hashes)
    assert plain["blockNumber"] == shown["blockNumber"]
    assert shown["transactionIndex"] < plain["transactionIndex"]
    assert (shown["status"], plain["status"]) == (1, 0)
