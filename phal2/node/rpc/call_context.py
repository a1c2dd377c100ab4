"""Where a call runs: rules, block and state."""

from dataclasses import dataclass

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.state.block_scope import ScopeOverrides
from phal2.node.state.call import CallRequest, CallResult, execute_call
from phal2.node.state.database import BlockHashes, StateDatabase
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.rules import ChainRules
from phal2.node.state.trie import TrieReader
from phal2.node.state.world_state import WorldState


@dataclass(frozen=True, slots=True)
class CallContext:
    """It holds nothing of the event loop, so that a worker thread can use it. `reader`, if any, reads `database`."""

    rules: ChainRules
    environment: BlockEnvironment
    database: StateDatabase
    state_root: bytes
    block_hashes: BlockHashes
    verdicts: QuoteVerdicts
    overrides: ScopeOverrides | None = None
    reader: TrieReader | None = None

    def execute(self, request: CallRequest) -> CallResult:
        """Run a call. Raises `InvalidTransaction` where it cannot begin."""
        return execute_call(
            self.rules,
            self.environment,
            self.database,
            self.state_root,
            self.block_hashes,
            request,
            self.verdicts,
            self.overrides,
            self.reader,
        )

    def state(self) -> WorldState:
        """Return the state that the call finds."""
        return WorldState(self.database, self.state_root, self.reader)
