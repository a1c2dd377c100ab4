import argparse
import asyncio
import json
from pathlib import Path

import pytest
from substrate_node import SubstrateNode
from substrate_state import ALICE, BOB, TREASURY, account_value, storage_of

from phal2.bridge.migration.command import add_migration_parser
from phal2.bridge.migration.export import parse_export
from phal2.bridge.migration.tree_file import read_tree

STORAGE = storage_of(
    {ALICE: account_value(7 * 10**12, 5 * 10**11), BOB: account_value(10**12), TREASURY: account_value(2 * 10**12)},
    issuance=105 * 10**11,
)
STATE_ROOT = f"0x{parse_export(json.dumps(STORAGE).encode()).state_root().hex()}"


@pytest.fixture
def export(tmp_path: Path) -> str:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(STORAGE))
    return str(path)


def run(*words: str) -> int:
    """Run `phal2 migration …` and return its exit code."""
    parser = argparse.ArgumentParser("phal2")
    add_migration_parser(parser.add_subparsers(required=True))
    try:
        arguments = parser.parse_args(["migration", *words])
        code = arguments.run(arguments)
    except SystemExit as end:
        code = end.code
    assert isinstance(code, int)
    return code


def test_snapshot_prints_one_json_object(export: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("snapshot", export, "--state-root", STATE_ROOT, "--json") == 0

    captured = capsys.readouterr()
    published = json.loads(captured.out)
    assert captured.err == ""
    assert published["stateRoot"] == STATE_ROOT
    assert published["accounts"] == 3
    assert published["issuance"] == "10500000000000000000"
    assert published["total"] == "8500000000000000000"
    assert published["reserved"] == "500000000000000000"
    assert published["excluded"] == {"modl": "2000000000000000000", "sibl": "0", "para": "0", "forgeable": "0"}


def test_snapshot_prints_a_report(export: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("snapshot", export, "--prefix", "42") == 0

    report = capsys.readouterr().out
    assert f"{STATE_ROOT} (trie layout version 0); compare it with the block's header" in report
    assert "8.5 PHA by 2 accounts" in report
    assert "5EYCAe5ijiYfyeZ2JJCGq56LmPyNRAKzpG4QkoQkkQNB5e6Z  modl  2 PHA" in report


def test_snapshot_says_that_the_root_is_as_expected(export: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("snapshot", export, "--state-root", STATE_ROOT) == 0

    assert "as expected" in capsys.readouterr().out


def test_snapshot_refuses_another_root_with_both_printed(export: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("snapshot", export, "--state-root", "0x" + "ab" * 32, "--json") == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert STATE_ROOT in captured.err
    assert "0x" + "ab" * 32 in captured.err


def test_snapshot_writes_the_json_object(export: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("snapshot", export, "--json", "--out", str(tmp_path / "snapshot.json")) == 0

    assert json.loads((tmp_path / "snapshot.json").read_text()) == json.loads(capsys.readouterr().out)


def test_stakes_and_differences_are_taken_from_the_arguments(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "export.json").write_text(
        json.dumps(storage_of({ALICE: account_value(5), TREASURY: account_value(9)}, 13))
    )
    (tmp_path / "stakes.csv").write_text(f"account,staked\n0x{ALICE.hex()},4\n")

    code = run(
        "snapshot",
        str(tmp_path / "export.json"),
        *("--staked", str(tmp_path / "stakes.csv"), "--issuance-difference=-1", "--json"),
    )

    published = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (published["total"], published["staked"], published["difference"]) == ("9000000", "4000000", "-1000000")
    assert published["excluded"]["modl"] == "5000000"


def test_tree_writes_a_tree_that_loads(export: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tree.json"

    assert run("tree", export, "--state-root", STATE_ROOT, "--out", str(path), "--json") == 0

    tree = read_tree(path)
    assert [leaf.account_id for leaf in tree.leaves] == [BOB, ALICE]
    assert json.loads(capsys.readouterr().out) == {
        "root": f"0x{tree.root.hex()}",
        "total": "8500000000000000000",
        "leaves": 2,
        "stateRoot": STATE_ROOT,
    }


def test_tree_prints_root_and_total(export: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tree.json"

    assert run("tree", export, "--out", str(path)) == 0

    report = capsys.readouterr().out
    assert f"0x{read_tree(path).root.hex()}" in report
    assert "8500000000000000000 (8.5 PHA)" in report


@pytest.mark.parametrize(
    "words",
    [
        ["snapshot"],
        ["snapshot", "export.json", "--from-node", "http://127.0.0.1"],
        ["snapshot", "export.json", "--at", "0x" + "00" * 32],
        ["snapshot", "export.json", "--save-export", "copy.json"],
        ["snapshot", "export.json", "--state-root", "0x12"],
        ["snapshot", "export.json", "--prefix", "16384"],
        ["snapshot", "export.json", "--prefix", "-1"],
        ["snapshot", "export.json", "--state-version", "2"],
        ["snapshot", "export.json", "--issuance-difference", "1.5"],
        ["tree", "export.json"],
        ["sideways"],
        [],
    ],
)
def test_bad_usage_gives_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage: " in captured.err


@pytest.mark.parametrize("command", ["snapshot", "tree"])
def test_help_explains_the_forms_of_an_export(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "--help") == 0

    assert "state_getPairs" in capsys.readouterr().out


def test_files_that_cannot_be_read_or_written_are_one_line(
    export: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing" / "file")
    for words in (["snapshot", missing], ["snapshot", export, "--staked", missing], ["tree", export, "--out", missing]):
        assert run(*words) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith(f"error: {missing} cannot be")
        assert captured.err.count("\n") == 1


def test_what_is_read_is_not_overwritten(export: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path(export).read_bytes()

    for command in ("snapshot", "tree"):
        assert run(command, export, "--out", str(Path(export).parent / "." / Path(export).name)) == 2

    assert "is named twice, and would be overwritten" in capsys.readouterr().err
    assert Path(export).read_bytes() == before


def test_a_tree_goes_into_a_pipe_as_well(export: str) -> None:
    assert run("tree", export, "--out", "/dev/null") == 0

    assert Path("/dev/null").is_char_device()


async def test_a_nodes_state_can_be_kept_as_an_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept.json"

    node = SubstrateNode(STORAGE)
    async with node.serve() as url:
        words = ["snapshot", "--from-node", url, "--at", node.block_hash, "--save-export", str(kept), "--json"]
        assert await asyncio.to_thread(run, *words) == 0

    from_node = capsys.readouterr().out
    assert run("snapshot", str(kept), "--state-root", STATE_ROOT, "--json") == 0
    assert capsys.readouterr().out == from_node


async def test_a_node_whose_state_is_not_that_of_its_header_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = SubstrateNode(STORAGE)
    node.storage = storage_of({ALICE: account_value(1)}, issuance=1)
    kept = tmp_path / "kept.json"

    async with node.serve() as url:
        assert await asyncio.to_thread(run, "snapshot", "--from-node", url, "--save-export", str(kept)) == 1

    assert f"but {STATE_ROOT} was expected" in capsys.readouterr().err
    assert not kept.exists()


async def test_a_node_at_another_block_than_the_expected_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    async with SubstrateNode(STORAGE).serve() as url:
        words = ["snapshot", "--from-node", url, "--state-root", "0x" + "ab" * 32]
        assert await asyncio.to_thread(run, *words) == 1

    assert "choose the block with --at" in capsys.readouterr().err
