import json
from collections.abc import Callable

import pytest
from migration_chains import (
    ALICE,
    BOB,
    CAROL,
    DAY,
    MULTISIG,
    OTHER_TREE,
    PHA,
    RECEIVER_TEXT,
    RELAYER,
    RELAYER_KEY,
    SIGNATORIES,
    STRANGER,
    TREE,
    MigrationChains,
)
from migration_commands import Result, run

from phal2.bridge.migration.ss58 import encode_address
from phal2.bridge.migration.tree_file import dump_tree
from phal2.node.attestation.account_secrets import AccountSecret, account_of, public_key_of, sign_message
from phal2.node.attestation.account_text import wrapped
from phal2.node.attestation.substrate_signatures import SCHEME_NAMES
from phal2.node.protocol.addresses import to_checksum_address

SIGNATORY_OPTIONS = tuple(word for signatory in SIGNATORIES for word in ("--signatory", encode_address(signatory)))
MULTISIG_OPTIONS = ("--threshold", "2", *SIGNATORY_OPTIONS)


class Claimant:
    """Runs `claim` with the options that every claim has."""

    def __init__(self, chains: MigrationChains, capsys: pytest.CaptureFixture[str], tree: str, key_file: str) -> None:
        self.chains = chains
        self.tree = tree
        self._capsys = capsys
        self._key_file = key_file

    async def claim(self, *options: str, receiver: str = RECEIVER_TEXT, tree: str | None = None) -> Result:
        return await self.without_key("--private-key-file", self._key_file, *options, receiver=receiver, tree=tree)

    async def without_key(self, *options: str, receiver: str = RECEIVER_TEXT, tree: str | None = None) -> Result:
        common = ("--l2", self.chains.l2_url, "--tree", tree or self.tree, "--receiver", receiver)
        return await run(self._capsys, "claim", *common, *options)


@pytest.fixture
def claimant(
    chains: MigrationChains, capsys: pytest.CaptureFixture[str], write_file: Callable[[str, str], str]
) -> Claimant:
    chains.launch()
    tree = write_file("tree.json", dump_tree(TREE))
    return Claimant(chains, capsys, tree, write_file("relayer.key", f"0x{RELAYER_KEY.hex()}\n"))


def secret_text(secret: AccountSecret) -> str:
    return f"{SCHEME_NAMES[secret.scheme]}:0x{secret.secret.hex()}"


def signature_text(secret: AccountSecret, text: str) -> str:
    """What a wallet gives: it wraps the text, and returns hex."""
    return f"{SCHEME_NAMES[secret.scheme]}:0x{sign_message(secret, wrapped(text.encode())).hex()}"


@pytest.mark.parametrize("secret", [ALICE, BOB, CAROL], ids=["sr25519", "ed25519", "ecdsa"])
async def test_an_account_of_any_scheme_is_paid(claimant: Claimant, secret: AccountSecret) -> None:
    leaf = TREE.leaf(account_of(secret))

    result = await claimant.claim("--secret", secret_text(secret), "--json")

    assert result.code == 0, result.err
    assert result.err.endswith(f": transaction {json.loads(result.out)['transactionHash']}\n")
    paid = json.loads(result.out)
    assert paid["accountId"] == f"0x{leaf.account_id.hex()}"
    assert paid["receiver"] == RECEIVER_TEXT
    assert (paid["free"], paid["staked"], paid["amount"]) == (
        str(leaf.free),
        str(leaf.staked),
        str(leaf.free + leaf.staked),
    )
    assert paid["relayer"] == to_checksum_address(RELAYER)
    assert paid["blockNumber"] == 1
    assert claimant.chains.balance() == leaf.free + leaf.staked


async def test_a_claim_is_reported(claimant: Claimant) -> None:
    result = await claimant.claim("--secret", f"0x{ALICE.secret.hex()}")

    assert result.code == 0
    assert "paid         10000000000000000000 (10 PHA)" in result.out
    assert encode_address(account_of(ALICE)) in result.out


async def test_secrets_come_from_files(claimant: Claimant, write_file: Callable[[str, str], str]) -> None:
    seed = write_file("bob.seed", f"{BOB.secret.hex()}\n")

    result = await claimant.claim("--scheme", "ed25519", "--secret", seed)

    assert result.code == 0
    assert claimant.chains.balance() == 5 * PHA + 1


async def test_the_relayers_key_comes_from_the_environment(claimant: Claimant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHAL2_PRIVATE_KEY", RELAYER_KEY.hex())

    result = await claimant.without_key("--secret", secret_text(ALICE))

    assert result.code == 0


async def test_a_multisig_is_paid_with_two_of_three_secrets(claimant: Claimant) -> None:
    secrets = ("--secret", secret_text(CAROL), "--secret", secret_text(ALICE))

    result = await claimant.claim(*MULTISIG_OPTIONS, *secrets, "--json")

    assert result.code == 0, result.err
    assert result.err.endswith(f": transaction {json.loads(result.out)['transactionHash']}\n")
    assert json.loads(result.out)["accountId"] == f"0x{MULTISIG.hex()}"
    assert claimant.chains.balance() == 123 * PHA


@pytest.mark.parametrize("secret", [ALICE, BOB, CAROL], ids=["sr25519", "ed25519", "ecdsa"])
async def test_a_wallets_signature_of_the_printed_text_is_taken(claimant: Claimant, secret: AccountSecret) -> None:
    options = ("--scheme", SCHEME_NAMES[secret.scheme], "--public-key", f"0x{public_key_of(secret).hex()}")
    printed = await claimant.without_key(*options, "--print-text")
    until = printed.out.splitlines()[4].removeprefix("valid until: ")

    signature = signature_text(secret, printed.out)
    result = await claimant.claim(*options, "--valid-until", until, "--signature", signature)

    assert (printed.code, result.code) == (0, 0), result.err
    assert claimant.chains.claims.read("claimed", account_of(secret)) is True


async def test_the_printed_text_is_the_statement_alone(claimant: Claimant) -> None:
    account = encode_address(account_of(ALICE), 42)
    until = claimant.chains.l2.chain.time + DAY  # the deadline for claims

    result = await claimant.without_key("--public-key", account, "--print-text")

    lines = result.out.split("\n")
    assert lines[:3] == [
        "Phala account statement",
        "chain: 20350",
        "contract: 0x4200000000000000000000000000000000000057",
    ]
    assert lines[4:] == [f"valid until: {until}", f"note: receive PHA at {RECEIVER_TEXT}"]
    assert f"--valid-until {until}" in result.err
    assert claimant.chains.l2.sent == 0


async def test_the_text_comes_as_json_too(claimant: Claimant) -> None:
    text = (await claimant.without_key(*MULTISIG_OPTIONS, "--print-text", "--valid-until", "1750000100")).out

    result = await claimant.without_key(*MULTISIG_OPTIONS, "--print-text", "--valid-until", "1750000100", "--json")

    printed = json.loads(result.out)
    assert printed["text"] == text
    assert printed["accountId"] == f"0x{MULTISIG.hex()}"
    assert printed["validUntil"] == 1750000100


async def test_a_multisig_is_paid_with_two_wallets_signatures(claimant: Claimant) -> None:
    printed = await claimant.without_key(*MULTISIG_OPTIONS, "--print-text", "--json")
    text, until = (json.loads(printed.out)[key] for key in ("text", "validUntil"))

    signatures = ("--signature", signature_text(CAROL, text), "--signature", signature_text(BOB, text))
    result = await claimant.claim(*MULTISIG_OPTIONS, "--valid-until", str(until), *signatures)

    assert result.code == 0, result.err
    assert claimant.chains.balance() == 123 * PHA


async def test_a_signature_with_its_scheme_in_front_is_taken(claimant: Claimant) -> None:
    options = ("--public-key", encode_address(account_of(ALICE)), "--valid-until", "1750000100")
    text = (await claimant.without_key(*options, "--print-text")).out
    signature = "0x01" + sign_message(ALICE, text.encode()).hex()

    result = await claimant.claim(*options, "--signature", signature)

    assert result.code == 0, result.err


async def refused(claimant: Claimant, *options: str, receiver: str = RECEIVER_TEXT, tree: str | None = None) -> str:
    """Run a claim that must fail before anything is sent, and return what it says."""
    sent = claimant.chains.l2.sent
    result = await claimant.claim(*options, receiver=receiver, tree=tree)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert claimant.chains.l2.sent == sent
    return result.err


async def test_a_second_claim_is_refused(claimant: Claimant) -> None:
    await claimant.claim("--secret", secret_text(ALICE))

    assert "has claimed already" in await refused(claimant, "--secret", secret_text(ALICE))


async def test_an_account_without_a_leaf_is_refused(claimant: Claimant) -> None:
    assert "has no leaf in the tree" in await refused(claimant, "--secret", secret_text(STRANGER))


async def test_another_tree_is_refused(claimant: Claimant, write_file: Callable[[str, str], str]) -> None:
    tree = write_file("other.json", dump_tree(OTHER_TREE))

    assert "take the file that belongs to the launch" in await refused(
        claimant, "--secret", secret_text(ALICE), tree=tree
    )


async def test_a_late_claim_is_refused(claimant: Claimant) -> None:
    claimant.chains.pass_deadline()

    assert "the deadline for claims was" in await refused(claimant, "--secret", secret_text(ALICE))


@pytest.mark.parametrize("receiver", [f"0x{'00' * 20}", "0x4200000000000000000000000000000000000057"])
async def test_a_receiver_that_nobody_owns_is_refused(claimant: Claimant, receiver: str) -> None:
    assert "cannot receive PHA" in await refused(claimant, "--secret", secret_text(ALICE), receiver=receiver)


async def test_a_signature_for_another_receiver_is_refused(claimant: Claimant) -> None:
    options = ("--public-key", encode_address(account_of(ALICE)), "--valid-until", "1750000100")
    text = (await claimant.without_key(*options, "--print-text")).out

    said = await refused(claimant, *options, "--signature", signature_text(ALICE, text), receiver=f"0x{'12' * 20}")

    assert "does not match the statement's text" in said


async def test_a_multisig_signature_of_another_text_is_refused(claimant: Claimant) -> None:
    signatures = ("--signature", signature_text(ALICE, "hello"), "--signature", signature_text(BOB, "hello"))

    said = await refused(claimant, *MULTISIG_OPTIONS, "--valid-until", "1750000100", *signatures)

    assert "signature 1 (sr25519) is of none of the signatories" in said


async def test_a_secret_of_no_signatory_is_refused(claimant: Claimant) -> None:
    secrets = ("--secret", secret_text(ALICE), "--secret", secret_text(STRANGER))

    assert "is not among the signatories" in await refused(claimant, *MULTISIG_OPTIONS, *secrets)


@pytest.mark.parametrize("seconds", [-1, 2_592_001])
async def test_a_statement_that_no_block_accepts_is_refused(claimant: Claimant, seconds: int) -> None:
    until = str(claimant.chains.l2.chain.time + seconds)

    assert "cannot be used" in await refused(claimant, "--secret", secret_text(ALICE), "--valid-until", until)


async def test_a_claim_before_the_launch_is_refused(
    chains: MigrationChains, capsys: pytest.CaptureFixture[str], write_file: Callable[[str, str], str]
) -> None:
    tree, key = write_file("tree.json", dump_tree(TREE)), write_file("key", RELAYER_KEY.hex())

    said = await refused(Claimant(chains, capsys, tree, key), "--secret", secret_text(ALICE))

    assert "not launched on L2" in said


@pytest.mark.parametrize("secret", ["sr25519:0x1234", f"0x{'ab' * 33}", "no such file", "ab" * 3_000])
async def test_a_wrong_secret_is_not_shown(claimant: Claimant, secret: str) -> None:
    said = await refused(claimant, "--secret", secret)

    assert "neither 32 bytes of hex nor a file" in said
    assert secret.removeprefix("sr25519:") not in said


@pytest.mark.parametrize("content", ["ab" * 31, "not hex", "00" * 32, "ff" * 32, "\x80" * 64, "ab" * 5_000])
async def test_a_wrong_key_is_not_shown(
    claimant: Claimant, write_file: Callable[[str, str], str], content: str
) -> None:
    key = write_file("wrong.key", content)

    result = await claimant.without_key("--secret", secret_text(ALICE), "--private-key-file", key)

    assert result.code == 1
    assert result.err.startswith(f"error: {key}")
    assert content not in result.err


async def test_without_a_key_it_is_said_how_to_give_one(claimant: Claimant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHAL2_PRIVATE_KEY", raising=False)

    result = await claimant.without_key("--secret", secret_text(ALICE))

    assert result.code == 1
    assert "give --private-key-file FILE" in result.err


@pytest.mark.parametrize(
    ("options", "explanation"),
    [
        ((), "give either --secret, or --signature"),
        (("--secret", "0x12", "--signature", "0x34"), "give either --secret, or --signature"),
        (("--signature", "0x34"), "--signature needs the --valid-until"),
        (("--signature", "0x34", "--valid-until", "1"), "--signature and --public-key belong together"),
        (("--secret", "0x12", "--public-key", "5G"), "--signature and --public-key belong together"),
        (("--secret", "0x12", "--secret", "0x34"), "an account of one key has one signature"),
        (("--threshold", "2", "--secret", "0x12"), "--threshold and --signatory belong together"),
        ((*SIGNATORY_OPTIONS, "--secret", "0x12"), "--threshold and --signatory belong together"),
        ((*MULTISIG_OPTIONS, "--secret", "0x12"), "needs as many signatures, got 1"),
        ((*MULTISIG_OPTIONS, "--public-key", "5G", "--secret", "0x12"), "without --public-key"),
        (("--threshold", "1", *2 * SIGNATORY_OPTIONS[:2], "--secret", "0x12"), "names one account twice"),
        (("--print-text",), "--print-text needs the account"),
        (("--print-text", "--public-key", "5G", "--signature", "0x34"), "there is no --signature yet"),
        (("--threshold", "0"), "expected a number from 1 to 100"),
        (("--signatory", "5Grw"), "SS58 address 5Grw"),
        (("--valid-until", "tomorrow"), "whole Unix seconds"),
        (("--timeout", "0"), "whole number of seconds from 1 on"),
    ],
)
async def test_options_that_do_not_go_together_are_bad_usage(
    claimant: Claimant, options: tuple[str, ...], explanation: str
) -> None:
    result = await claimant.claim(*options)

    assert result.code == 2
    assert explanation in result.err


async def test_a_receiver_with_a_wrong_checksum_is_bad_usage(claimant: Claimant) -> None:
    result = await claimant.claim("--secret", secret_text(ALICE), receiver=RECEIVER_TEXT.replace("d8dA", "d8da"))

    assert result.code == 2
    assert "wrong EIP-55 checksum" in result.err


@pytest.mark.parametrize(
    ("options", "explanation"),
    [
        (("--scheme", "ecdsa", "--public-key", "5Grw", "--print-text"), "expected a compressed ecdsa key"),
        (("--public-key", "5Grw", "--print-text"), "SS58 address 5Grw"),
        (
            ("--public-key", f"0x{'11' * 32}", "--valid-until", "1750000100", "--signature", "0x12"),
            "of 64 bytes as hex",
        ),
    ],
)
async def test_keys_and_signatures_of_another_form_are_refused(
    claimant: Claimant, options: tuple[str, ...], explanation: str
) -> None:
    assert explanation in await refused(claimant, *options)


async def test_an_endpoint_that_is_not_there_is_one_line(claimant: Claimant, free_url: str) -> None:
    claimant.chains.l2_url = free_url

    assert "the connection failed" in await refused(claimant, "--secret", secret_text(ALICE))


async def test_an_l2_without_claims_is_refused(claimant: Claimant) -> None:
    claimant.chains.l2_url = claimant.chains.l1_url

    assert "there is no PHAClaims at" in await refused(claimant, "--secret", secret_text(ALICE))
