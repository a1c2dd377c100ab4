import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phal2.bridge.whole_files import FileNotWritten
from phal2.devnet.record import (
    DataDirectoryError,
    DevnetRecord,
    discard_unfinished_start,
    read_record,
    write_record,
)
from phal2.devnet.settings import DevnetSettings
from phal2.node.protocol.block_refs import L1BlockRef

SETTINGS = DevnetSettings()
RECORD = DevnetRecord(1_750_000_000, L1BlockRef(b"\x0a" * 32, 1, b"\x0b" * 32, 1_750_000_002))


@pytest.fixture
def record_file(tmp_path: Path) -> Path:
    """The file of a directory that remembers RECORD."""
    write_record(tmp_path, SETTINGS, RECORD)
    return tmp_path / "devnet.json"


def change(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_an_empty_directory_remembers_nothing(tmp_path: Path) -> None:
    assert read_record(tmp_path, SETTINGS) is None


def test_what_was_written_is_read_back(record_file: Path) -> None:
    assert read_record(record_file.parent, SETTINGS) == RECORD
    assert [path.name for path in record_file.parent.iterdir()] == ["devnet.json"]


def test_settings_that_do_not_shape_the_chains_may_differ(record_file: Path) -> None:
    elsewhere = replace(SETTINGS, host="0.0.0.0", l1_port=1, l2_port=2, follower_port=3)  # noqa: S104 - nothing listens

    assert read_record(record_file.parent, elsewhere) == RECORD


@pytest.mark.parametrize(
    ("field", "value", "option"),
    [
        ("l1_block_time", 3, "l1-block-time"),
        ("l2_block_time", 3, "l2-block-time"),
        ("l1_chain_id", 1, "l1-chain-id"),
        ("l2_chain_id", 1, "l2-chain-id"),
        ("account_count", 3, "accounts"),
        ("balance", 1, "balance"),
        ("l1_gas_limit", 10**7, "l1-gas-limit"),
        ("l2_gas_limit", 10**7, "l2-gas-limit"),
        ("owner_claim_delay", 7, "owner-claim-delay"),
        ("mnemonic", "other words", "mnemonic"),
    ],
)
def test_other_settings_are_refused_by_the_name_of_their_option(
    record_file: Path, field: str, value: Any, option: str
) -> None:
    with pytest.raises(DataDirectoryError, match=f"made with --{option} .*, but {value} is asked for"):
        read_record(record_file.parent, replace(SETTINGS, **{field: value}))


def test_another_format_is_refused_with_its_version(record_file: Path) -> None:
    version = json.loads(record_file.read_text())["version"]
    change(record_file, version=version + 1)

    with pytest.raises(DataDirectoryError, match=f"format version {version + 1}, this phal2 reads version {version}"):
        read_record(record_file.parent, SETTINGS)


@pytest.mark.parametrize("text", ["", "{", "\x00", "nonsense", '{"version": 1'])
def test_a_file_that_is_not_json_is_refused(record_file: Path, text: str) -> None:
    record_file.write_text(text)

    with pytest.raises(DataDirectoryError, match="cannot be read"):
        read_record(record_file.parent, SETTINGS)


@pytest.mark.parametrize(
    "fields",
    [
        {"settings": {}},
        {"settings": None},
        {"l1GenesisTime": None},
        {"l1GenesisTime": "soon"},
        {"l1Start": None},
        {"l1Start": {}},
        {"l1Start": {"hash": "zz", "number": 1, "parentHash": "00", "timestamp": 2}},
    ],
)
def test_a_damaged_record_is_refused(record_file: Path, fields: dict[str, Any]) -> None:
    change(record_file, **fields)

    with pytest.raises(DataDirectoryError, match="is damaged"):
        read_record(record_file.parent, SETTINGS)


@pytest.mark.parametrize("document", ["[]", "1", "null", '"text"'])
def test_json_that_is_no_record_is_refused(record_file: Path, document: str) -> None:
    record_file.write_text(document)

    with pytest.raises(DataDirectoryError, match="is damaged"):
        read_record(record_file.parent, SETTINGS)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "devnet.json").mkdir()

    with pytest.raises(DataDirectoryError, match="cannot be read"):
        read_record(tmp_path, SETTINGS)


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotWritten, match="cannot be written"):
        write_record(tmp_path / "missing", SETTINGS, RECORD)


def test_writing_again_replaces_the_whole_record(record_file: Path) -> None:
    later = replace(RECORD, l1_genesis_time=RECORD.l1_genesis_time + 9)
    write_record(record_file.parent, SETTINGS, later)

    assert read_record(record_file.parent, SETTINGS) == later


def test_the_chain_of_a_start_that_did_not_end_is_discarded(tmp_path: Path) -> None:
    l1_path = tmp_path / "l1"
    discard_unfinished_start(tmp_path, l1_path)
    l1_path.mkdir()
    (l1_path / "data").touch()

    discard_unfinished_start(tmp_path, l1_path)

    assert not l1_path.exists()


def test_a_chain_that_no_start_left_is_kept(tmp_path: Path) -> None:
    (tmp_path / "l1").mkdir()

    with pytest.raises(DataDirectoryError, match=r"holds l1 but no devnet\.json"):
        discard_unfinished_start(tmp_path, tmp_path / "l1")
    assert (tmp_path / "l1").exists()
