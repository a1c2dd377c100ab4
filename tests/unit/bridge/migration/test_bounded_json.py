import json
import sys

import pytest

from phal2.bridge.migration.bounded_json import parse_json


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":'])
def test_deep_nesting_is_refused_whatever_the_recursion_limit(opening: str) -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 200_000))
    try:
        with pytest.raises(RecursionError):
            parse_json(opening * 150_000)
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.parametrize("text", ["", "[1", "NaN", "[1e999]", '"\\ud800"', "[1] 2", "{1: 2}"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_what_is_json_is_read_with_the_hooks() -> None:
    text = json.dumps({"a": [1, 2**200, "x"], "b": None})

    assert parse_json(text) == {"a": [1, 2**200, "x"], "b": None}
    assert parse_json(text, parse_int=str, object_pairs_hook=list) == [("a", ["1", str(2**200), "x"]), ("b", None)]
