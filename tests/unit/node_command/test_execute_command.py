"""`phal2 execute`: blocks of every fork from files in every spelling, and files that are refused in one line."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from header_json import header_json
from small_blocks import CHAIN_ID, FORK_NAMES, GENESIS_TIME, SmallBlock, small_block

from phal2.devnet.command.main import main
from phal2.node.command import execute_block
from phal2.node.protocol.headers import header_hash
from phal2.node.protocol.keccak import keccak256

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def block() -> SmallBlock:
    return small_block()


def execute(tmp_path: Path, content: object, compress: bool = True) -> int:
    """Run the command on a file of `content`, which is a document unless it is bytes."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    path = tmp_path / ("block.json.gz" if compress else "block.json")
    path.write_bytes(gzip.compress(raw) if compress else raw)
    return main(["execute", str(path)])


def result(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return what the command printed: one line of JSON, and nothing beside it."""
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.count("\n") == 1
    document: dict[str, Any] = json.loads(printed.out)
    return document


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that says why the command could do nothing."""
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"phal2: error: [^\n]*\n", printed.err)
    return printed.err


@pytest.mark.parametrize("fork", FORK_NAMES)
def test_a_block_of_any_fork_is_executed_to_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fork: str
) -> None:
    block = small_block(fork)

    assert execute(tmp_path, block.document()) == 0
    expected = "0x" + block.hash.hex()
    assert result(capsys) == {
        "number": 4,
        "blockHash": expected,
        "expected": expected,
        "match": True,
        "gasUsed": block.gas_used,
    }


def test_another_hash_is_told_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], block: SmallBlock
) -> None:
    assert execute(tmp_path, block.document() | {"expected_block_hash": "0x" + "ab" * 32}) == 1
    told = result(capsys)
    assert (told["match"], told["blockHash"], told["expected"]) == (False, "0x" + block.hash.hex(), "0x" + "ab" * 32)


def in_snake_case(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower(): in_snake_case(part) for name, part in value.items()}


def in_camel_case(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"_([a-z])", lambda match: match[1].upper(), name): in_camel_case(part) for name, part in value.items()
    }


def as_numbers(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with JSON integers where it has short hex strings."""

    def number(value: Any) -> Any:
        return int(value, 16) if isinstance(value, str) and value.startswith("0x") and len(value) < 18 else value

    fields = ("parent_header", "executing_payload")
    keep = ("extraData", "eip1559Params", "nonce")
    return document | {
        part: {name: value if name in keep else number(value) for name, value in document[part].items()}
        for part in fields
    }


def without_nulls(document: dict[str, Any]) -> dict[str, Any]:
    return {
        part: {name: value for name, value in fields.items() if value is not None}
        if isinstance(fields, dict)
        else fields
        for part, fields in document.items()
    }


def with_hex_times(document: dict[str, Any]) -> dict[str, Any]:
    config = document["rollup_config"]
    return document | {
        "rollup_config": {name: hex(value) if isinstance(value, int) else value for name, value in config.items()}
    }


def with_prefixed_preimages(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"preimages": {"0x" + name: value[2:] for name, value in document["preimages"].items()}}


def with_unknown_fields(document: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value | {"surprise": [1]} if isinstance(value, dict) and name != "preimages" else value
        for name, value in document.items()
    } | {"source": "elsewhere"}


def with_later_forks(document: dict[str, Any]) -> dict[str, Any]:
    later = {"jovian_time": GENESIS_TIME + 3, "interop_time": GENESIS_TIME + 3, "karst_time": None}
    return document | {"rollup_config": document["rollup_config"] | later}


def with_the_latest_fork_only(document: dict[str, Any]) -> dict[str, Any]:
    return document | {"rollup_config": {"l2_chain_id": CHAIN_ID, "isthmus_time": 0}}


def with_parameters_in_full(document: dict[str, Any]) -> dict[str, Any]:
    parameters = {"eip1559Elasticity": 6, "eip1559Denominator": 50, "eip1559DenominatorCanyon": 250}
    return document | {"rollup_config": document["rollup_config"] | {"chain_op_config": parameters}}


@pytest.mark.parametrize(
    "spelled",
    [
        in_snake_case,
        in_camel_case,
        as_numbers,
        without_nulls,
        with_hex_times,
        with_prefixed_preimages,
        with_unknown_fields,
        with_later_forks,
        with_the_latest_fork_only,
        with_parameters_in_full,
    ],
)
@pytest.mark.parametrize("compress", [True, False])
def test_the_same_block_is_read_in_every_spelling(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    block: SmallBlock,
    spelled: Callable[[dict[str, Any]], dict[str, Any]],
    compress: bool,
) -> None:
    assert execute(tmp_path, spelled(block.document()), compress) == 0
    assert result(capsys)["match"] is True


def test_konas_names_of_chains_are_known(tmp_path: Path, capsys: pytest.CaptureFixture[str], block: SmallBlock) -> None:
    document = block.document()
    document["rollup_config"]["l2_chain_id"] = "optimism-sepolia"

    assert execute(tmp_path, document) == 1
    # The block is read, and its transactions are signed for another chain.
    assert "transaction 1 of the payload is invalid: invalid chain id" in refusal(capsys)


def test_a_parent_may_come_with_its_hash(tmp_path: Path, block: SmallBlock) -> None:
    document = block.document()
    document["parent_header"] = header_json(block.parent) | {"hash": "0x" + header_hash(block.parent).hex()}

    assert execute(tmp_path, document) == 0


def change(part: str, **fields: Any) -> Change:
    def apply(document: dict[str, Any]) -> None:
        document[part] = document[part] | fields

    return apply


def drop(part: str, name: str) -> Change:
    return lambda document: document[part].pop(name)


@pytest.mark.parametrize(
    ("altered", "reason"),
    [
        (change("rollup_config", l2_chain_id="atlantis"), "rollup_config.l2_chain_id is 'atlantis'"),
        (change("rollup_config", isthmus_time="soon"), "rollup_config.isthmus_time is 'soon'"),
        (change("rollup_config", jovian_time=0), "under the fork JOVIAN"),
        (change("rollup_config", karst_time=0), "rollup_config.karst_time is 0, so the block of 1750000002 is under"),
        (change("rollup_config", chain_op_config={"eip1559Elasticity": 0}), "expected at least 1"),
        (change("rollup_config", isthmusTime=7), "there twice with different values"),
        (change("parent_header", stateRoot="0x00"), "parent_header.stateRoot is '0x00', expected 0x and 64 hex digits"),
        (change("parent_header", gasUsed="many"), "parent_header.gasUsed is 'many'"),
        (change("parent_header", gasUsed=-1), "parent_header.gasUsed is -1"),
        (change("parent_header", gasUsed=True), "parent_header.gasUsed is True"),
        (change("parent_header", gasUsed=1.5), "parent_header.gasUsed is 1.5"),
        (change("parent_header", hash="0x" + "00" * 32), "which is the hash of the other fields"),
        (change("parent_header", timestamp=hex(GENESIS_TIME + 2)), "a time before executing_payload.timestamp"),
        (change("parent_header", extraData="0x"), "extraData 0x: Holocene expects 9 bytes"),
        (
            change("parent_header", baseFeePerGas="0x" + "ff" * 32, gasUsed=30_000_000),
            "has 257 bits, more than the 256",
        ),
        (drop("parent_header", "miner"), "parent_header.miner is missing"),
        (drop("executing_payload", "gasLimit"), "executing_payload.gasLimit is missing"),
        (drop("executing_payload", "eip1559Params"), "executing_payload.eip1559Params is missing"),
        (drop("executing_payload", "parentBeaconBlockRoot"), "executing_payload.parentBeaconBlockRoot is missing"),
        (drop("executing_payload", "transactions"), "executing_payload.transactions is None"),
        (change("executing_payload", transactions=["0x7e", 5]), "executing_payload.transactions.1 is 5"),
        (change("executing_payload", transactions=["0x05"]), "transaction 0 of the payload is invalid"),
        (change("executing_payload", withdrawals=[{"index": "0x0"}]), "L2 has no validators"),
        (change("executing_payload", eip1559Params="0x0000000000000006"), "a denominator"),
        (change("preimages", **{"zz" * 32: "0x"}), "is no hash"),
        (change("preimages", ab="0x"), "is no hash"),
        (change("preimages", **{"ab" * 32: "0xa"}), "two hex digits a byte"),
        (change("preimages", **{"ab" * 32: "0x 0a"}), "two hex digits a byte"),
        (change("preimages", **{"ab" * 32: None}), "two hex digits a byte"),
        (lambda document: document.pop("preimages"), "preimages is missing"),
        (lambda document: document.pop("parent_header"), "parent_header is missing"),
        (lambda document: document.pop("expected_block_hash"), "expected_block_hash is missing"),
        (lambda document: document.update(rollup_config=[]), "rollup_config is missing or no object"),
    ],
)
def test_wrong_values_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], block: SmallBlock, altered: Change, reason: str
) -> None:
    document = block.document()
    altered(document)

    assert execute(tmp_path, document) == 1
    assert reason in refusal(capsys)


def test_every_preimage_is_held_against_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], block: SmallBlock
) -> None:
    document = block.document()
    document["preimages"]["ab" * 32] = "0x01"

    assert execute(tmp_path, document) == 1
    assert f"the preimage of 0x{'ab' * 32} has the Keccak-256 0x{keccak256(bytes([1])).hex()}" in refusal(capsys)


def test_a_preimage_that_is_missing_is_named_or_not_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], block: SmallBlock
) -> None:
    kinds = []
    for missing in block.preimages:
        document = block.document()
        del document["preimages"][missing.hex()]

        if execute(tmp_path, document) == 0:
            assert result(capsys)["match"] is True
            continue
        named = re.search(
            f"the witness has no preimage of 0x{missing.hex()}, a (.+) that the block needs", refusal(capsys)
        )
        assert named is not None
        kinds.append(named[1])
    assert set(kinds) == {"trie node", "contract's code", "block header"}
    assert len(kinds) > len(block.preimages) // 2


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[]", "the document is missing or no object"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "is not JSON"),
        (b'{"preimages": {}, "preimages": {}}', "preimages is there twice in one object"),
    ],
)
@pytest.mark.parametrize("compress", [True, False])
def test_what_is_no_fixture_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], raw: bytes, reason: str, compress: bool
) -> None:
    assert execute(tmp_path, raw, compress) == 1
    assert reason in refusal(capsys)


def test_a_file_that_grows_beyond_the_limit_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute_block, "LONGEST_FIXTURE", 1_000_000)

    assert execute(tmp_path, b" " * 2_000_000) == 1
    assert "decompresses to more than 1000000 bytes" in refusal(capsys)


def test_a_missing_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["execute", str(tmp_path / "nothing.json.gz")]) == 1
    assert "nothing.json.gz: cannot be read: No such file or directory" in refusal(capsys)


@pytest.mark.parametrize("arguments", [[], ["one", "two"], ["--fast", "one"]])
def test_bad_usage_has_exit_code_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["execute", *arguments])

    assert end.value.code == 2
    assert "usage: phal2" in capsys.readouterr().err


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["execute", "--help"])

    assert end.value.code == 0
    text = capsys.readouterr().out
    for taught in ("parent_header", "preimages", "expected_block_hash", "phal2 execute block-", "exit codes"):
        assert taught in text
