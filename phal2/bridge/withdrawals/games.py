"""The dispute games that withdrawals are proven against, as the factory on L1 lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.chain_access.errors import ContractMissing
from phal2.bridge.dispute_games import (
    GAMES_IN_A_PAGE,
    Game,
    GameStatus,
    claimed_block,
    page_of_games,
    with_claims,
)
from phal2.bridge.rollup_contracts import RollupContracts, UnknownContracts
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused

NEWEST_GAMES: Final = 50
"""How many of the newest games of the respected type are looked at."""

_CLOCKS_APART_SECONDS: Final = 86_400
"""More than L2's time can be ahead of L1's."""

_SUPER_GAME_TYPES: Final = frozenset({4, 5, 7, 9})
"""Their claims are of several chains at a time, not of a block (interop)."""


@dataclass(frozen=True, slots=True)
class GameState:
    """How a game stands now. `resolved_at` in Unix seconds, 0 before.

    `can_count` is false where the guardian or the registry has ruled it out; portals before 4.0 do not tell.
    """

    status: GameStatus
    resolved_at: int
    can_count: bool

    @property
    def is_lost(self) -> bool:
        """Whether no withdrawal can ever be finalised with it."""
        return self.status == GameStatus.CHALLENGER_WINS or not self.can_count


async def newest_games(l1: L1Client, contracts: RollupContracts, since: int) -> Sequence[Game]:
    """Return the newest games of the respected type, the oldest of them first.

    `since` is the time of an L2 block, in Unix seconds: there may be games left out that were created before it.
    Raises `UnknownContracts` where the type's games are not about blocks, `ContractMissing`, `EndpointError`.
    """
    game_type: int = await Contract("OptimismPortal", contracts.portal).read(l1.call, "respectedGameType")
    if game_type in _SUPER_GAME_TYPES:
        raise UnknownContracts(f"games of type {game_type} are about several chains at a time: not supported")
    factory = Contract("DisputeGameFactory", contracts.dispute_game_factory)
    count: int = await factory.read(l1.call, "gameCount")
    if count == 0:
        return ()
    try:
        found = await factory.read(l1.call, "findLatestGames", game_type, count - 1, NEWEST_GAMES)
    except (EndpointRefused, ContractMissing):
        # One call is enough as long as there is gas for it: the list is long, and has few games of the type. Without
        # gas the factory's proxy reverts with nothing, as if another contract was there; reading by index would tell.
        games = await _games_by_index(l1, factory, game_type, count, since - _CLOCKS_APART_SECONDS)
    else:
        games = [
            Game(index, metadata[12:], created_at, root_claim, block_number)
            for index, metadata, created_at, root_claim, extra_data in found
            if (block_number := claimed_block(extra_data)) is not None
        ]
    return sorted(games, key=lambda game: game.index)


async def _games_by_index(l1: L1Client, factory: Contract, game_type: int, count: int, since: int) -> list[Game]:
    found: list[Game] = []
    for below in range(count, 0, -GAMES_IN_A_PAGE):
        page = await page_of_games(l1, factory, below)
        found += await with_claims(l1, [game for game in page if game.game_type == game_type])
        if len(found) >= NEWEST_GAMES or page[-1].created_at < since:
            break
    return found


async def game_state(l1: L1Client, contracts: RollupContracts, address: bytes) -> GameState:
    """Return how a game stands. Raises `ContractMissing` where there is none, and `EndpointError`."""
    game = Contract("PermissionedDisputeGame", address)
    status: int = await game.read(l1.call, "status")
    resolved_at: int = await game.read(l1.call, "resolvedAt")
    try:
        known = GameStatus(status)
    except ValueError:
        raise ContractMissing("dispute game", address, "L1") from None
    can_count = True
    if contracts.anchor_state_registry is not None:
        registry = Contract("AnchorStateRegistry", contracts.anchor_state_registry)
        for function in ("isGameProper", "isGameRespected"):
            can_count = can_count and await registry.read(l1.call, function, address)
    return GameState(known, resolved_at, can_count)


def seconds_until_covered(games: Sequence[Game], block_number: int, now: int) -> int | None:
    """Say in about how many seconds a game covers an L2 block, by the pace of the last games; None where unknown."""
    if len(games) < 2:
        return None
    oldest, newest = games[0], games[-1]
    steps = [later.block_number - earlier.block_number for earlier, later in pairwise(games)]
    blocks, seconds = sum(steps), newest.created_at - oldest.created_at
    if blocks <= 0:
        return None
    missing = max(0, block_number - newest.block_number)
    games_ahead = -(-missing * len(steps) // blocks)
    due = newest.created_at + max(1, games_ahead) * seconds // len(steps)
    return max(0, due - now)
