"""The migration from a state export to paid claims and the sweep, by the commands, on a devnet of its own."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from chain_actions import contract_at
from migration_material import ALICE, BOB, CAROL, DAVE, MULTISIG, SIGNATORIES, write_export
from web3 import Web3
from web3.logs import DISCARD
from withdrawal_steps import finalise_withdrawal

from phal2.bridge.migration.ss58 import encode_address
from phal2.bridge.migration.tree import MigrationTree
from phal2.bridge.migration.tree_file import read_tree
from phal2.contracts import decode_revert, encode_call, load_artefact
from phal2.devnet.accounts import role_account
from phal2.devnet.command.main import main
from phal2.devnet.process import DevnetProcess, RequestRefused
from phal2.node.attestation.account_secrets import AccountSecret, account_of, sign_message
from phal2.node.attestation.account_text import wrapped
from phal2.node.attestation.building import Call, account_attestation, account_statement_for, sign_attested
from phal2.node.attestation.presentation import evidence_as_hex
from phal2.node.attestation.substrate_signatures import SCHEME_NAMES
from phal2.node.protocol.predeploys import PHA_CLAIMS

RECEIVER = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
PHA = 10**18
VALID_FOR = 1_200
CLAIMS = load_artefact("PHAClaims")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Migration:
    """A launched migration, and the commands on it."""

    devnet: DevnetProcess
    folder: Path
    tree: MigrationTree
    launched: dict[str, Any]

    @property
    def web3(self) -> Web3:
        return Web3(Web3.HTTPProvider(self.devnet.l2.url))

    def run(self, *words: str) -> Ended:
        return run_command(*words, key=self.devnet.accounts[3]["privateKey"])

    def pha_of_the_treasury(self) -> int:
        l1 = Web3(Web3.HTTPProvider(self.devnet.l1.url))
        pha = contract_at(l1, "PHAToken", self.devnet.l1.contracts["PHAToken"])
        amount: int = pha.functions.balanceOf(role_account("treasury").checksum_address).call()
        return amount

    def claim(self, *options: str, receiver: str = RECEIVER) -> Ended:
        tree = str(self.folder / "tree.json")
        return self.run("claim", "--l2", self.devnet.l2.url, "--tree", tree, "--receiver", receiver, *options)

    def secret(self, secret: AccountSecret) -> tuple[str, str]:
        """The option that names a file with a secret."""
        path = self.folder / f"{account_of(secret).hex()}.secret"
        path.write_text(f"{SCHEME_NAMES[secret.scheme]}:0x{secret.secret.hex()}\n")
        return ("--secret", str(path))

    def status(self) -> dict[str, Any]:
        ended = self.run("status", "--l2", self.devnet.l2.url, "--l1", self.devnet.l1.url, "--json")
        assert ended.code == 0, ended.err
        status: dict[str, Any] = json.loads(ended.out)
        return status

    def balance(self, address: str = RECEIVER) -> int:
        token = contract_at(self.web3, "L2PHAToken", self.devnet.l2.contracts["PHAToken"])
        balance: int = token.functions.balanceOf(address).call()
        return balance

    def attempt(
        self, secret: AccountSecret, *, free_added: int = 0, receiver: str = RECEIVER, noted: str = RECEIVER
    ) -> str:
        """Send a claim that the command would refuse to make; return why the contract refuses it, once it is mined."""
        relayer = self.web3.eth.account.from_key(self.devnet.accounts[4]["privateKey"])
        leaf, proof = self.tree.leaf(account_of(secret)), self.tree.proof(account_of(secret))
        data = encode_call(CLAIMS, "claim", [to_bytes(receiver), leaf.free + free_added, leaf.staked, list(proof)])
        gas_price = 10 * self.web3.eth.gas_price
        nonce = self.web3.eth.get_transaction_count(relayer.address, "pending")
        call = Call(self.devnet.l2.chain_id, nonce, PHA_CLAIMS, 0, data, 1_000_000, 0, gas_price)
        valid_until = self.web3.eth.get_block("latest")["timestamp"] + 600
        statement = account_statement_for(call, valid_until, f"receive PHA at {noted}".encode())
        attestation = account_attestation(statement, secret)
        request = {
            "from": relayer.address,
            "to": f"0x{PHA_CLAIMS.hex()}",
            "data": f"0x{data.hex()}",
            "attestation": {
                "kind": "0x3",
                "validUntil": hex(valid_until),
                "evidence": evidence_as_hex(attestation.evidence),
            },
        }
        with pytest.raises(RequestRefused) as refused:
            self.devnet.l2.request("eth_call", request, "latest")
        raw = sign_attested(call, attestation, bytes(relayer.key))
        transaction_hash = self.web3.eth.send_raw_transaction(raw)
        receipt = self.web3.eth.wait_for_transaction_receipt(transaction_hash, timeout=120, poll_latency=0.1)
        assert (receipt["type"], receipt["status"], receipt["logs"]) == (0x54, 0, [])
        return decode_revert([CLAIMS], to_bytes(str(refused.value.data)))


def to_bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def run_command(*words: str, key: str) -> Ended:
    """Run `phal2 migration …`, with a key in the environment as its users keep it."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("PHAL2_PRIVATE_KEY", key)
        code = main(["migration", *words])
    return Ended(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("migration")


@pytest.fixture(scope="module")
def snapshot(folder: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    """The snapshot of the export, which is held against its state root the second time."""
    try:
        vectors = request.getfixturevalue("vectors")
    except pytest.skip.Exception:  # the generated accounts are enough for all but the size of the tree
        vectors = None
    export = folder / "export.json"
    write_export(export, vectors)
    first = run_command("snapshot", str(export), "--json", key="")
    assert first.code == 0, first.err
    state_root = json.loads(first.out)["stateRoot"]
    proven = run_command("snapshot", str(export), "--state-root", state_root, "--json", key="")
    assert proven.out == first.out
    snapshot: dict[str, Any] = json.loads(proven.out)
    return snapshot


@pytest.fixture(scope="module")
def migration(folder: Path, snapshot: dict[str, Any]) -> Iterator[Migration]:
    """A devnet on which the tree of the snapshot is launched."""
    tree_file = folder / "tree.json"
    words = (str(folder / "export.json"), "--state-root", snapshot["stateRoot"], "--out", str(tree_file))
    made = run_command("tree", *words, "--json", key="")
    assert made.code == 0, made.err
    assert json.loads(made.out)["total"] == snapshot["total"]
    with DevnetProcess.start() as devnet:
        owner = devnet.accounts[0]["privateKey"]
        endpoints = ("--l1", devnet.l1.url, "--l2", devnet.l2.url)
        words = (*endpoints, "--tree", str(tree_file), "--valid-for", str(VALID_FOR), "--json")
        launched = run_command("launch", *words, key=owner)
        assert launched.code == 0, launched.err
        again = run_command("launch", *words, key=owner)
        assert json.loads(again.out)["transactions"] == {}
        yield Migration(devnet, folder, read_tree(tree_file), json.loads(launched.out))


@pytest.fixture(scope="module")
def past_deadline(migration: Migration) -> Migration:
    """The same devnet, after the last second at which claims are paid."""
    timestamp = migration.web3.eth.get_block("latest")["timestamp"]
    migration.devnet.l2.advance_time(migration.launched["deadline"] - timestamp + 2)
    assert migration.web3.eth.get_block("latest")["timestamp"] > migration.launched["deadline"]
    return migration


def refusal(ended: Ended) -> str:
    """What a command that must fail says, in one line."""
    assert (ended.code, ended.out) == (1, ""), ended.out + ended.err
    assert ended.err.count("\n") == 1
    return ended.err


def test_the_snapshot_conserves(snapshot: dict[str, Any]) -> None:
    assert int(snapshot["total"]) + sum(map(int, snapshot["excluded"].values())) == int(snapshot["issuance"])
    assert int(snapshot["excluded"]["modl"]) == 1_000 * PHA


def test_root_and_backing_are_on_both_chains(migration: Migration, snapshot: dict[str, Any]) -> None:
    status = migration.status()

    assert status["root"] == status["l1"]["root"] == f"0x{migration.tree.root.hex()}"
    assert status["total"] == status["l1"]["total"] == status["l1"]["backing"] == snapshot["total"]
    assert status["deadline"] == status["l1"]["deadline"] == migration.launched["deadline"]
    assert status["launched"] is status["l1"]["launched"] is True
    assert int(status["claimed"]) + int(status["backing"]) == int(status["total"])


def test_a_claim_signed_with_sr25519_is_paid(migration: Migration) -> None:
    ended = migration.claim(*migration.secret(ALICE), "--json")

    assert ended.code == 0, ended.err
    paid = json.loads(ended.out)
    assert paid["amount"] == str(10 * PHA)
    assert migration.balance() == 10 * PHA
    receipt = migration.web3.eth.get_transaction_receipt(paid["transactionHash"])
    (claimed,) = (
        contract_at(migration.web3, "PHAClaims", f"0x{PHA_CLAIMS.hex()}")
        .events.Claimed()
        .process_receipt(receipt, errors=DISCARD)
    )
    assert (receipt["type"], receipt["from"]) == (0x54, migration.devnet.accounts[3]["address"])
    assert claimed["args"] == {
        "accountId": account_of(ALICE),
        "receiver": RECEIVER,
        "free": 10 * PHA,
        "staked": 0,
    }


def test_a_claim_of_a_multisig_is_paid(migration: Migration) -> None:
    signatories = [word for signatory in SIGNATORIES for word in ("--signatory", encode_address(signatory))]
    receiver = "0x1111111111111111111111111111111111111111"

    ended = migration.claim(
        "--threshold", "2", *signatories, *migration.secret(CAROL), *migration.secret(BOB), "--json", receiver=receiver
    )

    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["accountId"] == f"0x{MULTISIG.hex()}"
    assert migration.balance(receiver) == 123 * PHA


def test_a_claim_signed_in_a_wallet_is_paid(migration: Migration) -> None:
    receiver = "0x2222222222222222222222222222222222222222"
    account = ("--scheme", "ed25519", "--public-key", encode_address(account_of(BOB)))
    printed = json.loads(migration.claim(*account, "--print-text", "--json", receiver=receiver).out)

    signature = sign_message(BOB, wrapped(printed["text"].encode()))
    until = str(printed["validUntil"])
    ended = migration.claim(*account, "--valid-until", until, "--signature", f"0x{signature.hex()}", receiver=receiver)

    assert ended.code == 0, ended.err
    assert migration.balance(receiver) == 5 * PHA + 10**6


def test_a_second_claim_is_refused(migration: Migration) -> None:
    migration.claim(*migration.secret(CAROL))
    before = migration.balance()

    said, reason = refusal(migration.claim(*migration.secret(CAROL))), migration.attempt(CAROL)

    assert "has claimed already" in said
    assert reason == f"AlreadyClaimed(accountId: 0x{account_of(CAROL).hex()})"
    assert migration.balance() == before


def test_a_wrong_amount_is_refused(migration: Migration) -> None:
    reason = migration.attempt(DAVE, free_added=1)

    account = f"0x{account_of(DAVE).hex()}"
    assert reason == f"InvalidProof(accountId: {account}, free: {13 * PHA + 1}, staked: 0)"


def test_a_receiver_other_than_the_notes_is_refused(migration: Migration) -> None:
    thief = "0x3333333333333333333333333333333333333333"

    reason = migration.attempt(DAVE, receiver=thief, noted=RECEIVER)

    assert reason.startswith("WrongNote(noteHash: 0x")
    assert reason.endswith(f"expected: receive PHA at {thief})")
    assert migration.balance(thief) == 0


def test_a_sweep_before_the_deadline_is_refused(migration: Migration) -> None:
    assert "sweep after that" in refusal(migration.run("sweep", "--l2", migration.devnet.l2.url))


def test_a_late_claim_is_refused(past_deadline: Migration) -> None:
    said, reason = refusal(past_deadline.claim(*past_deadline.secret(DAVE))), past_deadline.attempt(DAVE)

    assert "the deadline for claims was" in said
    assert reason.startswith("DeadlinePassed(timestamp: ")


def test_the_sweep_sends_the_rest_to_l1(past_deadline: Migration) -> None:
    rest = int(past_deadline.status()["backing"])

    ended = past_deadline.run("sweep", "--l2", past_deadline.devnet.l2.url, "--json")

    assert ended.code == 0, ended.err
    swept = json.loads(ended.out)
    receipt = past_deadline.web3.eth.get_transaction_receipt(swept["transactionHash"])
    passer = contract_at(past_deadline.web3, "L2ToL1MessagePasser", "0x4200000000000000000000000000000000000016")
    (message,) = passer.events.MessagePassed().process_receipt(receipt, errors=DISCARD)
    assert swept["amount"] == str(rest)
    assert swept["treasury"] == role_account("treasury").checksum_address
    assert swept["withdrawalHash"] == f"0x{message['args']['withdrawalHash'].hex()}"
    assert message["args"]["target"] == past_deadline.devnet.l1.contracts["L1CrossDomainMessenger"]
    status = past_deadline.status()
    assert (status["swept"], status["backing"]) == (True, "0")
    treasury = past_deadline.pha_of_the_treasury()

    finalise_withdrawal(past_deadline.devnet, swept["transactionHash"])

    assert past_deadline.pha_of_the_treasury() == treasury + rest
    # What was claimed is what PHA on L1 still backs.
    assert past_deadline.status()["l1"]["backing"] == past_deadline.status()["claimed"]


def test_a_second_sweep_is_refused(past_deadline: Migration) -> None:
    past_deadline.run("sweep", "--l2", past_deadline.devnet.l2.url)

    assert "swept already" in refusal(past_deadline.run("sweep", "--l2", past_deadline.devnet.l2.url))


def test_the_follower_reaches_the_same_status(
    past_deadline: Migration, until: Callable[[Callable[[], Any]], Any]
) -> None:
    follower = past_deadline.devnet.follower
    head = past_deadline.web3.eth.get_block("latest")

    until(lambda: follower.block_number() >= head["number"])

    assert follower.request("eth_getBlockByNumber", hex(head["number"]), False)["hash"] == f"0x{head['hash'].hex()}"
    of_follower = past_deadline.run("status", "--l2", follower.url, "--l1", past_deadline.devnet.l1.url, "--json")
    assert json.loads(of_follower.out) == past_deadline.status()
