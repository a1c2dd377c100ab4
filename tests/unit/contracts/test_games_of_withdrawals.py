"""The games that withdrawals are proven with, found in the contracts' own list."""

from typing import Any

import pytest
from dispute_games import Proposal, create_permissioned, list_games_of_another_type, register_prover
from l1_world import L1World
from world_client import WorldClient

from phal2.bridge.dispute_games import GAMES_IN_A_PAGE, Game
from phal2.bridge.rollup_contracts import RollupContracts
from phal2.bridge.withdrawals.games import newest_games
from phal2.node.l1.errors import EndpointRefused
from phal2.node.protocol.keccak import keccak256

DAY = 86_400


@pytest.fixture
def world() -> L1World:
    world = L1World.deployed()
    register_prover(world)
    return world


async def games_since(world: L1World, since: int) -> list[Game]:
    client: Any = WorldClient(world)
    contracts = RollupContracts(
        world.address("OptimismPortal"), world.factory.address, world.registry.address, None, "4.0.0"
    )
    return list(await newest_games(client, contracts, since))


def games_of_the_fallback(world: L1World, count: int) -> None:
    for number in range(count):
        create_permissioned(world, keccak256(bytes([number])), number + 1)


async def test_games_of_the_respected_type_are_found_the_oldest_first(world: L1World) -> None:
    first = Proposal(world, b"\x0a" * 32, 10).create()
    games_of_the_fallback(world, 3)
    second = Proposal(world, b"\x14" * 32, 20).create()
    time = world.chain.time
    assert await games_since(world, time) == [
        Game(0, first.address, time, b"\x0a" * 32, 10),
        Game(4, second.address, time, b"\x14" * 32, 20),
    ]


async def test_the_game_is_found_in_a_list_that_no_call_can_search(world: L1World) -> None:
    # given: a long list with one game of the respected type, which has more than a page of others after it
    list_games_of_another_type(world, 20_000)
    covering = Proposal(world, b"\x0a" * 32, 10).create()
    games_of_the_fallback(world, GAMES_IN_A_PAGE + 4)
    count = world.factory.read("gameCount")
    search = world.factory.data("findLatestGames", 84, count - 1, 50)
    client = WorldClient(world)
    with pytest.raises(EndpointRefused, match="execution reverted"):
        await client.call(world.factory.address, search)
    # when
    found = await games_since(world, world.chain.time)
    # then
    assert found == [Game(20_000, covering.address, world.chain.time, b"\x0a" * 32, 10)]


async def test_such_a_list_is_not_read_back_to_long_before_the_withdrawal(world: L1World) -> None:
    list_games_of_another_type(world, 20_000)
    Proposal(world, b"\x0a" * 32, 10).create()
    games_of_the_fallback(world, GAMES_IN_A_PAGE)
    assert await games_since(world, world.chain.time + DAY + 1) == []
