"""The snapshot: what every account of a Substrate chain may claim, and proof that nothing was lost or made up.

Amounts on Substrate are planks, 10**-12 PHA; in a snapshot they are integers of 18 decimals as on Ethereum, that is
planks × 10**6. `free` includes what is frozen, and reserved balances are folded into it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from phal2.bridge.migration.errors import InvalidExport, InvalidStakes, IssuanceMismatch
from phal2.bridge.migration.export import StateExport
from phal2.bridge.migration.keyless import EXCLUDED_CLASSES, excluded_class
from phal2.bridge.migration.ss58 import PHALA_PREFIX, encode_address
from phal2.bridge.migration.storage_keys import (
    SYSTEM_ACCOUNT_PREFIX,
    TOTAL_ISSUANCE_KEY,
    AccountInfo,
    decode_account_info,
    decode_account_key,
    decode_total_issuance,
)
from phal2.bridge.migration.tree import Leaf

WEI_PER_PLANK: Final = 10**6
"""A plank is 10**-12 PHA, a unit of the ERC-20 token 10**-18 PHA."""

_NO_STAKES: Final[Mapping[bytes, int]] = MappingProxyType({})
_STAKE_CLASS: Final = "modl"


@dataclass(frozen=True, slots=True)
class ExcludedAccount:
    """An account without a key, for the treasury list: its class and its whole balance (18 decimals)."""

    account_id: bytes
    excluded_class: str
    balance: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A chain's balances at one block; amounts are integers of 18 decimals.

    `issuance` = `total` + the sum of `excluded` + `difference`. `accounts` counts all, those without a balance too;
    `state_root` is None where the export has removed values. `excluded` has the amount of each class, less, for modl,
    what `staked` gives to delegators: the delegated PHA lies on a pallet's account. `reserved` and `staked` are the
    parts of `total` that were reserved or delegated.
    """

    state_root: bytes | None
    state_version: int
    accounts: int
    empty_accounts: int
    issuance: int
    total: int
    reserved: int
    staked: int
    difference: int
    excluded: Mapping[str, int]
    treasury: tuple[ExcludedAccount, ...]
    leaves: tuple[Leaf, ...]

    def to_json(self, prefix: int = PHALA_PREFIX) -> dict[str, Any]:
        """Return the published form: amounts as decimal strings (18 decimals), counts as integers."""
        counts = {name: sum(entry.excluded_class == name for entry in self.treasury) for name in EXCLUDED_CLASSES}
        return {
            "stateRoot": None if self.state_root is None else f"0x{self.state_root.hex()}",
            "stateVersion": self.state_version,
            "accounts": self.accounts,
            "emptyAccounts": self.empty_accounts,
            "leaves": len(self.leaves),
            "decimals": 18,
            "issuance": str(self.issuance),
            "total": str(self.total),
            "reserved": str(self.reserved),
            "staked": str(self.staked),
            "difference": str(self.difference),
            "excluded": {name: str(amount) for name, amount in self.excluded.items()},
            "excludedAccounts": counts,
            "treasury": [
                {
                    "accountId": f"0x{entry.account_id.hex()}",
                    "address": encode_address(entry.account_id, prefix),
                    "class": entry.excluded_class,
                    "balance": str(entry.balance),
                }
                for entry in self.treasury
            ],
        }


def take_snapshot(
    export: StateExport,
    *,
    expected_state_root: bytes | None = None,
    state_version: int | None = None,
    stakes: Mapping[bytes, int] = _NO_STAKES,
    issuance_difference: int = 0,
) -> Snapshot:
    """Take the snapshot of an export.

    `stakes` (account id to planks) become the leaves' `staked`; they must be backed by the balances of pallet accounts.
    `issuance_difference` (planks) is how much the chain's total issuance is known to exceed its accounts' balances.
    Raises InvalidExport; StateRootMismatch and StateRootUnavailable where a state root is expected; IssuanceMismatch
    where the balances do not add up; InvalidStakes where stakes name accounts without a leaf or exceed their backing.
    """
    version = state_version or 0
    state_root: bytes | None = None
    if expected_state_root is not None:
        version = export.verify_state_root(expected_state_root, state_version)
        state_root = expected_state_root
    elif not export.removed:
        state_root = export.state_root(version)
    accounts = _decode_accounts(export)
    _check_issuance(export, accounts, issuance_difference)
    treasury = tuple(
        ExcludedAccount(account_id, name, (info.free + info.reserved) * WEI_PER_PLANK)
        for account_id, info in accounts.items()
        if (name := excluded_class(account_id)) is not None
    )
    keyed = dict(accounts)
    for entry in treasury:
        del keyed[entry.account_id]
    excluded = {name: sum(e.balance for e in treasury if e.excluded_class == name) for name in EXCLUDED_CLASSES}
    excluded[_STAKE_CLASS] -= _check_stakes(stakes, accounts, keyed, excluded[_STAKE_CLASS])
    leaves = tuple(
        Leaf(account_id, (info.free + info.reserved) * WEI_PER_PLANK, stakes.get(account_id, 0) * WEI_PER_PLANK)
        for account_id, info in keyed.items()
        if info.free + info.reserved + stakes.get(account_id, 0) > 0
    )
    return Snapshot(
        state_root=state_root,
        state_version=version,
        accounts=len(accounts),
        empty_accounts=len(keyed) - len(leaves),
        issuance=_total_issuance(export) * WEI_PER_PLANK,
        total=sum(leaf.free + leaf.staked for leaf in leaves),
        reserved=sum(info.reserved for info in keyed.values()) * WEI_PER_PLANK,
        staked=sum(leaf.staked for leaf in leaves),
        difference=issuance_difference * WEI_PER_PLANK,
        excluded=MappingProxyType(excluded),
        treasury=treasury,
        leaves=leaves,
    )


def _decode_accounts(export: StateExport) -> dict[bytes, AccountInfo]:
    """Return all accounts of the export, in ascending order of their ids."""
    accounts: dict[bytes, AccountInfo] = {}
    for key, value in export.entries.items():
        if key.startswith(SYSTEM_ACCOUNT_PREFIX):
            account_id = decode_account_key(key)
            accounts[account_id] = decode_account_info(value, account_id)
    if not accounts:
        raise InvalidExport("the export has no System.Account entry; expected the whole state of a Substrate chain")
    return dict(sorted(accounts.items()))


def _total_issuance(export: StateExport) -> int:
    value = export.entries.get(TOTAL_ISSUANCE_KEY)
    if value is None:
        raise InvalidExport(f"the export has no Balances.TotalIssuance (storage key 0x{TOTAL_ISSUANCE_KEY.hex()})")
    return decode_total_issuance(value)


def _check_issuance(export: StateExport, accounts: Mapping[bytes, AccountInfo], declared_difference: int) -> None:
    issuance = _total_issuance(export)
    balances = sum(info.free + info.reserved for info in accounts.values())
    if issuance - balances != declared_difference:
        raise IssuanceMismatch(issuance, balances, declared_difference)


def _check_stakes(
    stakes: Mapping[bytes, int],
    accounts: Mapping[bytes, AccountInfo],
    keyed: Mapping[bytes, AccountInfo],
    backing: int,
) -> int:
    """Return the sum of the stakes (18 decimals), all of which must be of keyed accounts and lie within `backing`."""
    for account_id in stakes:
        if account_id not in accounts:
            raise InvalidStakes(f"staked account 0x{account_id.hex()} is not among the {len(accounts)} of the export")
        if account_id not in keyed:
            raise InvalidStakes(f"staked account 0x{account_id.hex()} has no key; its stake belongs to the treasury")
    staked = sum(stakes.values()) * WEI_PER_PLANK
    if staked > backing:
        raise InvalidStakes(
            f"the stakes are {staked // WEI_PER_PLANK} planks, more than the {backing // WEI_PER_PLANK} on the pallet "
            "accounts (modl) that back them: they are not of this block, or counted twice"
        )
    return staked
