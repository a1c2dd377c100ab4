"""The games on L1: which one to go on from, and how to create the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from phal2.bridge.proposer.contract_calls import Contract
from phal2.bridge.proposer.settings import GameType
from phal2.bridge.prover.claim import SIGNATURE_LENGTH, SignedClaim
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointRefused

ANCHOR_INDEX: Final = (1 << 256) - 1
"""The parent index that stands for the anchor root."""

_IN_PROGRESS: Final = 0
_CHALLENGER_WINS: Final = 1
_DEFENDER_WINS: Final = 2
_WORD: Final = 32
_GAMES_IN_A_CALL: Final = 16


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


class Games:
    """The factory and the registry of one rollup. Methods raise an `EndpointError`."""

    def __init__(self, l1: L1Client, factory: bytes, anchor_state_registry: bytes) -> None:
        self._l1 = l1
        self.factory = Contract("DisputeGameFactory", factory)
        self.registry = Contract("AnchorStateRegistry", anchor_state_registry)

    async def count(self) -> int:
        """Return the number of games, of all types."""
        return int((await self.factory.read(self._l1, "gameCount"))[0])

    async def respected_type(self) -> int:
        """Return the type of the games that withdrawals are proven with."""
        return int((await self.registry.read(self._l1, "respectedGameType"))[0])

    async def anchor(self) -> OutputOnL1:
        """Return the anchor root."""
        root, number = await self.registry.read(self._l1, "getAnchorRoot")
        return OutputOnL1(ANCHOR_INDEX, root, number, 0, None, None)

    async def newest(self, game_type: int, below: int) -> list[OutputOnL1]:
        """Return up to 16 games of a type with an index less than `below`, the newest first."""
        if below <= 0:
            return []
        answer = await self.factory.read(self._l1, "findLatestGames", game_type, below - 1, _GAMES_IN_A_CALL)
        return [output for found in answer[0] if (output := _output(game_type, found)) is not None]

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
            if (await self.registry.read(self._l1, question, output.game))[0] is not wanted:
                return False
        return await self._status(output.game) == _DEFENDER_WINS

    async def newest_final(self, game_type: int, above: int) -> OutputOnL1 | None:
        """Return the newest game of a type that may be the anchor root, of an L2 block above `above`; None for none."""
        below = await self.count()
        while page := await self.newest(game_type, below):
            for output in page:
                if output.l2_block_number <= above:
                    return None
                if (await self.registry.read(self._l1, "isGameClaimValid", output.game))[0]:
                    return output
            below = page[-1].index
        return None

    async def is_lost(self, output: OutputOnL1) -> bool:
        """Tell whether a game was decided against its claim."""
        return output.game is not None and await self._status(output.game) == _CHALLENGER_WINS

    async def _status(self, game: bytes) -> int:
        return int((await Contract("EnclaveDisputeGame", game).read(self._l1, "status"))[0])

    async def bond(self, game_type: GameType) -> int:
        """Return the wei that creating a game takes."""
        return int((await self.factory.read(self._l1, "initBonds", game_type))[0])

    async def unresolved_permissioned(self, creator: bytes) -> list[bytes]:
        """Return the newest of the permissioned games of a creator that can be resolved now."""
        resolvable = []
        for output in await self.newest(GameType.PERMISSIONED, await self.count()):
            game = Contract("PermissionedDisputeGame", output.game or b"")
            if await self._status(game.address) != _IN_PROGRESS:
                continue
            if (await game.read(self._l1, "gameCreator"))[0] != creator:
                continue
            try:
                await game.read(self._l1, "resolve")
            except EndpointRefused:
                continue
            resolvable.append(game.address)
        return resolvable


def enclave_extra_data(signed: SignedClaim, parent_index: int) -> bytes:
    """Return the extra data of an enclave game: abi.encode(l2BlockNumber, l1BlockNumber, parentIndex, signature)."""
    claim = signed.claim
    head = (claim.l2_block_number, claim.l1_block_number, parent_index, 4 * _WORD, SIGNATURE_LENGTH)
    return b"".join(map(_word, head)) + signed.signature.ljust(3 * _WORD, b"\x00")


def permissioned_extra_data(l2_block_number: int) -> bytes:
    """Return the extra data of a permissioned game: abi.encode(l2BlockNumber)."""
    return _word(l2_block_number)


def _output(game_type: int, found: Sequence[Any]) -> OutputOnL1 | None:
    """Read a search result; None where the extra data is not what a game of a known type has."""
    index, metadata, timestamp, root, extra_data = found
    if len(extra_data) < _WORD:
        return None
    number = int.from_bytes(extra_data[:_WORD], "big")
    return OutputOnL1(index, root, number, timestamp, metadata[12:], game_type)


def _word(value: int) -> bytes:
    return value.to_bytes(_WORD, "big")
