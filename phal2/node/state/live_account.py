"""An account while a block works on it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import EMPTY_KECCAK
from phal2.node.state.accounts import StoredAccount
from phal2.node.state.trie import EMPTY_ROOT, TrieRoot

_NO_WORDS: Final[Mapping[int, int]] = MappingProxyType({})
_NO_SLOTS: Final[frozenset[int]] = frozenset()


class LiveAccount:
    """The fields of an account as they are now, and what is known of its storage.

    `trie` is its storage trie as the block found it, `words` has the words read or written since, `written` the slots
    that may differ from it. Most accounts have no storage, so both are made when there is something for them.
    """

    __slots__ = ("balance", "code_hash", "nonce", "trie", "words", "written")

    words: Mapping[int, int]
    written: frozenset[int] | set[int]

    def __init__(self, stored: StoredAccount, storage_location: int = 0) -> None:
        self.nonce, self.balance, storage_root, self.code_hash = stored
        self.trie = EMPTY_ROOT if storage_root == EMPTY_TRIE_ROOT else TrieRoot(storage_root, storage_location)
        self.words = _NO_WORDS
        self.written = _NO_SLOTS

    def is_empty(self) -> bool:
        """Tell whether the account has no nonce, no balance and no code (EIP-161)."""
        return not self.nonce and not self.balance and self.code_hash == EMPTY_KECCAK

    def know(self, slot: int, word: int) -> None:
        """Note a word of the storage."""
        words = self.words
        if type(words) is dict:
            words[slot] = word
        else:
            self.words = {slot: word}

    def write(self, slot: int, word: int) -> None:
        """Change a word of the storage, or change it back."""
        self.know(slot, word)
        written = self.written
        if type(written) is set:
            written.add(slot)
        else:
            self.written = {slot}
