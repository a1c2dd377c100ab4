import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.migration import export as export_module
from phal2.bridge.migration.errors import InvalidExport, StateRootMismatch, StateRootUnavailable
from phal2.bridge.migration.export import parse_export, read_export
from phal2.bridge.migration.state_trie import compute_state_root

STORAGE = {"0x01": "0x", "0x0102": "0xff", "0xabcd": "0x" + "11" * 40}
ENTRIES = {b"\x01": b"", b"\x01\x02": b"\xff", b"\xab\xcd": b"\x11" * 40}
CHILD_KEY = b":child_storage:default:" + b"crowd"


def parse(document: Any) -> export_module.StateExport:
    return parse_export(json.dumps(document).encode())


def specification(top: dict[str, str], children: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": "Test", "genesis": {"raw": {"top": top, "childrenDefault": children or {}}}}


@pytest.mark.parametrize(
    "document",
    [
        specification(STORAGE),
        {"genesis": {"raw": {"top": STORAGE}}},
        [list(pair) for pair in STORAGE.items()],
        {"jsonrpc": "2.0", "id": 1, "result": [list(pair) for pair in STORAGE.items()]},
        STORAGE,
        {key.replace("ab", "AB"): value for key, value in STORAGE.items()},
    ],
    ids=["specification", "specification without children", "pairs", "answer of a node", "object", "upper case"],
)
def test_every_form_of_an_export_gives_the_same_entries(document: Any) -> None:
    assert parse(document).entries == ENTRIES


@given(st.dictionaries(st.binary(min_size=1, max_size=40), st.binary(max_size=40)))
def test_entries_survive_the_way_through_json(entries: dict[bytes, bytes]) -> None:
    document = [[f"0x{key.hex()}", f"0x{value.hex()}"] for key, value in entries.items()]

    assert parse(document).entries == entries


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ('{"0x01": "0x00", "0x01": "0x01"}', "'0x01' occurs twice in one object"),
        ('{"0xab": "0x00", "0xAB": "0x00"}', "'0xAB' occurs twice"),
        ('[["0xab", "0x00"], ["0xAB", "0x00"]]', "'0xAB' occurs twice"),
        ('{"0x0": "0x00"}', "storage key '0x0' is not hex"),
        ('{"0x0g": "0x00"}', "storage key '0x0g' is not hex"),
        ('{"01": "0x00"}', "'01' is not hex: expected text that begins with 0x"),
        ('{"0x": "0x00"}', "has 0 bytes, expected 1 to 4096"),
        ('{"0x01": "0x0 0"}', "the value of storage key '0x01' is not hex"),
        ('{"0x01": "0xé0"}', "the value of storage key '0x01' is not hex"),
        ('{"0x01": null}', "the value of storage key '0x01' is not hex"),
        ('{"0x01": 1}', "the value of storage key '0x01' is not hex"),
        ('[["0x01"]]', "entry 0 of the list is not a pair"),
        ('[{"0x01": "0x00"}]', "entry 0 of the list is not a pair"),
        ('{"genesis": {"runtime": {}}}', "make it so with `build-spec --raw`"),
        ('{"genesis": {"raw": {"top": {}, "childrenOther": {}}}}', "unknown member 'childrenOther'"),
        ('{"genesis": {"raw": {"top": {}, "childrenDefault": []}}}', "is not an object of child tries"),
        ('{"genesis": {"raw": {"top": {}, "childrenDefault": {"0x01": 5}}}}', "child trie '0x01' is not an object"),
        ("7", "expected a raw chain specification"),
        ("{", "not JSON"),
        ("9" * 5000, "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("\ud800", "not UTF-8"),
    ],
)
def test_what_is_no_export_is_refused_with_the_place(document: str, reason: str) -> None:
    with pytest.raises(InvalidExport) as refusal:
        parse_export(document.encode("utf-8", "surrogatepass"))

    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_key_longer_than_any_chain_has_is_refused() -> None:
    with pytest.raises(InvalidExport, match="4097 bytes"):
        parse({"0x" + "00" * 4_097: "0x"})


@given(st.binary(max_size=200))
def test_any_bytes_are_an_export_or_are_refused(content: bytes) -> None:
    with suppress(InvalidExport):
        parse_export(content)


@pytest.mark.parametrize("state_version", [0, 1])
def test_child_tries_enter_the_state_root(state_version: int) -> None:
    # Given a child trie whose value makes the layouts differ
    children = {"0x" + b"crowd".hex(): {"0x07": "0x" + "22" * 50}}
    child_root = compute_state_root({b"\x07": b"\x22" * 50}, state_version)

    root = parse(specification(STORAGE, children)).state_root(state_version)

    assert root == compute_state_root({**ENTRIES, CHILD_KEY: child_root}, state_version)


def test_an_empty_child_trie_leaves_the_state_as_it_is() -> None:
    assert parse(specification(STORAGE, {"0x01": {}})).state_root() == compute_state_root(ENTRIES)


def test_a_child_trie_that_contradicts_the_state_is_refused() -> None:
    children = {"0x" + b"crowd".hex(): {"0x07": "0x22"}}

    with pytest.raises(InvalidExport, match="but the state holds 0x11"):
        parse(specification({**STORAGE, "0x" + CHILD_KEY.hex(): "0x" + "11" * 32}, children))


@pytest.mark.parametrize("state_version", [0, 1])
def test_the_layout_that_gives_the_expected_root_is_found(state_version: int) -> None:
    export = parse(STORAGE)

    assert export.verify_state_root(export.state_root(state_version)) == state_version


def test_another_root_is_refused_with_all_roots_named() -> None:
    export = parse(STORAGE)

    with pytest.raises(StateRootMismatch) as refusal:
        export.verify_state_root(b"\x99" * 32)

    for root in (b"\x99" * 32, export.state_root(0), export.state_root(1)):
        assert root.hex() in str(refusal.value)


def test_a_chosen_layout_is_the_only_one_tried() -> None:
    export = parse(STORAGE)

    with pytest.raises(StateRootMismatch):
        export.verify_state_root(export.state_root(1), state_version=0)


def test_an_export_without_its_runtime_code_is_read_but_has_no_root() -> None:
    export = parse({**STORAGE, "0x" + b":code".hex(): "0x<stripped 447848 bytes>"})

    assert export.entries == ENTRIES
    with pytest.raises(StateRootUnavailable, match="0x3a636f6465"):
        export.state_root()


def test_no_other_value_may_be_left_out() -> None:
    with pytest.raises(InvalidExport, match="'0x01' is not hex"):
        parse({"0x01": "0x<stripped 447848 bytes>"})


def test_the_files_name_is_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    with pytest.raises(InvalidExport, match=r"export\.json cannot be read: No such file"):
        read_export(path)
    path.write_text("{}x")
    with pytest.raises(InvalidExport, match=r"export\.json: not JSON"):
        read_export(path)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_module, "LARGEST_FILE", 10)
    path = tmp_path / "export.json"
    path.write_text(json.dumps(STORAGE))

    with pytest.raises(InvalidExport, match="larger than 10 bytes"):
        read_export(path)
