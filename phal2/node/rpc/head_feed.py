"""What subscriptions are told of new heads: found out once for all of them, and told in turns with all else."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from phal2.node.protocol.block_refs import BlockId
from phal2.node.rpc.chain_changes import ChainChanges, chain_changes
from phal2.node.rpc.chain_service import ChainService

_LONGEST_TURN: Final = 0.002
"""So many seconds followers are told before others have their turn."""

Tell: TypeAlias = Callable[[ChainChanges], Iterator[None]]
"""Tells of a change; it yields wherever others may have their turn. Followers that saw the same share the change."""


@dataclass(slots=True, eq=False)
class _Follower:
    tell: Tell
    seen: BlockId


class HeadFeed:
    """Tells of one chain's changes, to each follower in their order. For the event loop's thread alone."""

    def __init__(self, chain: ChainService) -> None:
        self._chain = chain
        self._followers: dict[_Follower, None] = {}
        self._end_listening: Callable[[], None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._is_behind = False

    def follow(self, tell: Tell) -> Callable[[], None]:
        """Tell of what changes from now on; the returned function ends that, and may be called more than once."""
        follower = _Follower(tell, self._chain.head_id())
        self._followers[follower] = None
        if self._end_listening is None:
            self._end_listening = self._chain.on_new_head(self._on_new_head)

        def end() -> None:
            self._followers.pop(follower, None)
            if not self._followers and self._end_listening is not None:
                self._end_listening()
                self._end_listening = None

        return end

    def _on_new_head(self, _: bytes) -> None:
        self._is_behind = True
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell_all())

    async def _tell_all(self) -> None:
        turn_end = time.monotonic() + _LONGEST_TURN
        try:
            while self._is_behind:
                self._is_behind = False
                for follower, changes in self._due():
                    for _ in follower.tell(changes):
                        if time.monotonic() >= turn_end:
                            await asyncio.sleep(0)
                            turn_end = time.monotonic() + _LONGEST_TURN
                            if follower not in self._followers:
                                break
        finally:
            self._telling = None

    def _due(self) -> Iterator[tuple[_Follower, ChainChanges]]:
        """Yield the followers with what changed for each up to the present head."""
        head = self._chain.head_id()
        changes: dict[BlockId, ChainChanges] = {}
        for follower in list(self._followers):
            if follower in self._followers and follower.seen != head:
                seen, follower.seen = follower.seen, head
                if seen not in changes:
                    changes[seen] = chain_changes(self._chain.store, seen, head)
                yield follower, changes[seen]
