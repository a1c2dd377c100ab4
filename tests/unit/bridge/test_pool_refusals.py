"""What L1's nodes refuse transactions with, in their own words."""

import pytest

from phal2.bridge.chain_access.pool_refusals import PoolRefusal, pool_refusal
from phal2.node.l1.errors import EndpointRefused


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        ("already known", PoolRefusal.KNOWN),
        ("already known: this transaction is in the pool", PoolRefusal.KNOWN),
        ("transaction already imported", PoolRefusal.KNOWN),
        ("Known transaction", PoolRefusal.KNOWN),
        ("AlreadyKnown", PoolRefusal.KNOWN),
        ("unknown transaction type", PoolRefusal.OTHER),
        ("nonce too low: next nonce 8, tx nonce 7", PoolRefusal.NONCE_USED),
        ("OldNonce, Current nonce: 8, nonce of rejected tx: 7.", PoolRefusal.NONCE_USED),
        ("replacement transaction underpriced", PoolRefusal.TOO_CHEAP),
        ("transaction underpriced: gas tip cap 0, minimum needed 1", PoolRefusal.TOO_CHEAP),
        ("max fee per gas less than block base fee", PoolRefusal.TOO_CHEAP),
        ("max fee per blob gas less than block blob gas fee", PoolRefusal.TOO_CHEAP),
        ("FeeTooLowToCompete", PoolRefusal.TOO_CHEAP),
        ("ReplacementNotAllowed", PoolRefusal.TOO_CHEAP),
        ("address already reserved", PoolRefusal.OTHER_KIND),
        ("PendingTxsOfConflictingType", PoolRefusal.OTHER_KIND),
        ("insufficient funds for gas * price + value", PoolRefusal.OTHER),
    ],
)
def test_refusals_are_known_by_the_words_of_the_nodes_there_are(message: str, refusal: PoolRefusal) -> None:
    assert pool_refusal(EndpointRefused("u", "eth_sendRawTransaction", -32000, message)) is refusal
