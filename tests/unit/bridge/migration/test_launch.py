import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from migration_chains import DAY, OTHER_TREE, OWNER, OWNER_KEY, PHA, RELAYER_KEY, TREE, MigrationChains

from phal2.bridge.chain_access.errors import AccountBusy, ContractMissing
from phal2.bridge.migration.chain_errors import LaunchNotArrived, LaunchRefused
from phal2.bridge.migration.launch import After, At, Launch, launch
from phal2.node.l1.client import L1Client


@asynccontextmanager
async def clients(chains: MigrationChains) -> AsyncIterator[tuple[L1Client, L1Client]]:
    async with AsyncExitStack() as stack:
        l1, l2 = L1Client(chains.l1_url), L1Client(chains.l2_url)
        stack.push_async_callback(l1.close)
        stack.push_async_callback(l2.close)
        yield l1, l2


async def launch_on(chains: MigrationChains, **changes: object) -> Launch:
    arguments: dict[str, object] = {"tree": TREE, "private_key": OWNER_KEY, "deadline": After(DAY)} | changes
    async with clients(chains) as (l1, l2):
        return await launch(l1, l2, **arguments)


async def test_a_launch_arrives_on_l2_with_its_backing(chains: MigrationChains) -> None:
    deadline = chains.l1.chain.time + DAY

    launched = await launch_on(chains)

    assert (launched.migration, launched.root, launched.total) == (chains.migration.address, TREE.root, TREE.total)
    assert launched.deadline == deadline
    assert launched.arrived
    assert list(launched.transactions) == ["setRoot", "transfer", "launch"]
    views = [chains.claims.read(view) for view in ("root", "total", "deadline")]
    assert views == [TREE.root, TREE.total, deadline]
    assert chains.balance(chains.claims.address) == TREE.total
    assert chains.pha.read("balanceOf", chains.layers.l1_bridge.address) == TREE.total
    assert chains.pha.read("balanceOf", chains.migration.address) == 0


async def test_a_launch_done_again_sends_nothing(chains: MigrationChains) -> None:
    first = await launch_on(chains)
    sent = chains.l1.sent

    again = await launch_on(chains)

    assert chains.l1.sent == sent
    assert again.transactions == {}
    assert (again.root, again.deadline, again.arrived) == (first.root, first.deadline, True)


async def test_an_interrupted_launch_is_finished(chains: MigrationChains) -> None:
    deadline = chains.l1.chain.time + 2 * DAY
    chains.migration.transact("setRoot", TREE.root, TREE.total, deadline, sender=OWNER)
    chains.pha.transact("transfer", chains.migration.address, TREE.total - PHA, sender=OWNER)

    launched = await launch_on(chains)

    assert list(launched.transactions) == ["transfer", "launch"]
    assert launched.deadline == deadline
    assert chains.balance(chains.claims.address) == TREE.total


async def test_an_absolute_deadline_is_set_as_it_is(chains: MigrationChains) -> None:
    deadline = chains.l1.chain.time + 12_345

    await launch_on(chains, deadline=At(deadline))

    assert chains.claims.read("deadline") == deadline


async def test_the_later_of_both_heads_counts(chains: MigrationChains) -> None:
    chains.l2.chain.time += 500

    launched = await launch_on(chains, deadline=After(60))

    assert launched.deadline == chains.l2.chain.time + 60


@pytest.mark.parametrize("is_launched", [False, True])
async def test_another_root_is_refused(chains: MigrationChains, is_launched: bool) -> None:
    deadline = chains.l1.chain.time + DAY
    chains.migration.transact("setRoot", OTHER_TREE.root, OTHER_TREE.total, deadline, sender=OWNER)
    if is_launched:
        chains.pha.transact("transfer", chains.migration.address, OTHER_TREE.total, sender=OWNER)
        chains.migration.transact("launch", sender=OWNER)

    with pytest.raises(LaunchRefused, match=f"has the root 0x{OTHER_TREE.root.hex()} already"):
        await launch_on(chains)
    assert chains.l1.sent == 0


async def test_another_total_is_refused(chains: MigrationChains) -> None:
    chains.migration.transact("setRoot", TREE.root, TREE.total + 1, chains.l1.chain.time + DAY, sender=OWNER)

    with pytest.raises(LaunchRefused, match="leaves add up to"):
        await launch_on(chains)


async def test_another_deadline_is_refused(chains: MigrationChains) -> None:
    deadline = chains.l1.chain.time + DAY
    chains.migration.transact("setRoot", TREE.root, TREE.total, deadline, sender=OWNER)

    with pytest.raises(LaunchRefused, match=f"was set to {deadline} before"):
        await launch_on(chains, deadline=At(deadline + 1))


async def test_a_deadline_that_is_past_is_refused(chains: MigrationChains) -> None:
    with pytest.raises(LaunchRefused, match="nobody could claim"):
        await launch_on(chains, deadline=At(chains.l2.chain.time))
    assert chains.l1.sent == 0


async def test_another_key_than_the_owners_is_refused(chains: MigrationChains) -> None:
    with pytest.raises(LaunchRefused, match="PHAMigration belongs to"):
        await launch_on(chains, private_key=RELAYER_KEY)


async def test_an_owner_with_too_little_pha_is_refused(chains: MigrationChains) -> None:
    held = chains.pha.read("balanceOf", OWNER)
    chains.pha.transact("transfer", b"\x99" * 20, held - TREE.total + 1, sender=OWNER)

    with pytest.raises(LaunchRefused, match="more of backing, but the owner"):
        await launch_on(chains)
    assert chains.l1.sent == 0


async def test_another_migration_than_the_one_l2_listens_to_is_refused(chains: MigrationChains) -> None:
    with pytest.raises(LaunchRefused, match="takes the launch from"):
        await launch_on(chains, migration=b"\x98" * 20)


async def test_an_address_of_something_else_is_refused(chains: MigrationChains) -> None:
    async with clients(chains) as (l1, _):
        for address in (b"\x98" * 20, chains.pha.address):
            with pytest.raises(ContractMissing, match="no PHAMigration at"):
                await launch(l1, None, TREE, OWNER_KEY, After(DAY), migration=address)


async def test_without_l2_nothing_is_waited_for(chains: MigrationChains) -> None:
    chains.delivers_at_once = False
    async with clients(chains) as (l1, _):
        launched = await launch(l1, None, TREE, OWNER_KEY, After(DAY), migration=chains.migration.address)

    assert not launched.arrived
    assert chains.migration.read("launched") is True


async def test_a_launch_that_does_not_arrive_can_be_waited_for_again(chains: MigrationChains) -> None:
    chains.delivers_at_once = False
    with pytest.raises(LaunchNotArrived, match="run the same command again"):
        await launch_on(chains, arrival_seconds=0.3)

    waiting = asyncio.create_task(launch_on(chains))
    await asyncio.sleep(0)
    chains.deliver()

    assert (await waiting).arrived


@pytest.mark.parametrize("backing_comes_first", [True, False])
async def test_a_launch_has_arrived_when_root_and_backing_have(
    chains: MigrationChains, backing_comes_first: bool
) -> None:
    chains.delivers_at_once = False
    with pytest.raises(LaunchNotArrived):
        await launch_on(chains, arrival_seconds=0.1)
    if not backing_comes_first:
        chains.deposits.reverse()
    chains.deliver(1)

    with pytest.raises(LaunchNotArrived):
        await launch_on(chains, arrival_seconds=0.3)

    chains.deliver()
    assert (await launch_on(chains)).arrived


async def test_what_an_earlier_run_sent_is_waited_for(chains: MigrationChains) -> None:
    chains.l1.held_back[OWNER] = 1

    with pytest.raises(AccountBusy, match="has transactions that were not mined within"):
        await launch_on(chains, timeout_seconds=0.3)
    assert chains.l1.sent == 0


async def test_progress_is_reported(chains: MigrationChains) -> None:
    lines: list[str] = []

    await launch_on(chains, report=lines.append)

    assert any("setting the root" in line for line in lines)
    assert lines[-1] == "L2 shows the root, and 149.000000000000000001 PHA to claim"
