"""Where a migration stands: what PHAClaims on L2 and PHAMigration on L1 say."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from phal2.bridge.chain_access.contract_views import Contract, ContractCall
from phal2.bridge.migration.report import format_pha
from phal2.node.protocol.addresses import ZERO_ADDRESS, to_checksum_address
from phal2.node.protocol.predeploys import PHA_CLAIMS, PHA_TOKEN

NO_ROOT: Final = bytes(32)

_CLAIMS: Final = Contract("PHAClaims", PHA_CLAIMS, "L2")
_LABEL_WIDTH: Final = 14


@dataclass(frozen=True, slots=True)
class ClaimsStatus:
    """PHAClaims on L2. Amounts have 18 decimals, `deadline` is in Unix seconds.

    `total` is the sum of all leaves, `arrived` the part of it that the bridge has brought, `claimed` the part that was
    paid, `backing` the PHA that lies in PHAClaims to pay the rest (none after the sweep). `token` is PHA on L2,
    `migration` PHAMigration on L1.
    """

    root: bytes
    total: int
    claimed: int
    arrived: int
    deadline: int
    backing: int
    swept: bool
    token: bytes
    migration: bytes

    @property
    def launched(self) -> bool:
        """Whether root and backing have arrived from L1, in whichever order; claims are paid from then on."""
        return self.root != NO_ROOT and (self.swept or self.arrived >= self.total)


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """PHAMigration on L1; `root` is zero before it is set.

    `backing` is the PHA that lies there before the launch, and after it what the standard bridge holds for PHA on L2.
    """

    address: bytes
    owner: bytes
    token: bytes
    root: bytes
    total: int
    deadline: int
    launched: bool
    backing: int


async def read_claims(call: ContractCall) -> ClaimsStatus:
    """Read PHAClaims through calls on L2. Raises ContractMissing, and what `call` raises."""

    async def read(function: str) -> Any:
        return await _CLAIMS.read(call, function)

    # The root comes first: where a block arrives in between, a root is never seen without the total it came with.
    root = await read("root")
    names = ("total", "claimedTotal", "deadline", "swept", "token", "migration")
    total, claimed, deadline, swept, token, migration = await asyncio.gather(*map(read, names))
    arrived = backing = 0
    if token != ZERO_ADDRESS:
        arrived = await read("arrivedTotal")
        backing = await Contract("L2PHAToken", token, "L2").read(call, "balanceOf", PHA_CLAIMS)
    return ClaimsStatus(root, total, claimed, arrived, deadline, backing, swept, token, migration)


async def is_claimed(call: ContractCall, account_id: bytes) -> bool:
    """Tell whether an account's claim was paid. Raises as `read_claims`."""
    return bool(await _CLAIMS.read(call, "claimed", account_id))


async def read_migration(call: ContractCall, address: bytes) -> MigrationStatus:
    """Read PHAMigration at a 20-byte address through calls on L1. Raises ContractMissing, and what `call` raises."""
    contract = Contract("PHAMigration", address)

    async def read(function: str) -> Any:
        return await contract.read(call, function)

    launched, root = await read("launched"), await read("root")
    names = ("owner", "token", "bridge", "total", "deadline")
    owner, token, bridge, total, deadline = await asyncio.gather(*map(read, names))
    if launched:
        backing = await Contract("L1StandardBridge", bridge).read(call, "deposits", token, PHA_TOKEN)
    else:
        backing = await Contract("PHAToken", token).read(call, "balanceOf", address)
    return MigrationStatus(address, owner, token, root, total, deadline, launched, backing)


def status_to_json(claims: ClaimsStatus, migration: MigrationStatus | None) -> dict[str, Any]:
    """Return the status as `phal2 migration status --json` prints it: amounts as decimal strings, null before launch.

    `l1` is null where L1 was not asked.
    """
    return {
        "root": _hash_or_none(claims.root),
        "total": str(claims.total),
        "claimed": str(claims.claimed),
        "deadline": claims.deadline if claims.launched else None,
        "backing": str(claims.backing),
        "launched": claims.launched,
        "swept": claims.swept,
        "token": to_checksum_address(claims.token),
        "migration": to_checksum_address(claims.migration),
        "l1": None if migration is None else _migration_to_json(migration),
    }


def describe_status(claims: ClaimsStatus, migration: MigrationStatus | None, timestamp: int) -> str:
    """Return the status for people; `timestamp` is that of L2's head."""
    if claims.launched:
        remaining = "swept to the treasury" if claims.swept else f"{format_pha(claims.backing)} left to claim"
        lines = [
            _line("L2", f"launched, {remaining}"),
            _line("root", f"0x{claims.root.hex()}"),
            _line("total", format_pha(claims.total)),
            _line("claimed", format_pha(claims.claimed)),
            _line("deadline", describe_deadline(claims.deadline, timestamp)),
        ]
    elif claims.root != NO_ROOT:
        arrived = f"{format_pha(claims.arrived)} of {format_pha(claims.total)}"
        lines = [_line("L2", f"not launched: the root has arrived from L1, but of its backing only {arrived}")]
    else:
        lines = [_line("L2", "not launched: the root has not arrived from L1")]
    lines.append(_line("PHA on L2", to_checksum_address(claims.token)))
    if migration is None:
        return "\n".join([*lines, _line("PHAMigration", f"{to_checksum_address(claims.migration)} on L1")])
    state = "launched" if migration.launched else "not launched"
    where = "in the standard bridge" if migration.launched else "of backing"
    lines.append(_line("L1", f"{state}, {format_pha(migration.backing)} {where}"))
    lines.append(_line("PHAMigration", to_checksum_address(migration.address)))
    if migration.root == NO_ROOT:
        return "\n".join([*lines, _line("root", "not set")])
    lines.append(_line("root", f"0x{migration.root.hex()}, total {format_pha(migration.total)}"))
    return "\n".join(lines)


def describe_deadline(deadline: int, timestamp: int) -> str:
    """Return a deadline as Unix seconds, as UTC time, and how far it is from `timestamp`."""
    distance = f"in {deadline - timestamp:,} s" if deadline >= timestamp else f"passed {timestamp - deadline:,} s ago"
    return f"{deadline} ({utc_time(deadline)}, {distance})"


def utc_time(timestamp: int) -> str:
    """Return Unix seconds as `2026-01-31 12:00:00 UTC`; later than the calendar's year 9999 as just that."""
    try:
        return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return "after the year 9999"


def _migration_to_json(migration: MigrationStatus) -> dict[str, Any]:
    has_root = migration.root != NO_ROOT
    return {
        "migration": to_checksum_address(migration.address),
        "owner": to_checksum_address(migration.owner),
        "token": to_checksum_address(migration.token),
        "root": _hash_or_none(migration.root),
        "total": str(migration.total),
        "deadline": migration.deadline if has_root else None,
        "launched": migration.launched,
        "backing": str(migration.backing),
    }


def _hash_or_none(value: bytes) -> str | None:
    return None if value == NO_ROOT else f"0x{value.hex()}"


def _line(name: str, text: str) -> str:
    return f"{name:<{_LABEL_WIDTH}} {text}"
