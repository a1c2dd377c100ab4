from dataclasses import replace

import pytest
from bridge_layers import L1_BRIDGE, Layers
from contract_chain import START_TIME, Attestation, Chain, Contract, Outcome, standard_tree
from hypothesis import given
from hypothesis import strategies as st

from phal2.contracts import load_artefact
from phal2.node.protocol.addresses import alias_l1_address, to_checksum_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT, L2_STANDARD_BRIDGE, PHA_CLAIMS, PHA_TOKEN

OWNER = b"\x01" * 20
RELAYER = b"\x02" * 20
RECEIVER = bytes.fromhex("d8da6bf26964af9d7eed9e03e53415d37aa96045")
OTHER = b"\x04" * 20
TREASURY = b"\x7e" * 20
MIGRATION = b"\x71" * 20
PHA = 10**18
DAY = 86_400
DELAY = 7 * DAY
DEADLINE = START_TIME + 365 * DAY
LEAVES = [(bytes([index]) * 32, index * PHA, 10 * index * PHA) for index in range(1, 8)]
ROOT, PROOFS = standard_tree(LEAVES)
TOTAL = sum(free + staked for _, free, staked in LEAVES)
ACCOUNT, FREE, STAKED = LEAVES[2]
PROOF = PROOFS[ACCOUNT]
NOTE = "receive PHA at 0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
STATEMENT = Attestation(kind=3, subject=ACCOUNT, workload=keccak256(NOTE.encode()), root_ca=bytes(32))
CLAIM = (RECEIVER, FREE, STAKED, PROOF)
OWNER_CLAIM = (ACCOUNT, RECEIVER, FREE, STAKED, PROOF)


@pytest.fixture
def layers() -> Layers:
    return Layers()


@pytest.fixture
def l1_token(layers: Layers) -> Contract:
    """PHA on L1, all of it the migration's."""
    return layers.l1.deploy("PHAToken", MIGRATION, sender=OWNER)


@pytest.fixture
def claims(layers: Layers, l1_token: Contract) -> Contract:
    chain = layers.l2
    chain.place("AttestationContext", ATTESTATION_CONTEXT)
    chain.place("L2PHAToken", PHA_TOKEN).transact("initialize", l1_token.address, sender=OWNER)
    claims = chain.place_behind_proxy("PHAClaims", PHA_CLAIMS)
    claims.transact("initialize", OWNER, PHA_TOKEN, MIGRATION, DELAY, sender=RELAYER)
    return claims


@pytest.fixture
def launched(claims: Contract) -> Contract:
    receive_launch(claims)
    receive_backing(claims)
    return claims


@pytest.fixture
def scheduled(launched: Contract) -> Contract:
    launched.transact("scheduleOwnerClaim", *OWNER_CLAIM, sender=OWNER)
    return launched


def token(claims: Contract) -> Contract:
    return Contract(claims.chain, load_artefact("L2PHAToken"), PHA_TOKEN)


def balance(claims: Contract, account: bytes) -> int:
    balance: int = token(claims).read("balanceOf", account)
    return balance


def receive_launch(claims: Contract, root: bytes = ROOT, total: int = TOTAL) -> Outcome:
    return claims.transact("receiveLaunch", root, total, DEADLINE, TREASURY, sender=alias_l1_address(MIGRATION))


def receive_backing(claims: Contract, amount: int = TOTAL) -> None:
    token(claims).transact("mint", PHA_CLAIMS, amount, sender=L2_STANDARD_BRIDGE)


def test_the_launch_sets_what_claims_are_paid_under(claims: Contract) -> None:
    outcome = receive_launch(claims)
    launch = {"root": ROOT, "total": TOTAL, "deadline": DEADLINE, "treasury": TREASURY}
    assert claims.event(outcome).arguments == launch
    views = launch | {"claimedTotal": 0, "arrivedTotal": 0, "token": PHA_TOKEN, "migration": MIGRATION}
    assert {view: claims.read(view) for view in views} == views


@pytest.mark.parametrize("backing_comes_first", [True, False])
def test_claims_are_paid_when_root_and_backing_have_arrived(claims: Contract, backing_comes_first: bool) -> None:
    steps = [receive_backing, receive_launch] if backing_comes_first else [receive_launch, receive_backing]
    steps[0](claims)
    refusal = claims.refuse("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    assert refusal == ("NotLaunched()" if backing_comes_first else f"NotBacked(arrived: 0, total: {TOTAL})")
    steps[1](claims)
    claims.transact("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    assert balance(claims, RECEIVER) == FREE + STAKED
    assert claims.read("arrivedTotal") == TOTAL


def test_a_part_of_the_backing_pays_no_claim(claims: Contract) -> None:
    receive_launch(claims)
    receive_backing(claims, TOTAL - 1)
    refusal = claims.refuse("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    assert refusal == f"NotBacked(arrived: {TOTAL - 1}, total: {TOTAL})"
    assert claims.refuse("scheduleOwnerClaim", *OWNER_CLAIM, sender=OWNER) == refusal


@pytest.mark.parametrize("caller", [MIGRATION, OWNER, RELAYER])
def test_only_the_migrations_alias_launches(claims: Contract, caller: bytes) -> None:
    refusal = claims.refuse("receiveLaunch", ROOT, TOTAL, DEADLINE, TREASURY, sender=caller)
    assert refusal.startswith("NotMigration(")


def test_before_initialisation_nobody_launches(chain: Chain) -> None:
    claims = chain.place_behind_proxy("PHAClaims", PHA_CLAIMS)
    refusal = claims.refuse("receiveLaunch", ROOT, TOTAL, DEADLINE, TREASURY, sender=alias_l1_address(bytes(20)))
    assert refusal.startswith("NotMigration(")


def test_claims_are_launched_once(launched: Contract) -> None:
    refusal = launched.refuse("receiveLaunch", ROOT, TOTAL, DEADLINE, TREASURY, sender=alias_l1_address(MIGRATION))
    assert refusal.startswith("AlreadyLaunched(")


def test_they_are_initialised_once(claims: Contract) -> None:
    refusal = claims.refuse("initialize", OWNER, PHA_TOKEN, MIGRATION, DELAY, sender=OWNER)
    assert refusal.startswith("AlreadyInitialized(")


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_account_claims_its_leaf(launched: Contract, leaf: tuple[bytes, int, int]) -> None:
    account, free, staked = leaf
    statement = replace(STATEMENT, subject=account)
    outcome = launched.transact("claim", RECEIVER, free, staked, PROOFS[account], sender=RELAYER, attestation=statement)
    assert launched.event(outcome).arguments == {
        "accountId": account,
        "receiver": RECEIVER,
        "free": free,
        "staked": staked,
    }
    assert balance(launched, RECEIVER) == free + staked == launched.read("claimedTotal")
    assert launched.read("claimed", account) is True


def test_anyone_relays_a_claim(launched: Contract) -> None:
    relayed = replace(STATEMENT, sender=OTHER, value=1)
    launched.transact("claim", *CLAIM, sender=RELAYER, attestation=relayed)
    assert balance(launched, RECEIVER) == FREE + STAKED


def test_a_claim_is_paid_up_to_the_deadline(launched: Contract) -> None:
    launched.chain.time = DEADLINE
    launched.transact("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    assert balance(launched, RECEIVER) == FREE + STAKED


def test_a_late_claim_is_refused(launched: Contract) -> None:
    launched.chain.time = DEADLINE + 1
    refusal = launched.refuse("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    assert refusal == f"DeadlinePassed(timestamp: {DEADLINE + 1}, deadline: {DEADLINE})"


def test_a_claim_before_the_launch_is_refused(claims: Contract) -> None:
    assert claims.refuse("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT) == "NotLaunched()"


def test_a_second_claim_is_refused(launched: Contract) -> None:
    launched.transact("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    refusal = launched.refuse("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    assert refusal == f"AlreadyClaimed(accountId: 0x{ACCOUNT.hex()})"


def test_a_claim_without_a_statement_is_refused(launched: Contract) -> None:
    assert launched.refuse("claim", *CLAIM, sender=RELAYER) == "NotAttested()"


@pytest.mark.parametrize("kind", [1, 2])
def test_an_enclave_cannot_claim(launched: Contract, kind: int) -> None:
    refusal = launched.refuse("claim", *CLAIM, sender=RELAYER, attestation=replace(STATEMENT, kind=kind))
    assert refusal == f"AttestationKindRefused(kind: {kind})"


@pytest.mark.parametrize(
    "note",
    [f"receive PHA at {to_checksum_address(OTHER)}", NOTE.lower(), NOTE + " ", ""],
    ids=["other receiver", "lower case", "longer", "empty"],
)
def test_another_note_is_refused(launched: Contract, note: str) -> None:
    statement = replace(STATEMENT, workload=keccak256(note.encode()))
    refusal = launched.refuse("claim", *CLAIM, sender=RELAYER, attestation=statement)
    assert refusal == f"WrongNote(noteHash: 0x{keccak256(note.encode()).hex()}, expected: {NOTE})"


def test_a_receiver_other_than_the_notes_is_refused(launched: Contract) -> None:
    refusal = launched.refuse("claim", OTHER, FREE, STAKED, PROOF, sender=RELAYER, attestation=STATEMENT)
    assert refusal.startswith("WrongNote(")


@pytest.mark.parametrize("receiver", [bytes(20), PHA_CLAIMS])
def test_a_payment_to_nowhere_is_refused(launched: Contract, receiver: bytes) -> None:
    note = f"receive PHA at {to_checksum_address(receiver)}"
    statement = replace(STATEMENT, workload=keccak256(note.encode()))
    refusal = launched.refuse("claim", receiver, FREE, STAKED, PROOF, sender=RELAYER, attestation=statement)
    assert refusal.startswith("InvalidReceiver(")


@pytest.mark.parametrize(
    ("free", "staked", "proof"),
    [
        (FREE + 1, STAKED, PROOF),
        (FREE, STAKED - 1, PROOF),
        (STAKED, FREE, PROOF),
        (FREE, STAKED, PROOF[:-1]),
        (FREE, STAKED, PROOF[::-1]),
        (FREE, STAKED, []),
        (2**256 - 1, STAKED, PROOF),
    ],
)
def test_a_wrong_leaf_or_proof_is_refused(launched: Contract, free: int, staked: int, proof: list[bytes]) -> None:
    refusal = launched.refuse("claim", RECEIVER, free, staked, proof, sender=RELAYER, attestation=STATEMENT)
    assert refusal.startswith("InvalidProof(")


def test_another_accounts_leaf_is_refused(launched: Contract) -> None:
    statement = replace(STATEMENT, subject=LEAVES[3][0])
    assert launched.refuse("claim", *CLAIM, sender=RELAYER, attestation=statement).startswith("InvalidProof(")


def test_the_note_has_the_receivers_checksum(claims: Contract) -> None:
    assert claims.read("claimNote", RECEIVER) == NOTE


def test_an_owner_claim_is_paid_after_the_delay_by_anyone(launched: Contract) -> None:
    outcome = launched.transact("scheduleOwnerClaim", *OWNER_CLAIM, sender=OWNER)
    assert launched.event(outcome).arguments["readyAt"] == launched.chain.time + DELAY
    launched.chain.time += DELAY
    outcome = launched.transact("executeOwnerClaim", ACCOUNT, sender=RELAYER)
    assert launched.event(outcome).name == "Claimed"
    assert balance(launched, RECEIVER) == FREE + STAKED
    assert launched.read("claimed", ACCOUNT) is True


def test_an_owner_claim_waits(scheduled: Contract) -> None:
    scheduled.chain.time += DELAY - 1
    assert scheduled.refuse("executeOwnerClaim", ACCOUNT, sender=OWNER).startswith("OwnerClaimNotReady(")


def test_the_account_itself_wins_over_the_owner(scheduled: Contract) -> None:
    scheduled.transact("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    scheduled.chain.time += DELAY
    assert scheduled.refuse("executeOwnerClaim", ACCOUNT, sender=OWNER).startswith("AlreadyClaimed(")


def test_the_account_cannot_claim_after_the_owner(scheduled: Contract) -> None:
    scheduled.chain.time += DELAY
    scheduled.transact("executeOwnerClaim", ACCOUNT, sender=OWNER)
    refusal = scheduled.refuse("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    assert refusal.startswith("AlreadyClaimed(")


def test_an_owner_claim_is_cancelled(scheduled: Contract) -> None:
    outcome = scheduled.transact("cancelOwnerClaim", ACCOUNT, sender=OWNER)
    assert scheduled.event(outcome).name == "OwnerClaimCancelled"
    scheduled.chain.time += DELAY
    assert scheduled.refuse("executeOwnerClaim", ACCOUNT, sender=OWNER).startswith("OwnerClaimNotScheduled(")


def test_an_owner_claim_ends_with_the_deadline(scheduled: Contract) -> None:
    scheduled.chain.time = DEADLINE + 1
    assert scheduled.refuse("executeOwnerClaim", ACCOUNT, sender=OWNER).startswith("DeadlinePassed(")


@pytest.mark.parametrize(
    ("function", "arguments"), [("scheduleOwnerClaim", OWNER_CLAIM), ("cancelOwnerClaim", (ACCOUNT,))]
)
def test_only_the_owner_schedules_and_cancels(
    scheduled: Contract, function: str, arguments: tuple[object, ...]
) -> None:
    assert scheduled.refuse(function, *arguments, sender=RELAYER).startswith("NotOwner(")


def test_an_owner_claim_is_a_leaf(launched: Contract) -> None:
    arguments = (ACCOUNT, RECEIVER, FREE + 1, STAKED, PROOF)
    assert launched.refuse("scheduleOwnerClaim", *arguments, sender=OWNER).startswith("InvalidProof(")


def test_an_owner_claim_is_not_scheduled_over_another(scheduled: Contract) -> None:
    refusal = scheduled.refuse("scheduleOwnerClaim", *OWNER_CLAIM, sender=OWNER)
    assert refusal.startswith("OwnerClaimAlreadyScheduled(")


def test_an_owner_claim_that_comes_too_late_is_refused(launched: Contract) -> None:
    launched.chain.time = DEADLINE - DELAY + 1
    refusal = launched.refuse("scheduleOwnerClaim", *OWNER_CLAIM, sender=OWNER)
    assert refusal.startswith("OwnerClaimAfterDeadline(")


def test_the_sweep_sends_the_rest_to_the_treasury_on_l1(launched: Contract, layers: Layers, l1_token: Contract) -> None:
    lock_backing(layers, l1_token)
    launched.transact("claim", *CLAIM, sender=RELAYER, attestation=STATEMENT)
    launched.chain.time = DEADLINE + 1
    outcome = launched.transact("sweep", sender=RELAYER)
    rest = TOTAL - FREE - STAKED
    assert launched.event(outcome).arguments == {"treasury": TREASURY, "amount": rest}
    assert balance(launched, PHA_CLAIMS) == 0
    assert token(launched).read("totalSupply") == FREE + STAKED
    assert layers.to_l1(outcome).succeeded
    assert l1_token.read("balanceOf", TREASURY) == rest
    assert l1_token.read("balanceOf", L1_BRIDGE) == FREE + STAKED


def lock_backing(layers: Layers, l1_token: Contract) -> None:
    """Let the bridge on L1 hold what was minted on L2."""
    l1_token.transact("approve", L1_BRIDGE, TOTAL, sender=MIGRATION)
    arguments = (l1_token.address, PHA_TOKEN, PHA_CLAIMS, TOTAL, 300_000, b"")
    layers.l1_bridge.transact("bridgeERC20To", *arguments, sender=MIGRATION)


def test_backing_that_arrives_after_a_sweep_is_swept_too(claims: Contract) -> None:
    receive_launch(claims)
    receive_backing(claims, 1)
    claims.chain.time = DEADLINE + 1
    claims.transact("sweep", sender=RELAYER)
    receive_backing(claims, TOTAL - 1)
    outcome = claims.transact("sweep", sender=RELAYER)
    assert claims.event(outcome).arguments["amount"] == TOTAL - 1


def test_the_sweep_waits_for_the_deadline(launched: Contract) -> None:
    launched.chain.time = DEADLINE
    assert launched.refuse("sweep", sender=OWNER).startswith("DeadlineNotPassed(")


def test_a_second_sweep_finds_nothing(launched: Contract) -> None:
    launched.chain.time = DEADLINE + 1
    launched.transact("sweep", sender=RELAYER)
    assert launched.read("swept") is True
    assert launched.refuse("sweep", sender=RELAYER) == "NothingToSweep()"


def test_before_the_launch_there_is_nothing_to_sweep(claims: Contract) -> None:
    assert claims.refuse("sweep", sender=RELAYER) == "NotLaunched()"


def test_where_all_was_claimed_there_is_nothing_to_sweep(claims: Contract) -> None:
    root, proofs = standard_tree([LEAVES[2]])
    receive_launch(claims, root, FREE + STAKED)
    receive_backing(claims, FREE + STAKED)
    claims.transact("claim", RECEIVER, FREE, STAKED, proofs[ACCOUNT], sender=RELAYER, attestation=STATEMENT)
    claims.chain.time = DEADLINE + 1
    assert claims.refuse("sweep", sender=RELAYER) == "NothingToSweep()"


@given(
    accounts=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=12, unique=True),
    chosen=st.integers(min_value=0),
    amount=st.integers(min_value=0, max_value=2**128),
)
def test_leaves_of_any_tree_are_claimable(accounts: list[bytes], chosen: int, amount: int) -> None:
    chain = Chain()
    claims = chain.place("PHAClaims", PHA_CLAIMS)
    root, proofs = standard_tree([(account, amount, 1) for account in accounts])
    account = accounts[chosen % len(accounts)]
    leaf = claims.read("leafHash", account, amount, 1)
    for sibling in proofs[account]:
        leaf = keccak256(b"".join(sorted((leaf, sibling))))
    assert leaf == root
