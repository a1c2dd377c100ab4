"""Which accounts nobody holds a key of, so that their balances go to the treasury instead of into the tree."""

from typing import Final

from phal2.node.attestation.forgeable_keys import is_forgeable_account

EXCLUDED_CLASSES: Final = ("modl", "sibl", "para", "forgeable")
"""Accounts of pallets (modl), sibling parachains (sibl) and a relay chain's parachains (para), and forgeable ids."""

_MARKED_CLASSES: Final = {name.encode(): name for name in EXCLUDED_CLASSES[:3]}
_MARK_LENGTH: Final = 4


def excluded_class(account_id: bytes) -> str | None:
    """Return the class under which a 32-byte account id is excluded from the tree, or None where it may have a key.

    Substrate derives the account ids of pallets and parachains by writing "modl", "sibl" or "para" before their name
    (sp_runtime::traits::AccountIdConversion); no key leads to such an id but by grinding. An account id does not
    tell its signature scheme, so one that is forgeable under any scheme is excluded.
    """
    return _MARKED_CLASSES.get(account_id[:_MARK_LENGTH]) or ("forgeable" if is_forgeable_account(account_id) else None)
