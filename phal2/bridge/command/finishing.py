"""Taking the steps of a withdrawal on L1 once they can be taken."""

from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.bridge.withdrawals.status import Step
from phal2.bridge.withdrawals.steps import Bridge, Finalizing, Proving, finalize, prove
from phal2.bridge.withdrawals.waiting import wait_while


async def prove_when_ready(bridge: Bridge, initiated: InitiatedWithdrawal) -> Proving:
    """Wait until a withdrawal can be proven and prove it. Raises as `prove`."""
    await wait_while(bridge.l1, bridge.contracts, initiated, Step.WAITING_TO_PROVE, bridge.report)
    return await prove(bridge, initiated)


async def finalize_when_ready(bridge: Bridge, initiated: InitiatedWithdrawal, *, force: bool = False) -> Finalizing:
    """Wait until a withdrawal can be finalised and finalise it; one that is not proven is not waited for.

    Raises as `finalize`.
    """
    await wait_while(bridge.l1, bridge.contracts, initiated, Step.WAITING_TO_FINALIZE, bridge.report)
    return await finalize(bridge, initiated, force=force)
