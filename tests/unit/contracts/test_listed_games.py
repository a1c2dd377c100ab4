"""The proposer's reading of the games that the factory lists, against the contracts themselves."""

from typing import Any

import pytest
from dispute_games import Proposal, create_permissioned, list_games_of_another_type, register_prover, respect
from l1_world import CHALLENGE_PERIOD, FINALITY_DELAY, OWNER, PROPOSER, STRANGER, L1World
from world_client import WorldClient

from phal2.bridge.dispute_games import GAMES_IN_A_PAGE, GameType
from phal2.bridge.proposer.games import Games, OutputOnL1
from phal2.node.protocol.keccak import keccak256


@pytest.fixture
def world() -> L1World:
    world = L1World.deployed()
    register_prover(world)
    return world


@pytest.fixture
def games(world: L1World) -> Games:
    client: Any = WorldClient(world)
    return Games(client, world.factory.address, world.registry.address)


async def all_games(games: Games) -> list[OutputOnL1]:
    below, found = await games.count(), []
    while below > 0:
        found += await games.page(below)
        below -= GAMES_IN_A_PAGE
    return found


async def test_games_of_known_types_are_read_the_newest_first(world: L1World, games: Games) -> None:
    proven = Proposal(world, b"\x0a" * 32, 10).create()
    list_games_of_another_type(world, 2 * GAMES_IN_A_PAGE)
    world.chain.pass_time(7)
    claimed = create_permissioned(world, b"\x14" * 32, 20)
    list_games_of_another_type(world, 3)
    last = 1 + 2 * GAMES_IN_A_PAGE
    time = world.chain.time
    assert await all_games(games) == [
        OutputOnL1(last, b"\x14" * 32, 20, time, claimed.address, GameType.PERMISSIONED),
        OutputOnL1(0, b"\x0a" * 32, 10, time - 7, proven.address, GameType.ENCLAVE),
    ]


async def test_a_list_that_no_call_can_search_is_read_all_the_same(world: L1World, games: Games) -> None:
    # given: the search for a game of a rare type runs out of gas
    Proposal(world, b"\x0a" * 32, 10).create()
    list_games_of_another_type(world, 20_000)
    newest = Proposal(world, b"\x14" * 32, 20).create()
    search = world.factory.data("findLatestGames", int(GameType.PERMISSIONED), await games.count() - 1, 1)
    assert not world.chain.transact(world.factory.address, search, sender=STRANGER).succeeded
    # when
    page = await games.page(await games.count())
    # then
    assert [output.game for output in page] == [newest.address]


async def test_the_newest_final_game_of_a_type_is_found_behind_many_others(world: L1World, games: Games) -> None:
    final = Proposal(world, b"\x0a" * 32, 10).create()
    world.chain.pass_time(FINALITY_DELAY + 1)
    for number in range(20, 20 + GAMES_IN_A_PAGE):
        create_permissioned(world, keccak256(bytes([number])), number)
    Proposal(world, b"\x14" * 32, 50).create()
    found = await games.newest_final(GameType.ENCLAVE, 9)
    assert found is not None
    assert found.game == final.address
    assert await games.newest_final(GameType.ENCLAVE, 10) is None


async def test_all_games_after_the_newest_decided_one_are_undecided(world: L1World, games: Games) -> None:
    # given: more games of the proposer's than a page has, and one of another type in between
    respect(world, GameType.PERMISSIONED)
    first = create_permissioned(world, b"\x0a" * 32, 10)
    created = [
        create_permissioned(world, keccak256(bytes([number])), number) for number in range(20, 21 + GAMES_IN_A_PAGE)
    ]
    Proposal(world, b"\x14" * 32, 200).create()
    assert [game.address for game in await games.undecided(PROPOSER)] == [first.address, *(g.address for g in created)]
    # when: the clocks have run out, and the first is decided
    undecided = await games.undecided(PROPOSER)
    assert {game.expiry for game in undecided} == {world.chain.time + CHALLENGE_PERIOD}
    world.chain.pass_time(CHALLENGE_PERIOD + 1)
    first.transact("resolve", sender=STRANGER)
    # then
    assert [game.address for game in await games.undecided(PROPOSER)] == [game.address for game in created]
    assert await games.undecided(STRANGER) == []
    # when: the guardian retires them
    world.registry.transact("updateRetirementTimestamp", sender=OWNER)
    # then
    assert await games.retired_until() == world.chain.time
    assert await games.undecided(PROPOSER) == []
