import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.bridge.migration.state_trie import compute_state_root

# Keys that begin one another, partial keys of more nibbles than each kind of header counts in one byte, and values on
# both sides of 32 bytes.
ENTRIES = {
    b"phal2": b"a" * 33,
    b"phal2/long": b"b" * 32,
    b"phal": b"c" * 40,
    b"p" * 40: b"d" * 200,
    bytes(range(200)): b"e" * 64,
    b"q" * 9 + b"x": b"f" * 33,
    b"q" * 9 + b"y": b"g" * 33,
    b"q" * 9: b"h" * 33,
    b"r" * 20: b"i" * 33,
    b"r" * 20 + b"s": b"j",
    b"r" * 20 + b"t": b"k" * 70,
}

storage = st.dictionaries(
    st.binary(min_size=1, max_size=6) | st.lists(st.sampled_from([b"a", b"b", b"ab" * 20]), min_size=1).map(b"".join),
    st.binary(max_size=70),
    max_size=12,
)


# Computed from ENTRIES by smoldot, a light client in Rust (calculate_state_root of the npm package
# @acala-network/chopsticks-executor 1.5.1).
@pytest.mark.parametrize(
    ("state_version", "root"),
    [
        (0, "fa5ce3b6e1b3447b244b2042c24a4432e77d82143e40a017e468ace107a67ea2"),
        (1, "2b725056382e945e2e93a43e99adc8740d9c88c0af1e040c5b91900b2e9b0430"),
    ],
)
def test_the_root_is_that_of_another_implementation(state_version: int, root: str) -> None:
    assert compute_state_root(ENTRIES, state_version).hex() == root


@pytest.mark.parametrize("state_version", [0, 1])
def test_the_root_of_no_entries_is_the_hash_of_a_zero_byte(state_version: int) -> None:
    root = compute_state_root({}, state_version)

    assert root.hex() == "03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314"


@given(storage, st.randoms(use_true_random=False), st.sampled_from([0, 1]))
def test_the_order_of_entries_does_not_matter(entries: dict[bytes, bytes], random, state_version: int) -> None:
    shuffled = list(entries.items())
    random.shuffle(shuffled)

    assert compute_state_root(dict(shuffled), state_version) == compute_state_root(entries, state_version)


@given(storage.filter(bool), st.data(), st.sampled_from([0, 1]))
def test_any_changed_value_changes_the_root(
    entries: dict[bytes, bytes], data: st.DataObject, state_version: int
) -> None:
    key = data.draw(st.sampled_from(sorted(entries)))
    value = data.draw(st.binary(max_size=70).filter(lambda value: value != entries[key]))

    changed = compute_state_root({**entries, key: value}, state_version)

    assert changed != compute_state_root(entries, state_version)


@given(storage.filter(bool), st.data(), st.sampled_from([0, 1]))
def test_any_missing_entry_changes_the_root(
    entries: dict[bytes, bytes], data: st.DataObject, state_version: int
) -> None:
    key = data.draw(st.sampled_from(sorted(entries)))
    rest = {other: value for other, value in entries.items() if other != key}

    assert compute_state_root(rest, state_version) != compute_state_root(entries, state_version)


@given(st.dictionaries(st.binary(min_size=1, max_size=6), st.binary(max_size=32), max_size=12))
def test_the_layouts_agree_on_values_of_at_most_32_bytes(entries: dict[bytes, bytes]) -> None:
    assert compute_state_root(entries, 0) == compute_state_root(entries, 1)


def test_a_trie_as_deep_as_keys_are_long_costs_no_recursion() -> None:
    # Given 4,000 keys each of which begins the next
    entries = {b"k" * length: b"v" for length in range(1, 4_001)}

    assert len(compute_state_root(entries)) == 32


def test_an_unknown_layout_version_is_refused() -> None:
    with pytest.raises(ValueError, match="got 2"):
        compute_state_root({}, 2)
