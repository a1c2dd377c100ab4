"""Which output a proposer goes on from, and when the next game is due."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from proven_chain import ProvenChain

from phal2.bridge.chain_access.l2_source import SyncStatus
from phal2.bridge.dispute_games import GAMES_IN_A_PAGE, GameType
from phal2.bridge.proposer.errors import ChainMoved
from phal2.bridge.proposer.games import ANCHOR_INDEX, OutputOnL1, UndecidedGame
from phal2.bridge.proposer.proposer import Proposer, ProposerContracts
from phal2.bridge.proposer.settings import ProposerSettings
from phal2.bridge.proposer.transaction_sender import ContractCall
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointUnavailable
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.block_refs import BlockId

GENESIS_TIME = 1_750_000_000


def root(number: int, branch: str = "") -> bytes:
    return f"{branch}root of {number}".encode().ljust(32, b"\0")


@dataclass
class ScriptedGames:
    """The games on L1, the oldest first."""

    listed: list[OutputOnL1] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    retired: int = 0
    undecided_games: list[UndecidedGame] = field(default_factory=list)
    decided: set[bytes] = field(default_factory=set)
    anchored: OutputOnL1 = field(default_factory=lambda: OutputOnL1(ANCHOR_INDEX, root(0), 0, 0, None, None))

    def add(self, number: int, branch: str = "", game_type: int = 84, created_at: int = GENESIS_TIME) -> OutputOnL1:
        index = len(self.listed)
        output = OutputOnL1(index, root(number, branch), number, created_at, index.to_bytes(20, "big"), game_type)
        self.listed.append(output)
        return output

    async def count(self) -> int:
        return len(self.listed)

    async def anchor(self) -> OutputOnL1:
        return self.anchored

    async def retired_until(self) -> int:
        return self.retired

    async def page(self, below: int) -> list[OutputOnL1]:
        return self.listed[max(0, below - GAMES_IN_A_PAGE) : below][::-1]

    async def undecided(self, _creator: bytes) -> list[UndecidedGame]:
        return [game for game in self.undecided_games if game.address not in self.decided]

    async def is_undecided(self, game: bytes) -> bool:
        return game not in self.decided

    async def can_be_parent(self, output: OutputOnL1) -> bool:
        return output.index not in self.refused

    async def is_lost(self, output: OutputOnL1) -> bool:
        return output.index in self.lost


@dataclass
class ScriptedL2:
    """An L2 node; withdrawals are in the blocks of `withdrawals`."""

    safe: int = 100
    finalized: int = 90
    l1_time: int = GENESIS_TIME + 200
    withdrawals: tuple[int, ...] = ()

    async def sync_status(self) -> SyncStatus:
        l1, safe = BlockId(b"", 50), BlockId(b"", self.safe)
        return SyncStatus(
            current_l1=l1,
            head_l1=l1,
            head_l1_time=self.l1_time,
            unsafe_l2=safe,
            safe_l2=safe,
            finalized_l2=BlockId(b"", self.finalized),
        )

    async def output_root(self, number: int) -> bytes:
        assert number <= self.safe
        return root(number)

    async def withdrawals_root(self, number: int) -> bytes:
        return bytes([sum(block <= number for block in self.withdrawals)])


@dataclass
class Scene:
    """A proposer before scripted chains."""

    games: ScriptedGames
    l2: ScriptedL2
    proposer: Any

    async def parent(self, head: int = 100) -> OutputOnL1 | None:
        found: OutputOnL1 | None = await self.proposer._output_to_go_on_from(head)
        return found

    async def resolve(self) -> None:
        await self.proposer._resolve_games(await self.l2.sync_status())

    async def is_due(self, parent: OutputOnL1) -> bool:
        return bool(await self.proposer._is_due(parent, await self.l2.sync_status()))


def scene(**settings: Any) -> Scene:
    config = ProvenChain().config
    made = ProposerSettings(**({"game_type": GameType.PERMISSIONED} | settings))
    contracts = ProposerContracts(bytes(20), bytes(20), bytes(20))
    nowhere = "http://127.0.0.1:9"
    proposer: Any = Proposer(L1Client(nowhere), JsonRpcClient(nowhere), config, contracts, None, b"\x01" * 32, made)
    proposer._games, proposer._view = games, l2 = ScriptedGames(), ScriptedL2()
    return Scene(games, l2, proposer)


@pytest.fixture
def enclave() -> Scene:
    made = scene()
    # Which games count depends on the type; nothing here asks the prover for anything.
    made.proposer._settings = ProposerSettings(interval_blocks=1_000, interval_seconds=10_000)
    return made


async def test_without_games_the_anchor_root_is_the_beginning(enclave: Scene) -> None:
    assert await enclave.parent() == enclave.games.anchored


async def test_the_newest_game_that_agrees_is_gone_on_from(enclave: Scene) -> None:
    enclave.games.add(10)
    right = enclave.games.add(20)
    for number in range(30, 60, 10):
        enclave.games.add(number, "another branch's ")
    assert await enclave.parent() == right


async def test_games_that_do_not_count_are_passed_over(enclave: Scene) -> None:
    right = enclave.games.add(10)
    enclave.games.refused.add(enclave.games.add(20).index)
    enclave.games.refused.add(enclave.games.add(1_000_000).index)
    assert await enclave.parent() == right


async def test_a_game_ahead_of_the_node_is_waited_for(enclave: Scene) -> None:
    enclave.games.add(10)
    ahead = enclave.games.add(101)
    assert await enclave.parent(100) is None
    enclave.l2.safe = 101
    assert await enclave.parent(101) == ahead


async def test_games_of_the_fallback_count_as_well(enclave: Scene) -> None:
    enclave.games.add(10)
    fallback = enclave.games.add(20, game_type=1)
    assert await enclave.parent() == fallback
    newer = enclave.games.add(30)
    assert await enclave.parent() == newer


async def test_what_was_found_is_looked_for_again_when_l2_or_the_games_change(enclave: Scene) -> None:
    first = enclave.games.add(10)
    second = enclave.games.add(20)
    assert await enclave.parent() == second
    enclave.games.listed.pop()
    assert await enclave.parent() == first
    enclave.games.anchored = OutputOnL1(ANCHOR_INDEX, root(15), 15, 0, None, None)
    enclave.games.add(12)
    assert await enclave.parent() == enclave.games.anchored


async def test_an_old_claim_that_was_made_a_game_once_more_is_not_gone_on_from(enclave: Scene) -> None:
    enclave.games.add(10)
    newest_block = enclave.games.add(20)
    enclave.games.add(10)
    assert await enclave.parent() == newest_block


async def test_games_behind_many_that_are_wrong_are_found(enclave: Scene) -> None:
    right = enclave.games.add(10)
    for number in range(20, 21 + 2 * GAMES_IN_A_PAGE):
        enclave.games.add(number, "another branch's ")
    assert await enclave.parent() == right


async def test_games_that_the_guardian_retired_are_not_looked_through(enclave: Scene) -> None:
    # given: many games that were retired, and one that was not
    for number in range(10, 11 + GAMES_IN_A_PAGE):
        enclave.games.refused.add(enclave.games.add(number).index)
    enclave.games.retired = GENESIS_TIME
    right = enclave.games.add(9, created_at=GENESIS_TIME + 1)
    assert await enclave.parent() == right
    # when: there is none but those
    enclave.games.listed[-1] = replace(right, created_at=GENESIS_TIME)
    enclave.proposer._known_output = None
    # then
    assert await enclave.parent() == enclave.games.anchored


async def test_a_node_of_another_chain_is_told_so(enclave: Scene) -> None:
    enclave.games.anchored = OutputOnL1(ANCHOR_INDEX, root(0, "foreign "), 0, 0, None, None)
    with pytest.raises(ChainMoved, match="another chain"):
        await enclave.parent()


async def test_permissioned_games_need_not_be_decided_but_not_be_lost() -> None:
    fallback = scene()
    undecided = fallback.games.add(10, game_type=1)
    fallback.games.refused.add(undecided.index)
    fallback.games.lost.add(fallback.games.add(20, game_type=1).index)
    assert await fallback.parent() == undecided


@pytest.mark.parametrize(("parent", "due"), [(100, False), (91, False), (90, True), (1, True)])
async def test_a_game_is_due_after_so_many_blocks(parent: int, due: bool) -> None:
    made = scene(interval_blocks=10, interval_seconds=10_000)
    assert await made.is_due(made.games.add(parent)) is due


@pytest.mark.parametrize(("age", "due"), [(0, False), (59, False), (60, True)])
async def test_a_game_is_due_after_so_much_time_of_l1(age: int, due: bool) -> None:
    made = scene(interval_blocks=10_000, interval_seconds=60)
    assert await made.is_due(made.games.add(50, created_at=made.l2.l1_time - age)) is due
    made.l2.safe = 50
    assert not await made.is_due(made.games.add(50, created_at=0))


@pytest.mark.parametrize(
    ("withdrawals", "due"),
    [((), False), ((49,), False), ((50,), True), ((51,), True), ((99,), True), ((100,), False), ((100, 60), True)],
)
async def test_a_game_is_due_for_withdrawals_before_the_head_that_the_parent_does_not_serve(
    withdrawals: tuple[int, ...], due: bool
) -> None:
    made = scene(interval_blocks=10_000, interval_seconds=10_000, on_withdrawal=True)
    made.l2.withdrawals = withdrawals
    assert await made.is_due(made.games.add(50)) is due


async def test_finalized_blocks_alone_are_proposed_where_that_is_wanted() -> None:
    made = scene(interval_blocks=10, finalized_only=True)
    assert not await made.is_due(made.games.add(81))
    assert await made.is_due(made.games.add(80))


@dataclass
class RecordingSender:
    """Takes every call and says that it was mined; what it is given a failure for fails once."""

    games: ScriptedGames
    address: bytes = b"\x77" * 20
    failures: list[Exception] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)

    async def send(self, call: ContractCall) -> None:
        if self.failures:
            raise self.failures.pop()
        self.sent.append(call.to)
        self.games.decided.add(call.to)


async def test_permissioned_games_are_resolved_as_their_clocks_run_out_however_many_came_since() -> None:
    # given: far more games than a page has within one challenge period
    fallback = scene()
    fallback.proposer._sender = sender = RecordingSender(fallback.games)
    addresses = [number.to_bytes(20, "big") for number in range(1, 100)]
    times = range(GENESIS_TIME + 1_000, GENESIS_TIME + 1_099)
    fallback.games.undecided_games = [UndecidedGame(*pair) for pair in zip(addresses, times, strict=True)]
    # when: the first clock is at its last second
    fallback.l2.l1_time = GENESIS_TIME + 1_000
    await fallback.resolve()
    # then
    assert sender.sent == []
    # when: the clocks of the first three have run out, and somebody resolved the second one
    fallback.l2.l1_time = GENESIS_TIME + 1_003
    fallback.games.decided.add(addresses[1])
    sender.failures.append(EndpointUnavailable("u", "t"))
    with pytest.raises(EndpointUnavailable):
        await fallback.resolve()
    await fallback.resolve()
    # then
    assert sender.sent == [addresses[0], addresses[2]]
