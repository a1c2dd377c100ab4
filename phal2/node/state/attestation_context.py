"""Showing an attestation to contracts: the transient storage of AttestationContext (docs/attested-transactions.md)."""

from phal2.node.attestation.verified import VerifiedAttestation, context_words
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT
from phal2.node.state.world_state import WorldState


def show_attestation(world: WorldState, attestation: VerifiedAttestation) -> None:
    """Set the words of the attestation, one a slot from 0 on; this warms nothing and ends with the transaction."""
    for slot, word in enumerate(context_words(attestation)):
        world.set_transient_storage(ATTESTATION_CONTEXT, slot, word)
