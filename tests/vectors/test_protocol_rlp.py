"""RLP against ethereum/tests."""

import json
from pathlib import Path

import pytest

from phal2.node.protocol import rlp
from phal2.node.protocol.rlp import Item, RlpError


def as_item(value: object) -> Item:
    """Turn the vectors' notation into an item: text, #-prefixed numbers, integers, lists."""
    if isinstance(value, list):
        return [as_item(element) for element in value]
    if isinstance(value, str):
        return rlp.encode_uint(int(value[1:])) if value.startswith("#") else value.encode()
    assert isinstance(value, int)
    return rlp.encode_uint(value)


def load(vectors: Path, name: str) -> dict[str, dict[str, object]]:
    content: dict[str, dict[str, object]] = json.loads((vectors / "ethereum-tests" / "RLPTests" / name).read_text())
    return content


def test_encodings_are_as_given_and_decode_to_the_same_item(vectors: Path) -> None:
    cases = load(vectors, "rlptest.json")
    for name, case in cases.items():
        item, encoded = as_item(case["in"]), bytes.fromhex(str(case["out"]).removeprefix("0x"))
        assert rlp.encode(item) == encoded, name
        assert rlp.decode(encoded) == item, name
    assert len(cases) == 28


def test_invalid_encodings_are_refused(vectors: Path) -> None:
    cases = load(vectors, "invalidRLPTest.json")
    for name, case in cases.items():
        with pytest.raises(RlpError):
            pytest.fail(f"{name} decoded to {rlp.decode(bytes.fromhex(str(case['out']).removeprefix('0x')))!r}")
    assert len(cases) == 26


def test_a_valid_random_encoding_comes_back(vectors: Path) -> None:
    for case in load(vectors, "RandomRLPTests/example.json").values():
        encoded = bytes.fromhex(str(case["out"]).removeprefix("0x"))
        assert rlp.encode(rlp.decode(encoded)) == encoded
