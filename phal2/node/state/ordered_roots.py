"""The roots of a block's lists, computed by the caller or by a process beside it.

They need nothing of the state, so another core can compute them while this one computes the state root.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from phal2.node.protocol.ordered_trie import ordered_trie_root

Lists: TypeAlias = Sequence[Sequence[bytes]]


class RootCrew(Protocol):
    """Computes the roots of lists (`ordered_trie_root`) beside the caller."""

    def begin(self, lists: Lists) -> Callable[[], Sequence[bytes]]:
        """Begin; the returned function waits for the roots, one a list."""
        ...


def begin_roots(lists: Lists, crew: RootCrew | None) -> Callable[[], Sequence[bytes]]:
    """Begin to compute the roots of lists, with a crew where there is one; the returned function gives them."""
    return (lambda: own_roots(lists)) if crew is None else crew.begin(lists)


def own_roots(lists: Lists) -> Sequence[bytes]:
    """Return the roots of lists, computed here."""
    return [ordered_trie_root(values) for values in lists]
