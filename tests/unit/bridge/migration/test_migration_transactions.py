from typing import Any

import pytest
from migration_chains import ALICE, DAY, PHA, RECEIVER, RELAYER_KEY, TREE, MigrationChains

from phal2.bridge.chain_access.errors import CallReverted, SendingUnclear, TransactionFailed, TransactionNotMined
from phal2.bridge.chain_access.transactions import ContractFunction, send, transaction_logs
from phal2.bridge.migration.chain_errors import ClaimedMeanwhile
from phal2.bridge.migration.relay import claim, prepare_claim
from phal2.bridge.migration.signers import SecretSigner
from phal2.node.attestation.account_secrets import account_of
from phal2.node.attestation.account_text import AccountStatement
from phal2.node.attestation.building import account_attestation
from phal2.node.attestation.presentation import parse_attestation_object
from phal2.node.l1.client import L1Client, MinedTransaction
from phal2.node.l1.errors import EndpointRefused, EndpointUnavailable
from phal2.node.protocol.predeploys import PHA_CLAIMS
from phal2.node.protocol.transactions import Attestation


def claim_call(free: int, note: str | None = None) -> tuple[ContractFunction, Attestation]:
    """A claim of Alice with any amount, and a statement that is right for it but for the note."""
    account = account_of(ALICE)
    arguments = (RECEIVER, free, 3 * PHA, list(TREE.proof(account)))
    function = ContractFunction("PHAClaims", PHA_CLAIMS, "claim", arguments)
    note = note or "receive PHA at 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
    statement = AccountStatement(20350, PHA_CLAIMS, function.data, 1_750_000_100, note.encode())
    return function, account_attestation(statement, ALICE)


async def send_on_l2(
    chains: MigrationChains, function: ContractFunction, attestation: Attestation | None, timeout_seconds: float = 60
) -> MinedTransaction:
    l2 = L1Client(chains.l2_url)
    try:
        return await send(l2, RELAYER_KEY, function, attestation=attestation, timeout_seconds=timeout_seconds)
    finally:
        await l2.close()


@pytest.mark.parametrize(
    ("free", "note", "reason"),
    [
        (8 * PHA, None, f"InvalidProof(accountId: 0x{account_of(ALICE).hex()}, free: {8 * PHA}, staked: {3 * PHA})"),
        (7 * PHA, "receive PHA at 0x0000000000000000000000000000000000000012", "WrongNote(noteHash: 0x"),
    ],
)
async def test_what_the_contract_would_refuse_is_said_by_name_and_not_sent(
    chains: MigrationChains, free: int, note: str | None, reason: str
) -> None:
    chains.launch()

    with pytest.raises(CallReverted) as refused:
        await send_on_l2(chains, *claim_call(free, note))

    assert refused.value.reason.startswith(reason)
    assert str(refused.value).startswith("PHAClaims.claim is refused by the contract: ")
    assert chains.l2.sent == 0


async def test_a_call_without_attestation_is_refused_by_the_context(chains: MigrationChains) -> None:
    chains.launch()
    function, _ = claim_call(7 * PHA)
    named = ContractFunction("PHAClaims", PHA_CLAIMS, "claim", function.arguments, errors=("AttestationContext",))

    with pytest.raises(CallReverted, match=r"NotAttested\(\)"):
        await send_on_l2(chains, named, None)


async def test_what_the_node_refuses_keeps_its_words(chains: MigrationChains) -> None:
    chains.launch()
    _, of_another_call = claim_call(1)

    with pytest.raises(EndpointRefused, match="does not match the statement's text"):
        await send_on_l2(chains, claim_call(7 * PHA)[0], of_another_call)


async def test_a_transaction_that_fails_says_why(chains: MigrationChains, monkeypatch: pytest.MonkeyPatch) -> None:
    chains.launch()
    await send_on_l2(chains, *claim_call(7 * PHA))
    # As where another claim was mined between the estimate and the block.
    monkeypatch.setattr(chains.l2, "_eth_estimateGas", lambda _: hex(300_000))

    with pytest.raises(TransactionFailed, match=r"but failed: AlreadyClaimed\(accountId: 0x"):
        await send_on_l2(chains, *claim_call(7 * PHA))


async def test_a_transaction_that_is_not_mined_is_named(chains: MigrationChains) -> None:
    chains.launch()
    chains.l2.holds_back = True

    with pytest.raises(TransactionNotMined, match="look for its receipt before sending again") as missing:
        await send_on_l2(chains, *claim_call(7 * PHA), timeout_seconds=0.2)

    assert len(missing.value.transaction_hash) == 32


async def test_the_hash_is_told_before_anything_is_sent(chains: MigrationChains) -> None:
    chains.launch()
    told: list[tuple[int, str]] = []
    l2 = L1Client(chains.l2_url)
    function, attestation = claim_call(7 * PHA)

    mined = await send(
        l2, RELAYER_KEY, function, attestation=attestation, report=lambda line: told.append((chains.l2.sent, line))
    )

    await l2.close()
    assert told == [(0, f"sending to {l2.rpc.url}: transaction 0x{mined.hash.hex()}")]


async def test_an_answer_that_is_lost_leaves_it_open_whether_it_was_sent(
    chains: MigrationChains, monkeypatch: pytest.MonkeyPatch
) -> None:
    chains.launch()
    take = chains.l2._eth_sendRawTransaction

    def take_and_fail(raw: str) -> str:
        take(raw)
        raise OSError("the answer is lost")

    monkeypatch.setattr(chains.l2, "_eth_sendRawTransaction", take_and_fail)

    with pytest.raises(SendingUnclear, match=r"HTTP status 500; so .* look for its receipt before sending") as unclear:
        await send_on_l2(chains, *claim_call(7 * PHA))

    assert chains.l2._eth_getTransactionReceipt(f"0x{unclear.value.transaction_hash.hex()}") is not None


@pytest.mark.parametrize(("days_to_claim", "days"), [(30, 7), (2, 2)])
async def test_a_prepared_claim_holds_a_week_within_the_deadline(
    chains: MigrationChains, days_to_claim: int, days: int
) -> None:
    chains.launch(valid_for=days_to_claim * DAY)
    l2 = L1Client(chains.l2_url)
    prepared = await prepare_claim(l2, TREE, account_of(ALICE), RECEIVER)
    await l2.close()

    assert prepared.statement.valid_until == chains.l2.chain.time + days * DAY
    assert prepared.text.startswith("Phala account statement\nchain: 20350\n")


async def test_a_receipt_that_is_gone_is_asked_for_again_later(chains: MigrationChains) -> None:
    l2 = L1Client(chains.l2_url)

    with pytest.raises(EndpointUnavailable, match="is gone: its block was reorganised"):
        await transaction_logs(l2, b"\x17" * 32)

    await l2.close()


async def test_a_claim_that_another_relayed_first_says_who_has_the_pha(
    chains: MigrationChains, monkeypatch: pytest.MonkeyPatch
) -> None:
    chains.launch()
    l2, estimate = L1Client(chains.l2_url), chains.l2._eth_estimateGas

    def relay_and_estimate(request: dict[str, Any]) -> str:
        """As where somebody copies the signature that he sees, and is mined between the checks and the sending."""
        other, to, data = b"\x0f" * 20, bytes.fromhex(request["to"][2:]), bytes.fromhex(request["data"][2:])
        copied = chains.l2._attestation(parse_attestation_object(request["attestation"]), other, to, data)
        assert chains.l2.chain.transact(to, data, sender=other, attestation=copied).succeeded
        return estimate(request)

    monkeypatch.setattr(chains.l2, "_eth_estimateGas", relay_and_estimate)

    with pytest.raises(
        ClaimedMeanwhile, match=r"AlreadyClaimed.* first\. .* 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
    ):
        await claim(l2, TREE, SecretSigner(ALICE), RECEIVER, RELAYER_KEY)

    await l2.close()
    assert chains.balance() == 10 * PHA
    assert chains.l2.sent == 0
