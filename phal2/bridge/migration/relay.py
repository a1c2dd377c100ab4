"""Relaying claims to PHAClaims on L2, and sweeping after the deadline; anyone may do either and pays the gas.

    l2 = L1Client("http://127.0.0.1:9545")                      # the client is for any Ethereum chain
    tree = read_tree(Path("tree.json"))
    signer = SecretSigner(AccountSecret(SR25519, seed))
    paid = await claim(l2, tree, signer, receiver, relayer_private_key)

An account whose secret stays in a wallet signs in two steps: `prepare_claim` gives the text, and `claim` takes the
signature as a `WalletSignature`, with the same `valid_until`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from phal2.bridge.chain_access.errors import CallReverted, TransactionFailed
from phal2.bridge.chain_access.heads import head_timestamp
from phal2.bridge.chain_access.transactions import (
    DEFAULT_TIMEOUT_SECONDS,
    ContractFunction,
    Report,
    send,
    transaction_logs,
)
from phal2.bridge.migration.chain_errors import ClaimedMeanwhile, ClaimRefused
from phal2.bridge.migration.claim import build_claim
from phal2.bridge.migration.signers import StatementSigner
from phal2.bridge.migration.status import NO_ROOT, ClaimsStatus, describe_deadline, is_claimed, read_claims
from phal2.bridge.migration.tree import Leaf, MigrationTree
from phal2.contracts import decode_event, event_topic, load_artefact
from phal2.node.attestation.account_text import AccountStatement, account_text
from phal2.node.attestation.verification import LONGEST_ACCOUNT_VALIDITY, verify_account_statement
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import InvalidAnswer
from phal2.node.protocol.addresses import ZERO_ADDRESS, to_checksum_address
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER, PHA_CLAIMS
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.signatures import address_of_private_key
from phal2.node.protocol.transactions import Attestation

SIGNING_SECONDS: Final = 3_600
"""How long a statement holds that is signed and sent at once."""

WALLET_SECONDS: Final = 7 * 86_400
"""How long a statement holds that is carried to a wallet."""

_CONTRACT: Final = "PHAClaims"
_MESSAGE_PASSER: Final = "L2ToL1MessagePasser"
_CLAIM_ERRORS: Final = ("AttestationContext", "L2PHAToken")
_SWEEP_ERRORS: Final = ("L2PHAToken", "L2StandardBridge", "L2CrossDomainMessenger", _MESSAGE_PASSER)


@dataclass(frozen=True, slots=True)
class PreparedClaim:
    """A claim that PHAClaims would pay now if the account's signature were there.

    `statement` is what the account signs, `text` its text as wallets show it. `timestamp` is that of L2's head.
    """

    leaf: Leaf
    receiver: bytes
    statement: AccountStatement
    function: ContractFunction
    timestamp: int

    @property
    def text(self) -> str:
        """The text that the account signs, bare or within <Bytes>…</Bytes>."""
        return account_text(self.statement).decode("ascii")


@dataclass(frozen=True, slots=True)
class PaidClaim:
    """A claim that was paid; amounts in `leaf` have 18 decimals."""

    leaf: Leaf
    receiver: bytes
    relayer: bytes
    transaction_hash: bytes
    block_number: int
    gas_used: int

    @property
    def amount(self) -> int:
        """What the receiver got: free and staked together."""
        return self.leaf.free + self.leaf.staked


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep: `amount` of PHA went from L2 to `treasury` on L1, by the withdrawal with `withdrawal_hash`."""

    amount: int
    treasury: bytes
    withdrawal_hash: bytes
    transaction_hash: bytes
    block_number: int


async def prepare_claim(
    l2: L1Client,
    tree: MigrationTree,
    account_id: bytes,
    receiver: bytes,
    *,
    valid_until: int | None = None,
    validity_seconds: int = WALLET_SECONDS,
) -> PreparedClaim:
    """Check that an account can claim for a 20-byte receiver, and return what it has to sign.

    `valid_until` is in Unix seconds on L2; where it is None, it is `validity_seconds` after L2's head, or
    the deadline for claims where that comes first.

    Raises:
        ClaimRefused: Not launched, another tree, claimed already, past the deadline, a receiver that gets nothing, or a
            `valid_until` that no block would accept.
        UnknownLeaf: The tree has no leaf of the account.
        ContractMissing, EndpointError: L2 does not answer, or not as an L2 with PHAClaims.
    """
    leaf = tree.leaf(account_id)
    timestamp = await head_timestamp(l2)
    claims = await read_claims(l2.call)
    _require_open(claims, tree, timestamp)
    if await is_claimed(l2.call, account_id):
        raise ClaimRefused(f"account 0x{account_id.hex()} has claimed already; every account is paid once")
    if receiver in (ZERO_ADDRESS, PHA_CLAIMS):
        raise ClaimRefused(f"{to_checksum_address(receiver)} cannot receive PHA: nobody could use it there")
    if valid_until is None:
        valid_until = min(timestamp + validity_seconds, claims.deadline)
    if not timestamp <= valid_until <= timestamp + LONGEST_ACCOUNT_VALIDITY:
        raise ClaimRefused(
            f"a statement valid until {valid_until} cannot be used: L2 is at {timestamp} and accepts from there to "
            f"{timestamp + LONGEST_ACCOUNT_VALIDITY} (30 days ahead)"
        )
    built = build_claim(tree, account_id, receiver)
    statement = AccountStatement(await l2.chain_id(), PHA_CLAIMS, built.data, valid_until, built.note.encode("ascii"))
    arguments = (receiver, leaf.free, leaf.staked, list(tree.proof(account_id)))
    function = ContractFunction(_CONTRACT, PHA_CLAIMS, "claim", arguments, _CLAIM_ERRORS)
    return PreparedClaim(leaf, receiver, statement, function, timestamp)


async def claim(
    l2: L1Client,
    tree: MigrationTree,
    signer: StatementSigner,
    receiver: bytes,
    private_key: bytes,
    *,
    valid_until: int | None = None,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    report: Report = lambda _: None,
) -> PaidClaim:
    """Claim an account's PHA for a receiver, in a transaction of the relayer's 32-byte key; wait until it is mined.

    The signature is verified before anything is sent. Without `valid_until` the statement holds for an hour.

    Raises:
        InvalidAttestation: The signature does not fit the account or the statement.
        ClaimedMeanwhile: Another transaction was first, be it with the same signature.
        CallReverted, TransactionFailed, TransactionNotMined: As `send`.
        ClaimRefused, UnknownLeaf, ContractMissing, EndpointError: As `prepare_claim`.
    """
    relayer = address_of_private_key(private_key)
    prepared, attestation = await signed_claim(l2, tree, signer, receiver, relayer, valid_until=valid_until)
    try:
        mined = await send(
            l2, private_key, prepared.function, attestation=attestation, timeout_seconds=timeout_seconds, report=report
        )
    except (CallReverted, TransactionFailed) as error:
        if await is_claimed(l2.call, signer.account_id):
            raise ClaimedMeanwhile(signer.account_id, receiver, str(error)) from None
        raise
    return PaidClaim(prepared.leaf, receiver, relayer, mined.hash, mined.block_number, mined.gas_used)


async def signed_claim(
    l2: L1Client,
    tree: MigrationTree,
    signer: StatementSigner,
    receiver: bytes,
    relayer: bytes,
    *,
    valid_until: int | None = None,
) -> tuple[PreparedClaim, Attestation]:
    """Return a claim that PHAClaims would pay now, and the account's attestation, verified.

    Without `valid_until` it holds for an hour from L2's head. Raises InvalidAttestation, and as `prepare_claim`.
    """
    prepared = await prepare_claim(
        l2, tree, signer.account_id, receiver, valid_until=valid_until, validity_seconds=SIGNING_SECONDS
    )
    statement = prepared.statement
    attestation = signer.attest(statement)
    verify_account_statement(
        statement.chain_id, statement.to, statement.data, attestation, prepared.timestamp, relayer, value=0
    )
    return prepared, attestation


async def sweep(
    l2: L1Client,
    private_key: bytes,
    *,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    report: Report = lambda _: None,
) -> Sweep:
    """After the deadline send what nobody claimed to the treasury on L1, by the standard bridge.

    Raises ClaimRefused before the deadline, where nothing is left or it was swept; else as `claim`.
    """
    timestamp = await head_timestamp(l2)
    claims = await read_claims(l2.call)
    if claims.root == NO_ROOT:
        raise ClaimRefused("there is nothing to sweep: the migration is not launched on L2")
    if timestamp <= claims.deadline:
        raise ClaimRefused(
            f"claims can be paid until {describe_deadline(claims.deadline, timestamp)}; sweep after that"
        )
    if claims.backing == 0:
        done = "what was not claimed has been swept already" if claims.swept else "everything was claimed"
        raise ClaimRefused(f"there is nothing to sweep: {done}")
    function = ContractFunction(_CONTRACT, PHA_CLAIMS, "sweep", errors=_SWEEP_ERRORS)
    mined = await send(l2, private_key, function, timeout_seconds=timeout_seconds, report=report)
    logs = await transaction_logs(l2, mined.hash)
    swept = _event(l2, logs, _CONTRACT, PHA_CLAIMS, "Swept")
    message = _event(l2, logs, _MESSAGE_PASSER, L2_TO_L1_MESSAGE_PASSER, "MessagePassed")
    return Sweep(swept["amount"], swept["treasury"], message["withdrawalHash"], mined.hash, mined.block_number)


def _require_open(claims: ClaimsStatus, tree: MigrationTree, timestamp: int) -> None:
    if not claims.launched:
        raise ClaimRefused(
            "the migration is not launched on L2: its root and backing have not arrived from L1 "
            "(`phal2 migration launch` is the owner's step)"
        )
    if claims.root != tree.root:
        raise ClaimRefused(
            f"the tree file has the root 0x{tree.root.hex()}, but L2 pays under 0x{claims.root.hex()}: "
            "take the file that belongs to the launch"
        )
    if timestamp > claims.deadline:
        raise ClaimRefused(f"the deadline for claims was {describe_deadline(claims.deadline, timestamp)}")


def _event(l2: L1Client, logs: Sequence[Log], contract: str, address: bytes, event: str) -> Mapping[str, Any]:
    """Return the arguments of the event that a successful transaction must have left."""
    artefact = load_artefact(contract)
    for log in logs:
        if log.address == address and log.topics and log.topics[0] == event_topic(artefact, event):
            return decode_event(artefact, log.topics, log.data).arguments
    raise InvalidAnswer(l2.rpc.url, f"the receipt of the sweep has no event {event}")
