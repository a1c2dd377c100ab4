"""What became of the message inside a call between the chains: a messenger delivers it without failing itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from phal2.contracts import event_topic, load_artefact
from phal2.node.protocol.receipts import Log


@dataclass(frozen=True, slots=True)
class Relaying:
    """The delivery of a message by its 32-byte hash; one that failed can be sent again with `relayMessage`."""

    message_hash: bytes
    succeeded: bool


def relaying_of(logs: Sequence[Log], messenger: bytes) -> Relaying | None:
    """Return how the messenger at a 20-byte address delivered the message of a transaction, None where it did not."""
    artefact = load_artefact("L1CrossDomainMessenger")
    outcomes = {event_topic(artefact, "RelayedMessage"): True, event_topic(artefact, "FailedRelayedMessage"): False}
    # The message's own outcome is logged last: what it calls may relay others.
    for log in reversed(logs):
        if log.address == messenger and len(log.topics) == 2 and log.topics[0] in outcomes:
            return Relaying(log.topics[1], outcomes[log.topics[0]])
    return None
