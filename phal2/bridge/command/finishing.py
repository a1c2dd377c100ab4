"""Taking the steps of a withdrawal on L1 once they can be taken."""

from phal2.bridge.withdrawals.initiated import InitiatedWithdrawal
from phal2.bridge.withdrawals.steps import Bridge, Finalizing, Proving, finalize, prove
from phal2.bridge.withdrawals.waiting import FINALIZABLE, PROVABLE, wait_for_step


async def prove_when_ready(bridge: Bridge, initiated: InitiatedWithdrawal) -> Proving:
    """Wait until a withdrawal can be proven and prove it. Raises as `prove`."""
    await wait_for_step(bridge.l1, bridge.contracts, initiated, PROVABLE, bridge.report)
    return await prove(bridge, initiated)


async def finalize_when_ready(bridge: Bridge, initiated: InitiatedWithdrawal, *, force: bool = False) -> Finalizing:
    """Wait until a withdrawal, which is proven, can be finalised and finalise it. Raises as `finalize`."""
    await wait_for_step(bridge.l1, bridge.contracts, initiated, FINALIZABLE, bridge.report)
    return await finalize(bridge, initiated, force=force)
