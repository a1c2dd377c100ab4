import json
from collections.abc import Callable

import pytest
from migration_chains import DAY, OTHER_TREE, OWNER_KEY, TREE, MigrationChains
from migration_commands import Result, run

from phal2.bridge.migration.tree_file import dump_tree
from phal2.node.protocol.addresses import to_checksum_address


class Owner:
    """Runs `launch` with the options that every launch has."""

    def __init__(self, chains: MigrationChains, capsys: pytest.CaptureFixture[str], tree: str, key_file: str) -> None:
        self.chains = chains
        self._capsys = capsys
        self._common = ("--tree", tree, "--private-key-file", key_file)

    async def launch(self, *options: str, with_l2: bool = True) -> Result:
        l2 = ("--l2", self.chains.l2_url) if with_l2 else ()
        return await run(self._capsys, "launch", "--l1", self.chains.l1_url, *l2, *self._common, *options)


@pytest.fixture
def owner(chains: MigrationChains, capsys: pytest.CaptureFixture[str], write_file: Callable[[str, str], str]) -> Owner:
    return Owner(chains, capsys, write_file("tree.json", dump_tree(TREE)), write_file("owner.key", OWNER_KEY.hex()))


async def test_launch_prints_one_json_object(owner: Owner) -> None:
    deadline = owner.chains.l1.chain.time + 100

    result = await owner.launch("--deadline", str(deadline), "--json")

    assert result.code == 0, result.err
    launched = json.loads(result.out)
    assert launched["migration"] == to_checksum_address(owner.chains.migration.address)
    assert launched["root"] == f"0x{TREE.root.hex()}"
    assert launched["total"] == str(TREE.total)
    assert launched["deadline"] == deadline
    assert list(launched["transactions"]) == ["setRoot", "transfer", "launch"]
    assert launched["arrived"] is True


async def test_launch_reports_with_progress_beside_it(owner: Owner) -> None:
    result = await owner.launch("--valid-for", "60")

    assert result.code == 0
    assert f"root          0x{TREE.root.hex()}" in result.out
    assert "arrived: accounts can claim" in result.out
    assert "funding it with 149.000000000000000001 PHA of the owner" in result.err
    assert OWNER_KEY.hex() not in result.out + result.err


async def test_launch_without_l2_needs_the_migrations_address(owner: Owner) -> None:
    address = to_checksum_address(owner.chains.migration.address)

    without = await owner.launch("--valid-for", "60", with_l2=False)
    given = await owner.launch("--valid-for", "60", "--migration", address, "--json", with_l2=False)

    assert without.code == 2
    assert "--migration has to say" in without.err
    assert given.code == 0, given.err
    assert json.loads(given.out)["arrived"] is False


async def test_launch_over_another_root_is_refused_in_one_line(owner: Owner) -> None:
    deadline = owner.chains.l1.chain.time + DAY
    launched = owner.chains.migration
    launched.transact("setRoot", OTHER_TREE.root, OTHER_TREE.total, deadline, sender=launched.read("owner"))

    result = await owner.launch("--valid-for", "60", "--json")

    assert (result.code, result.out) == (1, "")
    assert f"error: PHAMigration on L1 has the root 0x{OTHER_TREE.root.hex()} already" in result.err


@pytest.mark.parametrize("options", [(), ("--valid-for", "60", "--deadline", "1"), ("--valid-for", "soon")])
async def test_a_launch_has_one_deadline(owner: Owner, options: tuple[str, ...]) -> None:
    assert (await owner.launch(*options)).code == 2
