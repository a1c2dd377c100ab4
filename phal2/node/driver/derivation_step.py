"""One step of derivation: what follows from the L1 blocks read so far becomes the safe chain."""

import logging
import time
from typing import Final

from phal2.node.derivation.attributes import DerivedAttributes
from phal2.node.derivation.errors import Critical
from phal2.node.derivation.pipeline import DerivationPipeline
from phal2.node.derivation.span_rules import SafeBlock
from phal2.node.driver.consolidation import differs_from_attributes
from phal2.node.driver.l2_chain import InvalidPayload, L2Chain
from phal2.node.protocol.transactions import DEPOSIT

log = logging.getLogger("phal2.driver")

_LONGEST_STEP_SECONDS: Final = 0.1
"""Block building waits meanwhile. A single block, or a single batch, may take longer."""


def derive_blocks(chain: L2Chain, pipeline: DerivationPipeline) -> bool:
    """Apply derived attributes until the pipeline needs the next L1 block (True) or some time is over (False).

    For the execution thread. Raises the pipeline's errors, and `Critical` where not even deposits make a valid block.
    """
    end = time.monotonic() + _LONGEST_STEP_SECONDS

    def is_over() -> bool:
        return time.monotonic() >= end

    while (derived := pipeline.next_attributes(chain.heads.safe, is_over)) is not None:
        _apply(chain, pipeline, derived)
        if is_over():
            return False
    return not pipeline.is_paused


def safe_block(chain: L2Chain, number: int) -> SafeBlock | None:
    """Return the block of `number` on the safe chain, None above its head and below genesis."""
    if not chain.rules.config.l2_genesis.number <= number <= chain.heads.safe.number:
        return None
    ref = chain.canonical_ref(number)
    if ref is None:
        return None
    deposit = bytes([DEPOSIT])
    return SafeBlock(ref, tuple(raw for raw in chain.block(ref.hash).transactions if raw[:1] != deposit))


def _apply(chain: L2Chain, pipeline: DerivationPipeline, derived: DerivedAttributes) -> None:
    """Make the block of the attributes the safe head: the unsafe one where it fulfils them, else a new one."""
    if _consolidate(chain, derived):
        return
    safe = chain.heads.safe
    try:
        chain.build(safe, derived.attributes, is_safe=True)
    except InvalidPayload as error:
        log.warning("derived payload is invalid: %s; replacing it by one with deposits only", error)
        replacement = pipeline.reject_payload()
        # The unsafe block may be this replacement already: where another node built it, or before a restart.
        if _consolidate(chain, replacement):
            return
        try:
            chain.build(safe, replacement.attributes, is_safe=True)
        except InvalidPayload as without_transactions:
            raise Critical(f"not even the deposits make a valid block: {without_transactions}") from error


def _consolidate(chain: L2Chain, derived: DerivedAttributes) -> bool:
    """Make the unsafe block after the safe head safe, where it fulfils the attributes; tell whether it does."""
    safe = chain.heads.safe
    unsafe = chain.canonical_ref(safe.number + 1)
    if unsafe is None:
        return False
    environment = chain.environment(chain.block(safe.hash).header, safe.hash, derived.attributes)
    difference = differs_from_attributes(chain.block(unsafe.hash), environment, derived.attributes)
    if difference is None:
        chain.set_safe(unsafe)
        return True
    log.warning("unsafe block %d has another %s than L1 says; replacing it", unsafe.number, difference)
    return False
