"""Calls that take no longer than going to a thread and back would: made on the event loop, given up where they do.

Most calls of wallets and explorers read a word or two. Such a call runs at once on a state that is kept open for its
block. One that proves to be longer is left after a millisecond or so, and its like are not tried again for a while:
they belong to the worker threads. What is sealed does not change, so that a call that is repeated at a block, as
pages that many people look at do, is not made again.
"""

from typing import Final

from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.headers import Header
from phal2.node.rpc.block_environment import environment_of
from phal2.node.rpc.call_arguments import CallArguments
from phal2.node.rpc.chain_service import ChainService
from phal2.node.state.block_scope import ScopeOverrides
from phal2.node.state.call import CallRequest, CallResult, CallScope
from phal2.node.state.trie import TrieReader

MAXIMUM_STEPS: Final = 1_000
"""What a short call may take, in instructions of about a microsecond."""

_LONGEST_DATA: Final = 4_096
_OPEN_BLOCKS: Final = 2
_MOST_LOADED: Final = 20_000
_MOST_KEPT_RESULTS: Final = 2_048
_LONGEST_KEPT_OUTPUT: Final = 1_024
_MOST_REMEMBERED: Final = 4_096
_SELECTOR_LENGTH: Final = 4


class TooLong(Phal2Error):
    """A call that is not a short one."""


class _OpenBlock:
    """A block, and results of calls at it."""

    __slots__ = ("results", "scope")

    def __init__(self, scope: CallScope) -> None:
        self.scope = scope
        self.results: dict[CallRequest, CallResult] = {}

    def keep(self, request: CallRequest, result: CallResult) -> None:
        """Keep the result of a call, where it is small and there is room."""
        is_small = len(result.return_data) <= _LONGEST_KEPT_OUTPUT and not result.logs
        if is_small and len(self.results) < _MOST_KEPT_RESULTS:
            self.results[request] = result


class ShortCalls:
    """Makes short calls at sealed blocks. For the event loop's thread alone."""

    def __init__(self, chain: ChainService, reader: TrieReader) -> None:
        """`reader` reads the chain's own database."""
        self._chain = chain
        self._reader = reader
        self._blocks: dict[tuple[bytes, int], _OpenBlock] = {}
        self._long_calls: set[tuple[bytes, bytes]] = set()
        self._remaining_steps = 0

    def admits(self, call: CallArguments) -> bool:
        """Tell whether a call may be a short one: it has nothing that takes long, and its like were not long lately."""
        return (
            call.to is not None
            and len(call.data) <= _LONGEST_DATA
            and not (call.access_list or call.authorization_list or call.attestation)
            and (call.to, call.data[:_SELECTOR_LENGTH]) not in self._long_calls
        )

    def execute(self, block_hash: bytes, header: Header, request: CallRequest) -> CallResult:
        """Make a call after a block. Raises `TooLong`, and `InvalidTransaction` where it cannot begin."""
        block = self._block(block_hash, header)
        result = block.results.get(request)
        if result is not None:
            return result
        self._remaining_steps = MAXIMUM_STEPS
        try:
            result = block.scope.execute(request)
        except TooLong:
            block.scope.load += MAXIMUM_STEPS
            self._remember(request)
            raise
        # Elsewhere than on the canonical chain, the hashes of ancestors that a contract may ask for are others'.
        if block_hash == self._chain.head_id().hash:
            block.keep(request, result)
        return result

    def _block(self, block_hash: bytes, header: Header) -> _OpenBlock:
        # Where a block's state was edited, its root lies elsewhere.
        key = (block_hash, self._reader.root(header.state_root).location)
        block = self._blocks.get(key)
        if block is None or block.scope.load > _MOST_LOADED:
            block = self._blocks[key] = _OpenBlock(self._open(header))
            while len(self._blocks) > _OPEN_BLOCKS:
                del self._blocks[next(iter(self._blocks))]
        return block

    def _open(self, header: Header) -> CallScope:
        chain = self._chain
        overrides = ScopeOverrides(checkpoint=self._spend)
        return CallScope(
            chain.rules,
            environment_of(header),
            chain.store,
            header.state_root,
            chain.store,
            chain.verdicts,
            overrides,
            self._reader,
        )

    def _spend(self, steps: int) -> None:
        self._remaining_steps -= steps
        if self._remaining_steps < 0:
            raise TooLong

    def _remember(self, request: CallRequest) -> None:
        if len(self._long_calls) >= _MOST_REMEMBERED:
            self._long_calls.clear()
        if request.to is not None:
            self._long_calls.add((request.to, request.data[:_SELECTOR_LENGTH]))
