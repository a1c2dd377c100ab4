"""The dispute games that the factory on L1 lists, read by index.

Its `findLatestGames` searches the whole list in one call, for which there is no gas where the list is long and has few
games of the type.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from phal2.bridge.chain_access.contract_views import Contract, read_at_once
from phal2.node.l1.client import L1Client

GAMES_IN_A_PAGE: Final = 16
"""Games that are read at a time."""

_WORD: Final = 32


class GameType(IntEnum):
    """What a proposed output is vouched for by."""

    PERMISSIONED = 1
    """The proposer's account alone; anyone may resolve it after its clock, if nobody challenged it."""
    ENCLAVE = 84
    """A prover's signature; it is resolved as it is created."""


class GameStatus(IntEnum):
    """How a game stands (IDisputeGame)."""

    IN_PROGRESS = 0
    CHALLENGER_WINS = 1
    DEFENDER_WINS = 2


@dataclass(frozen=True, slots=True)
class ListedGame:
    """What the list itself has of a game: its index, type, creation in Unix seconds of L1, and 20-byte address."""

    index: int
    game_type: int
    created_at: int
    address: bytes


@dataclass(frozen=True, slots=True)
class Game:
    """A game: its index in the factory, address, creation in Unix seconds, and its claim for an L2 block."""

    index: int
    address: bytes
    created_at: int
    root_claim: bytes
    block_number: int


async def page_of_games(l1: L1Client, factory: Contract, below: int) -> list[ListedGame]:
    """Return the 16 games before the index `below`, of whatever type, the newest first.

    Raises `ContractMissing` and `EndpointError`.
    """
    indices = range(below - 1, max(0, below - GAMES_IN_A_PAGE) - 1, -1)
    listed = await read_at_once(l1, "gameAtIndex", [(factory, (index,)) for index in indices])
    return [ListedGame(index, *entry) for index, entry in zip(indices, listed, strict=True)]


async def with_claims(l1: L1Client, listed: Sequence[ListedGame]) -> list[Game]:
    """Return the games with their claims, without those that claim nothing for a block. Raises as `page_of_games`."""
    views = [(Contract("EnclaveDisputeGame", game.address), ()) for game in listed]
    claims = await read_at_once(l1, "gameData", views)
    return [
        Game(game.index, game.address, game.created_at, root, block_number)
        for game, (_, root, extra_data) in zip(listed, claims, strict=True)
        if (block_number := claimed_block(extra_data)) is not None
    ]


def claimed_block(extra_data: bytes) -> int | None:
    """Return the L2 block that a game is about by its extra data, of which it is the first word; None for none."""
    return int.from_bytes(extra_data[:_WORD], "big") if len(extra_data) >= _WORD else None
