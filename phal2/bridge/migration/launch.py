"""Launching the migration: the owner's steps on L1, and waiting until L2 shows them.

    l1, l2 = L1Client("http://127.0.0.1:8545"), L1Client("http://127.0.0.1:9545")
    launched = await launch(l1, l2, read_tree(Path("tree.json")), owner_private_key, deadline=1_800_000_000)

Each step looks first at whether it is done, so a launch that was interrupted is finished by running it again.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.chain_access.heads import head_timestamp
from phal2.bridge.chain_access.transactions import DEFAULT_TIMEOUT_SECONDS, ContractFunction, Report, send, settle
from phal2.bridge.migration.chain_errors import LaunchNotArrived, LaunchRefused
from phal2.bridge.migration.report import format_pha
from phal2.bridge.migration.status import (
    NO_ROOT,
    ClaimsStatus,
    MigrationStatus,
    describe_deadline,
    read_claims,
    read_migration,
)
from phal2.bridge.migration.tree import MigrationTree
from phal2.node.l1.backoff import Backoff
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointUnavailable
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.signatures import address_of_private_key

ARRIVAL_SECONDS: Final = 600.0
"""How long to wait for the launch message on L2: OP nodes follow L1 at a distance of some blocks."""

_LAUNCH_ERRORS: Final = ("OptimismPortal", "PHAToken", "L1StandardBridge", "L1CrossDomainMessenger")

_FIRST_POLL_SECONDS: Final = 0.2
_LONGEST_POLL_SECONDS: Final = 2.0
_REPORT_SECONDS: Final = 15.0
_HIGHEST_DEADLINE: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class At:
    """A deadline in Unix seconds. Where another was set before, the launch is refused."""

    timestamp: int


@dataclass(frozen=True, slots=True)
class After:
    """A deadline this many seconds after the later of the heads of L1 and L2. A deadline that was set before stays."""

    seconds: int


Deadline: TypeAlias = At | After


@dataclass(frozen=True, slots=True)
class Launch:
    """A launched migration. `transactions` maps the steps taken this time (setRoot, transfer, launch) to their hashes.

    `arrived` tells whether PHAClaims on L2 was seen to have root and backing; without L2 it was not looked at.
    """

    migration: bytes
    root: bytes
    total: int
    deadline: int
    transactions: Mapping[str, bytes]
    arrived: bool


async def launch(
    l1: L1Client,
    l2: L1Client | None,
    tree: MigrationTree,
    private_key: bytes,
    deadline: Deadline,
    *,
    migration: bytes | None = None,
    report: Report = lambda _: None,
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    arrival_seconds: float = ARRIVAL_SECONDS,
) -> Launch:
    """Set the root of `tree` under PHAMigration, fund it from the owner's PHA, launch, and wait for L2.

    Args:
        l1: The endpoint of L1.
        l2: That of L2; None does not wait for it, and `migration` must be given then.
        tree: The tree of all claims.
        private_key: The 32 bytes of the key of PHAMigration's owner.
        deadline: Until when claims are paid.
        migration: The 20-byte address of PHAMigration; by default the one that PHAClaims on L2 listens to.
        report: Called with lines of progress.
        timeout_seconds: How long each transaction may take to be mined.
        arrival_seconds: How long the message may take to L2.

    Raises:
        LaunchRefused: Another root, total or deadline is set; not the owner; not enough PHA; a deadline that is past.
        LaunchNotArrived: L2 does not show the launch in time; run it again to go on waiting.
        CallReverted, TransactionFailed, TransactionNotMined, ContractMissing, EndpointError: As `send`.
    """
    address = await _migration_address(l2, migration)
    owner = address_of_private_key(private_key)
    await settle(l1, owner, report, timeout_seconds)
    status = await read_migration(l1.call, address)
    report(f"PHAMigration is at {to_checksum_address(address)} on L1")
    transactions: dict[str, bytes] = {}

    async def step(function: ContractFunction, doing: str) -> None:
        report(doing)
        mined = await send(l1, private_key, function, timeout_seconds=timeout_seconds, report=report)
        transactions[function.function] = mined.hash
        report(f"{function.name} is mined in block {mined.block_number}")

    if not status.launched:
        _require_owner(status, owner)
        timestamp = await _later_head(l1, l2)
        closes_at = _choose_deadline(status, tree, deadline, timestamp)
        missing = await _missing_backing(l1, status, tree, owner)
        if status.root == NO_ROOT:
            arguments = (tree.root, tree.total, closes_at)
            set_root = ContractFunction("PHAMigration", address, "setRoot", arguments)
            doing = f"setting the root 0x{tree.root.hex()}, deadline {describe_deadline(closes_at, timestamp)}"
            await step(set_root, doing)
        if missing:
            transfer = ContractFunction("PHAToken", status.token, "transfer", (address, missing))
            await step(transfer, f"funding it with {format_pha(missing)} of the owner")
        launching = ContractFunction("PHAMigration", address, "launch", errors=_LAUNCH_ERRORS)
        await step(launching, "launching: backing and root go to L2, by the standard bridge and as a deposit")
    else:
        _require_same_root(status.root, status.total, tree, "PHAMigration on L1")
        closes_at = _kept_deadline(status.deadline, deadline)
        report("it is launched on L1 already")
    if l2 is not None:
        await _wait_for_arrival(l2, tree, report, arrival_seconds)
    return Launch(address, tree.root, tree.total, closes_at, transactions, arrived=l2 is not None)


async def _migration_address(l2: L1Client | None, migration: bytes | None) -> bytes:
    if l2 is None:
        if migration is None:
            raise LaunchRefused("where PHAMigration is has to be told, as there is no L2 to ask")
        return migration
    listens_to = (await read_claims(l2.call)).migration
    if migration is not None and migration != listens_to:
        raise LaunchRefused(
            f"PHAClaims on L2 takes the launch from {to_checksum_address(listens_to)} alone, "
            f"but {to_checksum_address(migration)} was given"
        )
    return listens_to


def _require_owner(status: MigrationStatus, owner: bytes) -> None:
    if status.owner != owner:
        raise LaunchRefused(
            f"PHAMigration belongs to {to_checksum_address(status.owner)}, "
            f"but the key given is that of {to_checksum_address(owner)}"
        )


def _require_same_root(root: bytes, total: int, tree: MigrationTree, where: str) -> None:
    if root != tree.root:
        raise LaunchRefused(
            f"{where} has the root 0x{root.hex()} already, but the tree file has 0x{tree.root.hex()}: "
            "a root is set once; launch with the tree that it belongs to"
        )
    if total != tree.total:
        raise LaunchRefused(
            f"{where} has the total {total} ({format_pha(total)}) for this root, but the tree's leaves add up to "
            f"{tree.total} ({format_pha(tree.total)}): PHAMigration must be deployed anew"
        )


def _choose_deadline(status: MigrationStatus, tree: MigrationTree, deadline: Deadline, timestamp: int) -> int:
    """Return the deadline that is set already, or the wanted one where none is. `timestamp` is the later head's."""
    if status.root != NO_ROOT:
        _require_same_root(status.root, status.total, tree, "PHAMigration on L1")
        chosen = _kept_deadline(status.deadline, deadline)
    else:
        chosen = deadline.timestamp if isinstance(deadline, At) else timestamp + deadline.seconds
    if not timestamp < chosen <= _HIGHEST_DEADLINE:
        raise LaunchRefused(
            f"the deadline {chosen} is not between now, {timestamp} on the chains, and {_HIGHEST_DEADLINE}: "
            "nobody could claim"
        )
    return chosen


def _kept_deadline(set_deadline: int, wanted: Deadline) -> int:
    if isinstance(wanted, At) and wanted.timestamp != set_deadline:
        raise LaunchRefused(
            f"the deadline was set to {set_deadline} before and cannot be changed to {wanted.timestamp}; "
            "repeat the launch with the deadline that is set"
        )
    return set_deadline


async def _missing_backing(l1: L1Client, status: MigrationStatus, tree: MigrationTree, owner: bytes) -> int:
    """Return how much PHA must still be moved; raise LaunchRefused where the owner has less than that."""
    missing = max(0, tree.total - status.backing)
    if missing == 0:
        return 0
    held: int = await Contract("PHAToken", status.token).read(l1.call, "balanceOf", owner)
    if held < missing:
        raise LaunchRefused(
            f"the claims need {format_pha(missing)} more of backing, but the owner {to_checksum_address(owner)} has "
            f"{format_pha(held)} on L1"
        )
    return missing


async def _later_head(l1: L1Client, l2: L1Client | None) -> int:
    on_l1 = await head_timestamp(l1)
    return on_l1 if l2 is None else max(on_l1, await head_timestamp(l2))


async def _wait_for_arrival(l2: L1Client, tree: MigrationTree, report: Report, arrival_seconds: float) -> None:
    report("waiting for root and backing on L2")
    polls = Backoff(_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS)
    started = reported = time.monotonic()
    try:
        async with asyncio.timeout(arrival_seconds):
            while not (claims := await _claims_if_available(l2)) or not claims.launched:
                if time.monotonic() - reported >= _REPORT_SECONDS:
                    reported = time.monotonic()
                    report(f"still waiting, for {reported - started:.0f} s")
                await asyncio.sleep(polls.next_delay())
    except TimeoutError:
        raise LaunchNotArrived(arrival_seconds) from None
    _require_same_root(claims.root, claims.total, tree, "PHAClaims on L2")
    report(f"L2 shows the root, and {format_pha(claims.total)} to claim")


async def _claims_if_available(l2: L1Client) -> ClaimsStatus | None:
    """Return None where the endpoint is away for a moment: L1's part is done, so waiting goes on."""
    try:
        return await read_claims(l2.call)
    except EndpointUnavailable:
        return None
