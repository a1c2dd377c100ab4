from hypothesis import given, settings
from hypothesis import strategies as st
from trie import HexaryTrie

from phal2.node.protocol import rlp
from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.ordered_trie import ordered_trie_root


def root_by_oracle(values: list[bytes]) -> bytes:
    trie = HexaryTrie({}, prune=True)
    for index, value in enumerate(values):
        trie[rlp.encode(rlp.encode_uint(index))] = value
    return bytes(trie.root_hash)


@given(st.lists(st.binary(min_size=1, max_size=100), max_size=40))
@settings(deadline=None)
def test_the_root_is_that_of_the_trie_package(values: list[bytes]) -> None:
    assert ordered_trie_root(values) == root_by_oracle(values)


def test_indices_of_more_than_one_byte_are_right() -> None:
    for count in (127, 128, 129, 256, 257, 300):
        values = [b"value %d" % index for index in range(count)]
        assert ordered_trie_root(values) == root_by_oracle(values)


def test_no_values_give_the_empty_root() -> None:
    assert ordered_trie_root([]) == EMPTY_TRIE_ROOT
