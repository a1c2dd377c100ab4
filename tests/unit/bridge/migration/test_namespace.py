from collections.abc import Callable

import pytest
from migration_chains import ALICE, MULTISIG, PHA, TREE, MigrationChains
from migration_commands import run

from phal2.bridge.migration.errors import InvalidAccount, UnknownLeaf
from phal2.bridge.migration.namespace import MigrationNamespace, TreeNotLoaded
from phal2.bridge.migration.ss58 import encode_address
from phal2.bridge.migration.tree import verify_proof
from phal2.bridge.migration.tree_file import dump_tree
from phal2.node.attestation.account_secrets import account_of


def namespace_of(chains: MigrationChains, *, with_tree: bool = True) -> MigrationNamespace:
    async def call(to: bytes, call_data: bytes) -> bytes:
        return chains.l2.chain.transact(to, call_data, sender=bytes(20)).output

    return MigrationNamespace(TREE if with_tree else None, call)


async def test_status_is_zero_before_the_launch(chains: MigrationChains) -> None:
    status = await namespace_of(chains).status()

    zero = {"total": "0x0", "claimed": "0x0", "deadline": "0x0", "backing": "0x0"}
    assert status == {"root": "0x" + "00" * 32} | zero


async def test_status_after_the_launch(chains: MigrationChains) -> None:
    chains.launch(valid_for=77)

    assert await namespace_of(chains, with_tree=False).status() == {
        "root": f"0x{TREE.root.hex()}",
        "total": hex(TREE.total),
        "claimed": "0x0",
        "deadline": hex(chains.l1.chain.time + 77),
        "backing": hex(TREE.total),
    }


@pytest.mark.parametrize("write", [lambda account: f"0x{account.hex()}", encode_address])
async def test_a_leaf_has_all_that_a_claim_needs(chains: MigrationChains, write: Callable[[bytes], str]) -> None:
    chains.launch()

    leaf = await namespace_of(chains).get_leaf(write(MULTISIG))

    assert (leaf["accountId"], leaf["claimed"]) == (f"0x{MULTISIG.hex()}", False)
    assert (leaf["free"], leaf["staked"]) == (hex(100 * PHA), hex(23 * PHA))
    proof = [bytes.fromhex(sibling[2:]) for sibling in leaf["proof"]]
    assert verify_proof(TREE.root, TREE.leaf(MULTISIG), proof)


async def test_a_leaf_says_that_it_was_claimed(
    chains: MigrationChains, capsys: pytest.CaptureFixture[str], write_file: Callable[[str, str], str]
) -> None:
    chains.launch()
    tree, secret = write_file("tree.json", dump_tree(TREE)), write_file("seed", ALICE.secret.hex())
    words = ("--tree", tree, "--secret", secret, "--receiver", f"0x{'12' * 20}", "--private-key", "11" * 32)
    await run(capsys, "claim", "--l2", chains.l2_url, *words)

    leaf = await namespace_of(chains).get_leaf(encode_address(account_of(ALICE)))

    assert leaf["claimed"] is True


async def test_leaves_need_a_tree(chains: MigrationChains) -> None:
    with pytest.raises(TreeNotLoaded, match="--migration-tree FILE"):
        await namespace_of(chains, with_tree=False).get_leaf(f"0x{MULTISIG.hex()}")


async def test_an_account_without_a_leaf_is_refused(chains: MigrationChains) -> None:
    with pytest.raises(UnknownLeaf, match="has no leaf"):
        await namespace_of(chains).get_leaf(f"0x{'00' * 32}")


@pytest.mark.parametrize("account", ["", "0x1234", "5Grw", 7, None, ["5Grw"]])
async def test_what_is_no_account_is_refused(chains: MigrationChains, account: str) -> None:
    with pytest.raises(InvalidAccount):
        await namespace_of(chains).get_leaf(account)


def test_the_methods_have_their_json_rpc_names(chains: MigrationChains) -> None:
    namespace = namespace_of(chains)

    assert namespace.methods() == {"migration_status": namespace.status, "migration_getLeaf": namespace.get_leaf}
