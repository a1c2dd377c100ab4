"""Why an L1 node does not take a transaction into its pool, by the words that the nodes there are say it with."""

import re
from enum import Enum, auto
from typing import Final

from phal2.node.l1.errors import EndpointRefused


class PoolRefusal(Enum):
    """What the refusal of a transaction means for its sender."""

    KNOWN = auto()
    """It is in the pool: nothing is wrong."""
    NONCE_USED = auto()
    """A transaction with its nonce was mined."""
    TOO_CHEAP = auto()
    """Its fees are too low, by themselves or to replace another."""
    OTHER_KIND = auto()
    """The pool has blob transactions of the account, and this is none, or the other way round."""
    OTHER = auto()


_WORDS: Final = (
    # Of geth, erigon, reth and anvil first, then besu's, then nethermind's.
    (PoolRefusal.KNOWN, re.compile(r"already known|already imported|\bknown transaction|alreadyknown")),
    (PoolRefusal.NONCE_USED, re.compile(r"nonce too low|nonce is too low|oldnonce")),
    (PoolRefusal.OTHER_KIND, re.compile(r"already reserved|pendingtxsofconflictingtype")),
    (PoolRefusal.TOO_CHEAP, re.compile(r"underpriced|base fee|blob gas fee|feetoolow|replacementnotallowed")),
)


def pool_refusal(error: EndpointRefused) -> PoolRefusal:
    """Return what the answer to eth_sendRawTransaction means; `OTHER` is for whoever reads the error."""
    message = error.message.lower()
    return next((refusal for refusal, words in _WORDS if words.search(message)), PoolRefusal.OTHER)
