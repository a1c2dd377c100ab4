"""`phal2 tx attest`, against an endpoint that verifies what it is sent."""

import argparse
import json
import socket

import pytest
from attesting_node import BASE_FEE, CHAIN_ID, GAS, NONCE, ROOT, TIMESTAMP, TIP, AttestingNode, serve

from phal2.bridge.migration.ss58 import encode_address
from phal2.devnet.command.tx import add_tx_parser
from phal2.devnet.tee.simulator import simulate_quote
from phal2.node.attestation.account_secrets import AccountSecret, account_of
from phal2.node.attestation.errors import MalformedCollateral, MultisigInvalid, NoteInvalid
from phal2.node.attestation.multisig import multisig_account
from phal2.node.attestation.policy import EnclaveRecord
from phal2.node.attestation.substrate_signatures import ECDSA, ED25519, SR25519
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import SECP256K1_ORDER, address_of_private_key
from phal2.node.protocol.transaction_codec import recover_transaction

KEY = "11" * 32
SENDER = address_of_private_key(bytes.fromhex(KEY))
ENCLAVE_KEY = "22" * 32
TO = "0x" + "ab" * 20
NOTE = "receive PHA at 0x000000000000000000000000000000000000dEaD"
SECRET = "31" * 32
ACCOUNTS = {
    name: account_of(AccountSecret(scheme, bytes.fromhex(SECRET)))
    for name, scheme in (("ed25519", ED25519), ("sr25519", SR25519), ("ecdsa", ECDSA))
}


@pytest.fixture
def node():
    node = AttestingNode()
    server = serve(node)
    yield node
    server.shutdown()
    server.server_close()


@pytest.fixture
def attest(node, capsys):
    def attest(*options: str) -> tuple[int, str]:
        parser = argparse.ArgumentParser(prog="phal2")
        add_tx_parser(parser.add_subparsers(required=True))
        call = ["--rpc", node.url, "--private-key", KEY, "--to", TO, "--data", "0xcafe", "--value", "9"]
        parsed = parser.parse_args(["tx", "attest", *call, *options])
        code = parsed.run(parsed)
        return code, capsys.readouterr().out

    return attest


def only(node):
    ((recovered, verified),) = node.received
    return recovered, verified


def test_a_simulated_quote_attests_the_call(node, attest):
    code, output = attest("--kind", "quote", "--workload", "gate", "--json")

    recovered, verified = only(node)
    assert code == 0
    assert json.loads(output)["transactionHash"] == "0x" + recovered.hash.hex()
    assert json.loads(output)["receipt"]["status"] == "0x1"
    assert (verified.kind, verified.simulated, verified.sender) == (1, True, SENDER)
    assert verified.workload == simulate_quote(bytes(64), "gate", TIMESTAMP).workload
    transaction = recovered.transaction
    assert (transaction.chain_id, transaction.nonce, transaction.gas_limit) == (CHAIN_ID, NONCE, GAS)
    assert (transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas) == (TIP, 2 * BASE_FEE + TIP)
    assert (transaction.to.hex(), transaction.data, transaction.value) == ("ab" * 20, b"\xca\xfe", 9)
    assert transaction.attestation.valid_until == TIMESTAMP + 3_600


def test_the_estimate_is_asked_with_nonce_and_attestation(node, attest):
    attest("--kind", "account", "--secret", f"sr25519:{SECRET}", "--note", NOTE)

    (request,) = node.estimated
    assert request["from"] == "0x" + SENDER.hex()
    assert request["nonce"] == hex(NONCE)
    assert request["attestation"]["validUntil"] == hex(TIMESTAMP + 3_600)


def test_fees_gas_nonce_and_validity_can_be_given(node, attest):
    attest(
        *("--kind", "account", "--secret", f"sr25519:{SECRET}", "--nonce", "77", "--gas-limit", "0x10000"),
        *("--max-fee-per-gas", "5", "--max-priority-fee-per-gas", "2", "--valid-until", str(TIMESTAMP + 9)),
    )

    transaction = only(node)[0].transaction
    assert (transaction.nonce, transaction.gas_limit) == (77, 65_536)
    assert (transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas) == (5, 2)
    assert transaction.attestation.valid_until == TIMESTAMP + 9
    assert node.estimated == []


def test_a_fee_cap_bounds_the_advised_tip(node, attest):
    attest("--kind", "account", "--secret", f"sr25519:{SECRET}", "--max-fee-per-gas", "3")

    assert only(node)[0].transaction.max_priority_fee_per_gas == 3


def test_an_enclave_key_attests_the_call(node, attest):
    enclave = address_of_private_key(bytes.fromhex(ENCLAVE_KEY))
    node.enclaves[enclave] = EnclaveRecord(
        b"\x01" * 32, bytes(32), ROOT.hash, TIMESTAMP + 100, 20, 0, simulated=True, revoked=False, registrar=SENDER
    )

    code, output = attest("--kind", "enclave-key", "--enclave-key", ENCLAVE_KEY)

    assert code == 0
    assert only(node)[1].subject == enclave.rjust(32, b"\0")
    assert "succeeded in block 16, 21000 gas used" in output


@pytest.mark.parametrize("wrapped", [[], ["--wrapped"]], ids=["bare", "wrapped"])
@pytest.mark.parametrize("scheme", list(ACCOUNTS))
def test_a_substrate_account_attests_the_call(node, attest, scheme, wrapped):
    code, _ = attest("--kind", "account", "--secret", f"{scheme}:0x{SECRET}", "--note", NOTE, *wrapped)

    assert code == 0
    verified = only(node)[1]
    assert verified.subject == ACCOUNTS[scheme]
    assert verified.workload == keccak256(NOTE.encode())


def test_a_multisig_attests_the_call(node, attest):
    signatories = [
        option
        for number, account in enumerate(ACCOUNTS.values())
        for option in ("--signatory", encode_address(account) if number else "0x" + account.hex())
    ]

    code, _ = attest(
        *("--kind", "account", "--threshold", "2", *signatories, "--note", NOTE),
        *("--secret", f"ecdsa:{SECRET}", "--secret", f"sr25519:{SECRET}"),
    )

    assert code == 0
    assert only(node)[1].subject == multisig_account(2, tuple(sorted(ACCOUNTS.values())))


def test_quotes_from_files_take_two_steps(node, attest, tmp_path):
    fixed = ("--kind", "quote", "--nonce", "5", "--valid-until", str(TIMESTAMP + 60))
    _, report_data = attest(*fixed, "--print-statement")
    simulated = simulate_quote(bytes.fromhex(report_data.strip()[2:]), "real", TIMESTAMP)
    (tmp_path / "quote").write_bytes(simulated.quote + bytes(70))
    (tmp_path / "collateral").write_bytes(simulated.collateral_json)

    code, _ = attest(*fixed, "--quote", str(tmp_path / "quote"), "--collateral", str(tmp_path / "collateral"))

    assert code == 0
    assert only(node)[1].workload == simulated.workload


def test_the_text_for_an_account_can_be_printed(attest):
    _, text = attest("--kind", "account", "--note", NOTE, "--print-statement")

    assert text.startswith("Phala account statement\nchain: 20350\ncontract: 0x")
    assert text.endswith(f"note: {NOTE}\n")


def test_the_digest_for_an_enclave_can_be_printed(attest):
    _, digest = attest("--kind", "enclave-key", "--print-statement")

    assert len(digest) == 2 + 64 + 1


def test_raw_transactions_are_printed_and_not_sent(node, attest):
    code, output = attest("--kind", "account", "--secret", f"sr25519:{SECRET}", "--raw")

    assert code == 0
    assert node.received == []
    assert recover_transaction(bytes.fromhex(output.strip()[2:])).sender == SENDER


def test_a_call_that_reverts_is_exit_code_1(node, attest):
    node.receipt_status = "0x0"

    code, output = attest("--kind", "account", "--secret", f"sr25519:{SECRET}")

    assert code == 1
    assert "failed" in output


def test_a_receipt_that_does_not_come_is_an_error(node, attest):
    node.mines = False

    with pytest.raises(Phal2Error, match="no receipt after 0 s"):
        attest("--kind", "account", "--secret", f"sr25519:{SECRET}", "--timeout", "0")


def test_the_nodes_refusal_is_shown(attest):
    with pytest.raises(Phal2Error, match="is not registered"):
        attest("--kind", "enclave-key", "--enclave-key", ENCLAVE_KEY)
    with pytest.raises(Phal2Error, match="at most 86400 s"):
        attest("--kind", "quote", "--valid-for", "100000")


def test_an_endpoint_that_is_not_there_is_an_error(node, attest):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        node.url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        with pytest.raises(Phal2Error):
            attest("--kind", "account", "--secret", f"sr25519:{SECRET}")


def test_what_cannot_be_attested_is_an_error(attest, tmp_path):
    (tmp_path / "collateral").write_text("{}")
    (tmp_path / "quote").write_bytes(simulate_quote(bytes(64), "x", TIMESTAMP).quote)

    with pytest.raises(NoteInvalid):
        attest("--kind", "account", "--secret", f"sr25519:{SECRET}", "--note", "line\nbreak")
    with pytest.raises(MalformedCollateral):
        attest("--kind", "quote", "--quote", str(tmp_path / "quote"), "--collateral", str(tmp_path / "collateral"))
    stranger = ("--secret", f"sr25519:{'77' * 32}")
    with pytest.raises(MultisigInvalid):
        attest("--kind", "account", "--threshold", "1", "--signatory", "0x" + "01" * 32, *stranger)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--kind", "magic"],
        ["--kind", "enclave-key"],
        ["--kind", "enclave-key", "--enclave-key", "00" * 32],
        ["--kind", "account"],
        ["--kind", "account", "--secret", "sr25519:00"],
        ["--kind", "account", "--secret", "rsa:" + SECRET],
        ["--kind", "account", "--secret", f"ecdsa:{SECP256K1_ORDER:064x}"],
        ["--kind", "account", "--secret", f"ed25519:{SECRET}", "--secret", f"ed25519:{SECRET}"],
        ["--kind", "account", "--secret", f"ed25519:{SECRET}", "--threshold", "1"],
        ["--kind", "account", "--secret", f"ed25519:{SECRET}", "--signatory", "0x" + "01" * 32],
        ["--kind", "account", "--secret", f"ed25519:{SECRET}", "--threshold", "2", "--signatory", "0x" + "01" * 32],
        ["--kind", "account", "--secret", f"ed25519:{SECRET}", "--threshold", "1", "--signatory", "Alice"],
        ["--kind", "quote", "--quote", "file"],
        ["--kind", "quote", "--secret", f"ed25519:{SECRET}"],
        ["--kind", "quote", "--note", NOTE],
        ["--kind", "enclave-key", "--enclave-key", SECRET, "--wrapped"],
        ["--kind", "account", "--secret", f"ed25519:{SECRET}", "--enclave-key", SECRET],
        ["--kind", "quote", "--valid-for", "1", "--valid-until", "1"],
        ["--kind", "quote", "--value", "-1"],
        ["--kind", "quote", "--value", "1.5"],
        ["--kind", "quote", "--value", str(2**256)],
        ["--kind", "quote", "--data", "0xabc"],
        ["--kind", "quote", "--to", "0x00"],
        ["--kind", "quote", "--private-key", "00" * 32],
    ],
)
def test_wrong_usage_is_exit_code_2(attest, options, capsys):
    with pytest.raises(SystemExit) as ending:
        attest(*options)

    assert ending.value.code == 2
    assert SECRET not in capsys.readouterr().err
