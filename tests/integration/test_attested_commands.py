"""`phal2 tee` and `phal2 tx attest` as a shell runs them, against the devnet."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attested_actions import ALICE, BOB, CAROL, READ_CONTEXT, enter, workload_hash
from chain_actions import deploy
from eth_account.signers.local import LocalAccount
from web3 import Web3

from phal2.bridge.migration.ss58 import encode_address
from phal2.contracts import encode_call, load_artefact
from phal2.devnet.process import Endpoint
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.devnet.tee.simulator import simulate_quote
from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.quotes import parse_quote
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT, ENCLAVE_REGISTRY

FundedAccounts = Callable[..., LocalAccount]
Attest = Callable[..., "subprocess.CompletedProcess[str]"]
QUOTE_FIELDS = {"quote", "collateral", "workload"}
REPORT_FIELDS = ["valid", "reason", "tee", "status", "advisoryIds", "workload", "reportData", "simulated"]
REPORT_DATA = bytes(range(64)).hex()
SGX_TIME, TDX_TIME, DSTACK_TIME = 1_750_334_171, 1_750_329_247, 1_771_412_431
SECRETS = [
    f"{name}:0x{secret.secret.hex()}" for name, secret in (("sr25519", ALICE), ("ed25519", BOB), ("ecdsa", CAROL))
]
CONTEXT = f"0x{ATTESTATION_CONTEXT.hex()}"


def phal2(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run the command and return what came of it."""
    command = [sys.executable, "-m", "phal2", *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def answer(*words: str | Path, code: int = 0) -> Any:
    """Run the command, which must end with `code`, and return the JSON that it prints."""
    ended = phal2(*words, "--json")
    assert ended.returncode == code, ended.stderr
    (line,) = ended.stdout.splitlines()
    return json.loads(line)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a simulated quote, its collateral and the simulator's root."""
    folder = tmp_path_factory.mktemp("simulated")
    made = answer("tee", "quote", "--report-data", REPORT_DATA, "--workload", "gate", "--at", str(TDX_TIME))
    (folder / "quote.json").write_text(json.dumps(made))
    (folder / "quote.hex").write_text(made["quote"] + "\n")
    (folder / "quote").write_bytes(bytes.fromhex(made["quote"]))
    (folder / "collateral").write_text(json.dumps(made["collateral"]))
    (folder / "root").write_bytes(SIMULATOR_ROOT_CA_DER)
    return folder


def test_quotes_are_made_as_json(simulated: Path) -> None:
    made = json.loads((simulated / "quote.json").read_text())

    expected = simulate_quote(bytes.fromhex(REPORT_DATA), "gate", TDX_TIME)
    assert made.keys() == QUOTE_FIELDS
    assert made == {
        "quote": expected.quote.hex(),
        "collateral": expected.collateral,
        "workload": workload_hash("gate").hex(),
    }


@pytest.mark.parametrize("quote", ["quote", "quote.hex", "quote.json"])
def test_simulated_quotes_verify_under_the_simulators_root(simulated: Path, quote: str) -> None:
    files = (simulated / quote, simulated / "collateral")

    report = answer("tee", "verify", *files, "--at", str(TDX_TIME), "--root", simulated / "root")

    assert list(report) == REPORT_FIELDS
    assert report == {
        "valid": True,
        "reason": None,
        "tee": "TDX",
        "status": "UpToDate",
        "advisoryIds": [],
        "workload": workload_hash("gate").hex(),
        "reportData": REPORT_DATA,
        "simulated": True,
    }


def test_simulated_quotes_do_not_verify_under_intels_root_nor_at_another_time(simulated: Path) -> None:
    files = (simulated / "quote", simulated / "collateral")

    under_intel = answer("tee", "verify", *files, "--at", str(TDX_TIME), code=1)
    later = answer("tee", "verify", *files, "--at", str(TDX_TIME + 90 * 86_400), "--root", simulated / "root", code=1)

    for report in (under_intel, later):
        assert list(report) == REPORT_FIELDS
        assert (report["valid"], report["status"], report["tee"]) == (False, None, "TDX")
        assert report["reason"]
    assert (under_intel["simulated"], later["simulated"]) == (False, True)


GENUINE = [
    ("sgx_quote", "sgx_quote_collateral.json", SGX_TIME, "SGX", "ConfigurationAndSWHardeningNeeded", 2),
    ("tdx_quote", "tdx_quote_collateral.json", TDX_TIME, "TDX", "UpToDate", 0),
    ("quote-report.json", "tdx_quote_outdated_collateral.json", DSTACK_TIME, "TDX", "UpToDate", 0),
]


@pytest.mark.parametrize(("quote", "collateral", "time", "tee", "status", "advisories"), GENUINE)
def test_real_quotes_verify_at_their_time_and_not_today(
    vectors: Path, quote: str, collateral: str, time: int, tee: str, status: str, advisories: int
) -> None:
    files = (vectors / "attestation" / quote, vectors / "attestation" / collateral)

    then = answer("tee", "verify", *files, "--at", str(time))
    today = answer("tee", "verify", *files, code=1)

    assert (then["valid"], then["reason"], then["simulated"]) == (True, None, False)
    assert (then["tee"], then["status"], len(then["advisoryIds"])) == (tee, status, advisories)
    assert (today["valid"], today["status"], today["workload"]) == (False, None, then["workload"])
    assert "CrlExpired" in today["reason"]


def test_outdated_and_foreign_quotes_are_not_valid(vectors: Path) -> None:
    folder = vectors / "attestation"

    outdated = answer(
        "tee",
        "verify",
        folder / "tdx_quote_outdated",
        folder / "tdx_quote_outdated_collateral.json",
        "--at",
        str(DSTACK_TIME),
        code=1,
    )
    foreign = answer("tee", "verify", folder / "quote-from-tappd.hex", folder / "tdx_quote_collateral.json", code=1)

    assert "No matching TCB level found" in outdated["reason"]
    assert (foreign["valid"], foreign["tee"]) == (False, "TDX")


def test_files_without_a_quote_are_not_valid(tmp_path: Path, simulated: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.write_text("no quote")

    garbage = answer("tee", "verify", nothing, simulated / "collateral", code=1)
    missing = answer("tee", "verify", tmp_path / "missing", simulated / "collateral", code=1)

    for report in (garbage, missing):
        assert (report["valid"], report["tee"], report["workload"]) == (False, None, None)
    assert missing["reason"].endswith("missing: No such file or directory")


@pytest.mark.parametrize(
    "words",
    [
        ["tee"],
        ["tee", "quote"],
        ["tee", "quote", "--report-data", "00"],
        ["tee", "quote", "--report-data", "zz" * 64],
        ["tee", "quote", "--report-data", "00" * 64, "--at", "-1"],
        ["tee", "verify", "quote"],
        ["tee", "verify", "quote", "collateral", "--at", "soon"],
        ["tx", "attest"],
    ],
)
def test_bad_usage_is_told_with_exit_code_2(words: Sequence[str]) -> None:
    ended = phal2(*words)

    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: phal2")
    assert ended.stdout == ""


@pytest.fixture
def sender(funded: FundedAccounts) -> LocalAccount:
    return funded()


@pytest.fixture
def attest(l2: Endpoint, sender: LocalAccount) -> Attest:
    """Runs `phal2 tx attest` for an account with ether."""
    to_node = ("--rpc", l2.url, "--private-key", f"0x{bytes(sender.key).hex()}")
    return lambda *words: phal2("tx", "attest", *to_node, *words)


def receipt_of(ended: "subprocess.CompletedProcess[str]") -> Any:
    assert ended.returncode == 0, ended.stderr
    (line,) = ended.stdout.splitlines()
    sent = json.loads(line)
    assert sent.keys() == {"transactionHash", "receipt"}
    assert sent["receipt"]["transactionHash"] == sent["transactionHash"]
    assert (sent["receipt"]["type"], sent["receipt"]["status"]) == ("0x54", "0x1")
    return sent["receipt"]


def test_a_quote_and_then_the_enclaves_key_attest_from_the_shell(
    web3: Web3, attest: Attest, sender: LocalAccount
) -> None:
    enclave: LocalAccount = web3.eth.account.create()
    gate = deploy(web3, sender, "WorkloadGate", workload_hash("shell"))
    registration = encode_call(
        load_artefact("EnclaveRegistry"), "register", [bytes.fromhex(enclave.address[2:]), 3_600]
    )
    to_registry = ("--to", f"0x{ENCLAVE_REGISTRY.hex()}", "--data", f"0x{registration.hex()}")
    to_gate = ("--to", gate.address, "--data", f"0x{enter().hex()}")

    receipt_of(attest(*to_registry, "--kind", "quote", "--workload", "shell", "--json"))
    receipt_of(attest(*to_gate, "--kind", "enclave-key", "--enclave-key", f"0x{bytes(enclave.key).hex()}", "--json"))

    assert gate.functions.entries().call() == 1


@pytest.mark.parametrize("secret", SECRETS)
def test_a_substrate_account_attests_from_the_shell(attest: Attest, web3: Web3, secret: str) -> None:
    call = ("--to", CONTEXT, "--data", f"0x{READ_CONTEXT.hex()}", "--kind", "account", "--note", "hello")

    receipt = receipt_of(attest(*call, "--secret", secret, "--wrapped", "--json"))

    shown = web3.eth.get_transaction(receipt["transactionHash"])["attestation"]
    assert (shown["kind"], shown["workload"]) == ("0x3", f"0x{Web3.keccak(text='hello').hex()}")


def test_a_multisig_attests_from_the_shell(attest: Attest) -> None:
    members = [account_of(secret) for secret in (CAROL, BOB, ALICE)]
    signatories = [word for member in members for word in ("--signatory", encode_address(member, 30))]
    call = ("--to", CONTEXT, "--data", READ_CONTEXT.hex(), "--kind", "account", "--threshold", "2")

    receipt_of(attest(*call, *signatories, "--secret", SECRETS[0], "--secret", SECRETS[2], "--json"))


def test_a_quote_of_ones_own_is_sent_in_two_steps(
    attest: Attest, web3: Web3, sender: LocalAccount, tmp_path: Path
) -> None:
    now = web3.eth.get_block("latest")["timestamp"]
    nonce = web3.eth.get_transaction_count(sender.address)
    fixed = ("--to", CONTEXT, "--data", READ_CONTEXT.hex(), "--kind", "quote")
    fixed = (*fixed, "--valid-until", str(now + 3_000), "--nonce", str(nonce))

    statement = attest(*fixed, "--print-statement")
    made = answer("tee", "quote", "--report-data", statement.stdout.strip(), "--at", str(now))
    (tmp_path / "quote").write_bytes(bytes.fromhex(made["quote"]) + bytes(100))
    (tmp_path / "collateral").write_text(json.dumps(made["collateral"]))

    receipt_of(
        attest(*fixed, "--quote", str(tmp_path / "quote"), "--collateral", str(tmp_path / "collateral"), "--json")
    )
    assert parse_quote((tmp_path / "quote").read_bytes()).length == len(made["quote"]) // 2


def test_what_the_node_refuses_is_one_clear_line(attest: Attest) -> None:
    ended = attest("--to", CONTEXT, "--kind", "enclave-key", "--enclave-key", "11" * 32)

    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert "is not registered; register it in a quote-attested transaction" in line


def test_a_call_that_reverts_ends_with_exit_code_1(attest: Attest) -> None:
    call = ("--to", f"0x{ENCLAVE_REGISTRY.hex()}", "--data", "0xdeadbeef", "--kind", "account", "--secret", SECRETS[1])

    told, mined = attest(*call), attest(*call, "--gas-limit", "200000", "--json")

    assert told.returncode == 1
    assert "revert" in told.stderr
    assert mined.returncode == 1
    assert json.loads(mined.stdout)["receipt"]["status"] == "0x0"
