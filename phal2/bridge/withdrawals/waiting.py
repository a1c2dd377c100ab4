"""Waiting until a step of a withdrawal can be taken."""

import asyncio
from typing import Final

from phal2.bridge.chain_access.transactions import Report
from phal2.bridge.rollup_contracts import RollupContracts
from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.bridge.withdrawals.status import Step, WithdrawalStatus, withdrawal_status
from phal2.node.l1.backoff import Backoff
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointUnavailable

_FIRST_POLL_SECONDS: Final = 0.25
_LONGEST_POLL_SECONDS: Final = 2.0


async def wait_while(
    l1: L1Client, contracts: RollupContracts, initiated: InitiatedWithdrawal, step: Step, report: Report
) -> WithdrawalStatus:
    """Return how the withdrawal stands once it is not at `step` any more; `report` is told what is waited for.

    An endpoint that is away for a moment is asked again. Raises as `withdrawal_status`.
    """
    told = ""
    polls = Backoff(_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS)
    while True:
        try:
            status = await withdrawal_status(l1, contracts, initiated)
        except EndpointUnavailable as error:
            report(f"{error}; trying again")
            await asyncio.sleep(polls.next_delay(error))
            continue
        if status.step != step:
            return status
        about = "" if status.seconds is None else f" (about {status.seconds} s)"
        if status.reason != told:
            told = status.reason
            report(f"waiting{about}: {status.reason}")
            polls.reset()
        await asyncio.sleep(polls.next_delay())
