"""What the namespaces need of a chain: the driver serves it for L2, the devnet for its embedded L1."""

from collections.abc import Callable, Sequence
from typing import Protocol

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.sender_recovery import SenderCrew
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.rules import ChainRules
from phal2.node.storage import ChainStore


class ChainService(Protocol):
    """One chain with its store and its pool. Its methods are called on the event loop."""

    @property
    def store(self) -> ChainStore:
        """The chain's blocks and state."""
        ...

    @property
    def rules(self) -> ChainRules:
        """The chain's rules."""
        ...

    @property
    def verdicts(self) -> QuoteVerdicts:
        """The cache of quote verdicts that calls with attestations use."""
        ...

    @property
    def chain_id(self) -> int:
        """The chain id of EIP-155."""
        ...

    @property
    def sender_crew(self) -> SenderCrew | None:
        """Who helps to recover the senders of many transactions, None for nobody. It may be asked on any thread."""
        ...

    def head_id(self) -> BlockId:
        """Return the newest block: the tag "latest"."""
        ...

    def safe_id(self) -> BlockId:
        """Return the tag "safe"."""
        ...

    def finalized_id(self) -> BlockId:
        """Return the tag "finalized"."""
        ...

    def pending_environment(self) -> BlockEnvironment:
        """Return the environment of the block that would be built now on the newest one."""
        ...

    async def submit_transaction(self, raw: bytes, /) -> bytes:
        """Admit an envelope to the pool and return its hash; raise the `Phal2Error` that says why not."""
        ...

    def pending_nonce(self, address: bytes, /) -> int:
        """Return the nonce that the next transaction of `address` must have, with the pool's counted."""
        ...

    def pending_transactions(self) -> Sequence[RecoveredTransaction]:
        """Return all transactions of the pool."""
        ...

    def pending_transaction(self, transaction_hash: bytes, /) -> RecoveredTransaction | None:
        """Return a transaction of the pool by its hash, None where it is not there."""
        ...

    def suggested_priority_fee(self) -> int:
        """Return a tip in wei per gas with which a transaction is included soon."""
        ...

    def on_new_head(self, callback: Callable[[bytes], None], /) -> Callable[[], None]:
        """Call `callback` on the event loop with the hash of every new head; the returned function ends that."""
        ...
