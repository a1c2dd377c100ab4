"""The games on L1: which one to go on from, and how to create the next."""

from dataclasses import dataclass
from typing import Final

from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.dispute_games import GAMES_IN_A_PAGE, GameStatus, GameType, page_of_games, with_claims
from phal2.bridge.prover.claim import SIGNATURE_LENGTH, SignedClaim
from phal2.node.l1.client import L1Client

ANCHOR_INDEX: Final = (1 << 256) - 1
"""The parent index that stands for the anchor root."""

_WORD: Final = 32
_TYPES: Final = frozenset(GameType)


@dataclass(frozen=True, slots=True)
class OutputOnL1:
    """An output root that L1 knows: a game's, or the anchor root (`index` is `ANCHOR_INDEX`, `created_at` is 0).

    `created_at` is in Unix seconds of L1.
    """

    index: int
    root: bytes
    l2_block_number: int
    created_at: int
    game: bytes | None
    game_type: int | None


@dataclass(frozen=True, slots=True)
class UndecidedGame:
    """A permissioned game at a 20-byte address; `expiry`: the last second of L1 in which it can be challenged."""

    address: bytes
    expiry: int


class Games:
    """The factory and the registry of one rollup. Methods raise an `EndpointError`, and `ContractMissing`."""

    def __init__(self, l1: L1Client, factory: bytes, anchor_state_registry: bytes) -> None:
        self._l1 = l1
        self.factory = Contract("DisputeGameFactory", factory)
        self.registry = Contract("AnchorStateRegistry", anchor_state_registry)

    async def count(self) -> int:
        """Return the number of games, of all types."""
        return int(await self.factory.read(self._l1.call, "gameCount"))

    async def respected_type(self) -> int:
        """Return the type of the games that withdrawals are proven with."""
        return int(await self.registry.read(self._l1.call, "respectedGameType"))

    async def anchor(self) -> OutputOnL1:
        """Return the anchor root."""
        root, number = await self.registry.read_values(self._l1.call, "getAnchorRoot")
        return OutputOnL1(ANCHOR_INDEX, root, number, 0, None, None)

    async def retired_until(self) -> int:
        """Return the time, in Unix seconds of L1, until which games were created that the guardian has retired."""
        return int(await self.registry.read(self._l1.call, "retirementTimestamp"))

    async def page(self, below: int) -> list[OutputOnL1]:
        """Return those of the 16 games before the index `below` that are of a known type, the newest first."""
        listed = await page_of_games(self._l1, self.factory, below)
        types = {game.index: GameType(game.game_type) for game in listed if game.game_type in _TYPES}
        games = await with_claims(self._l1, [game for game in listed if game.index in types])
        return [
            OutputOnL1(game.index, game.root_claim, game.block_number, game.created_at, game.address, types[game.index])
            for game in games
        ]

    async def can_be_parent(self, output: OutputOnL1) -> bool:
        """Tell whether L1 lets a game go on from this one: registered, respected, not retired, won by its defender."""
        if output.game is None:
            return True
        for question, wanted in (
            ("isGameRegistered", True),
            ("isGameRespected", True),
            ("isGameBlacklisted", False),
            ("isGameRetired", False),
        ):
            if await self.registry.read(self._l1.call, question, output.game) is not wanted:
                return False
        return await self._status(output.game) == GameStatus.DEFENDER_WINS

    async def newest_final(self, game_type: int, above: int) -> OutputOnL1 | None:
        """Return the newest game of a type that may be the anchor root, of an L2 block above `above`; None for none."""
        below = await self.count()
        while below > 0:
            for output in await self.page(below):
                if output.l2_block_number <= above:
                    return None
                if output.game_type != game_type:
                    continue
                if await self.registry.read(self._l1.call, "isGameClaimValid", output.game):
                    return output
            below -= GAMES_IN_A_PAGE
        return None

    async def is_lost(self, output: OutputOnL1) -> bool:
        """Tell whether a game was decided against its claim."""
        return output.game is not None and await self._status(output.game) == GameStatus.CHALLENGER_WINS

    async def _status(self, game: bytes) -> int:
        return int(await Contract("EnclaveDisputeGame", game).read(self._l1.call, "status"))

    async def bond(self, game_type: GameType) -> int:
        """Return the wei that creating a game takes."""
        return int(await self.factory.read(self._l1.call, "initBonds", game_type))

    async def undecided(self, creator: bytes) -> list[UndecidedGame]:
        """Return the permissioned games of a creator after its newest one that is decided, the oldest first.

        Those that the guardian retired are left out, as nothing can be done with them.
        """
        retired_until = await self.retired_until()
        found: list[UndecidedGame] = []
        below = await self.count()
        while below > 0:
            for output in await self.page(below):
                if output.created_at <= retired_until:
                    return found[::-1]
                game = Contract("PermissionedDisputeGame", output.game or b"")
                if (
                    output.game_type != GameType.PERMISSIONED
                    or await game.read(self._l1.call, "gameCreator") != creator
                ):
                    continue
                if not await self.is_undecided(game.address):
                    return found[::-1]
                found.append(UndecidedGame(game.address, await game.read(self._l1.call, "clockExpiry")))
            below -= GAMES_IN_A_PAGE
        return found[::-1]

    async def is_undecided(self, game: bytes) -> bool:
        """Tell whether the game at a 20-byte address is not decided yet."""
        return await self._status(game) == GameStatus.IN_PROGRESS


def enclave_extra_data(signed: SignedClaim, parent_index: int) -> bytes:
    """Return the extra data of an enclave game: abi.encode(l2BlockNumber, l1BlockNumber, parentIndex, signature)."""
    claim = signed.claim
    head = (claim.l2_block_number, claim.l1_block_number, parent_index, 4 * _WORD, SIGNATURE_LENGTH)
    return b"".join(map(_word, head)) + signed.signature.ljust(3 * _WORD, b"\x00")


def permissioned_extra_data(l2_block_number: int) -> bytes:
    """Return the extra data of a permissioned game: abi.encode(l2BlockNumber)."""
    return _word(l2_block_number)


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")
