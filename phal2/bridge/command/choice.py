"""Which of a transaction's withdrawals a command is about."""

import argparse
from collections.abc import Sequence

from phal2.bridge.withdrawals.errors import NoWithdrawal
from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal, initiated_withdrawals
from phal2.node.l1.client import L1Client


async def chosen_withdrawals(arguments: argparse.Namespace, l2: L1Client) -> Sequence[InitiatedWithdrawal]:
    """Return the withdrawals of `add_hash_argument`'s transaction and choice. Raises `NoWithdrawal`."""
    found = await initiated_withdrawals(l2, arguments.hash)
    if arguments.index is None:
        return found
    if not 0 <= arguments.index < len(found):
        raise NoWithdrawal(f"there is no withdrawal {arguments.index}: the transaction has {len(found)}, from 0 on")
    return [found[arguments.index]]
