"""The state that a block works on: accounts and storage over the parent's tries, with a journal of changes.

Everything an instruction can change goes through the journal, what lives for one transaction only included (warm
addresses, transient storage, logs, self-destructions), so that a reverted call leaves no trace. Tries are touched
when values are first read, and by `commit`.
"""

from collections.abc import Iterable
from typing import Any, Final

from phal2.node.protocol.headers import EMPTY_TRIE_ROOT
from phal2.node.protocol.keccak import EMPTY_KECCAK, keccak256
from phal2.node.protocol.receipts import Log
from phal2.node.state.accounts import (
    StoredAccount,
    account_key,
    decode_account,
    decode_storage_value,
    encode_account,
    encode_storage_value,
    storage_key,
)
from phal2.node.state.database import MissingCode, StateDatabase, StateUpdate, first_location
from phal2.node.state.live_account import LiveAccount
from phal2.node.state.node_changes import NodeChanges
from phal2.node.state.trie import TrieReader, TrieRoot
from phal2.node.state.trie_update import update_trie

_ABSENT: Final = StoredAccount(0, 0)
_UNSTORED: Final = 1  # a location below those of all commits, for nodes that nobody will store


class WorldState:
    """Journalled accounts, storage and transaction scope over the state under `state_root`.

    Reads raise `MissingNode` or `MissingCode` where the database lacks what they need. Amounts are in wei, addresses
    have 20 bytes, slots and words are integers below 2^256.
    """

    def __init__(
        self,
        database: StateDatabase,
        state_root: bytes,
        reader: TrieReader | None = None,
        block_hash: bytes | None = None,
    ) -> None:
        """Raise `MissingNode` where the database does not have the state. A used `reader` of it saves reading again.

        `block_hash` says whose state it is, for where what is committed will be stored and others have an equal one.
        """
        self._database = database
        self._reader = TrieReader(database) if reader is None else reader
        self._root = self._reader.root(state_root, block_hash)
        # Storage tries that the removal of their accounts leaves behind.
        self._left_tries: list[TrieRoot] = []
        self._accounts: dict[bytes, LiveAccount | None] = {}
        self._changed: set[bytes] = set()
        self._codes: dict[bytes, bytes] = {EMPTY_KECCAK: b""}
        self._new_codes: dict[bytes, bytes] = {}
        self._journal: list[tuple[Any, ...]] = []
        self._start_transaction_scope()

    # Snapshots

    def snapshot(self) -> int:
        """Return a mark to which `revert` can go back until the transaction ends."""
        return len(self._journal)

    def revert(self, snapshot: int) -> None:
        """Take back every change made since `snapshot`."""
        journal = self._journal
        while len(journal) > snapshot:
            undo, *arguments = journal.pop()
            undo(*arguments)

    def discard_transaction(self) -> None:
        """Take back the whole transaction; what it read is still known."""
        self.revert(0)
        self._start_transaction_scope()

    # Accounts

    def exists(self, address: bytes) -> bool:
        """Tell whether the state has an entry for the account."""
        return self._account(address) is not None

    def is_empty(self, address: bytes) -> bool:
        """Tell whether the account is absent, or has no nonce, no balance and no code (EIP-161)."""
        account = self._account(address)
        return account is None or account.is_empty()

    def balance(self, address: bytes) -> int:
        """Return the balance, 0 where there is no account."""
        account = self._accounts.get(address) or self._account(address)
        return 0 if account is None else account.balance

    def nonce(self, address: bytes) -> int:
        """Return the nonce, 0 where there is no account."""
        account = self._accounts.get(address) or self._account(address)
        return 0 if account is None else account.nonce

    def code_hash(self, address: bytes) -> bytes:
        """Return the hash of the code, the hash of nothing where there is no account."""
        account = self._accounts.get(address) or self._account(address)
        return EMPTY_KECCAK if account is None else account.code_hash

    def code(self, address: bytes) -> bytes:
        """Return the code, empty where there is none."""
        account = self._account(address)
        if account is None or account.code_hash == EMPTY_KECCAK:
            return b""
        return self._code_by_hash(account.code_hash)

    def has_storage(self, address: bytes) -> bool:
        """Tell whether any word of the account's storage was not 0 when the block began, or has been written since."""
        account = self._account(address)
        return account is not None and (account.trie.hash != EMPTY_TRIE_ROOT or any(account.words.values()))

    def set_balance(self, address: bytes, balance: int) -> None:
        """Set the balance; an account that is not there is made, unless the balance is 0."""
        account = self._account(address)
        if account is None:
            if not balance:
                return
            account = self._create(address)
        self._put_balance(address, account, balance)

    def add_balance(self, address: bytes, amount: int) -> None:
        """Add `amount`, which may be negative, to the balance; adding 0 touches the account."""
        if not amount:
            self.touch(address)
            return
        account = self._accounts.get(address) or self._account(address) or self._create(address)
        before = account.balance
        self._journal.append((setattr, account, "balance", before))
        self._changed.add(address)
        account.balance = before + amount
        if before == -amount:
            self.touch(address)

    def set_nonce(self, address: bytes, nonce: int) -> None:
        """Set the nonce, and make the account where it is not there."""
        account = self._account(address) or self._create(address)
        self._journal.append((setattr, account, "nonce", account.nonce))
        self._changed.add(address)
        account.nonce = nonce

    def increment_nonce(self, address: bytes) -> None:
        """Add 1 to the nonce."""
        self.set_nonce(address, self.nonce(address) + 1)

    def set_code(self, address: bytes, code: bytes) -> None:
        """Set the code, and make the account where it is not there."""
        account = self._account(address) or self._create(address)
        code_hash = keccak256(code)
        self._journal.append((setattr, account, "code_hash", account.code_hash))
        self._changed.add(address)
        account.code_hash = code_hash
        if code_hash not in self._codes:
            self._codes[code_hash] = code
            self._new_codes[code_hash] = code

    def touch(self, address: bytes) -> None:
        """Mark an account for deletion at the end of the transaction should it be empty then (EIP-161)."""
        if address not in self._touched:
            self._journal.append((self._touched.discard, address))
            self._touched.add(address)

    # Storage

    def storage(self, address: bytes, slot: int) -> int:
        """Return a word of the account's storage."""
        account = self._account(address)
        if account is None:
            return 0
        value = account.words.get(slot)
        if value is None:
            value = decode_storage_value(self._reader.get(account.trie, storage_key(slot)))
            account.know(slot, value)
        return value

    def original_storage(self, address: bytes, slot: int) -> int:
        """Return the word as it was when the transaction began (EIP-2200)."""
        value = self._original_storage.get((address, slot))
        return self.storage(address, slot) if value is None else value

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Set a word of the account's storage; the account must be there, or is made."""
        present = self.storage(address, slot)
        if present == value:
            return
        account = self._account(address) or self._create(address)
        self._original_storage.setdefault((address, slot), present)
        self._journal.append((account.write, slot, present))
        account.write(slot, value)
        self._changed.add(address)

    def transient_storage(self, address: bytes, slot: int) -> bytes:
        """Return a word of the transient storage (EIP-1153) as it was set, empty for 0."""
        return self._transient_storage.get((address, slot), b"")

    def set_transient_storage(self, address: bytes, slot: int, value: bytes) -> None:
        """Set a word of the transient storage, big-endian of at most 32 bytes."""
        key = (address, slot)
        self._journal.append((self._transient_storage.__setitem__, key, self._transient_storage.get(key, b"")))
        self._transient_storage[key] = value

    # Transaction scope

    def is_warm_address(self, address: bytes) -> bool:
        """Tell whether the transaction has accessed the address before (EIP-2929)."""
        return address in self._warm_addresses

    def warm_address(self, address: bytes) -> None:
        """Note an access to the address."""
        if address not in self._warm_addresses:
            self._journal.append((self._warm_addresses.discard, address))
            self._warm_addresses.add(address)

    def warm_from_start(self, addresses: Iterable[bytes]) -> None:
        """Note addresses that are warm in the whole transaction, whatever is reverted."""
        self._warm_addresses.update(addresses)

    def is_warm_slot(self, address: bytes, slot: int) -> bool:
        """Tell whether the transaction has accessed the slot before (EIP-2929)."""
        return (address, slot) in self._warm_slots

    def warm_slot(self, address: bytes, slot: int) -> None:
        """Note an access to the slot."""
        key = (address, slot)
        if key not in self._warm_slots:
            self._journal.append((self._warm_slots.discard, key))
            self._warm_slots.add(key)

    def accessed(self) -> tuple[frozenset[bytes], frozenset[tuple[bytes, int]]]:
        """Return the addresses and the (address, slot) pairs that the transaction has accessed so far."""
        return frozenset(self._warm_addresses), frozenset(self._warm_slots)

    def loaded(self) -> dict[bytes, frozenset[int]]:
        """Return the addresses that were looked at since the block began, each with the slots of its storage."""
        return {
            address: frozenset() if account is None else frozenset(account.words)
            for address, account in self._accounts.items()
        }

    def add_log(self, log: Log) -> None:
        """Append a log of the transaction."""
        self._journal.append((self._logs.pop,))
        self._logs.append(log)

    def logs(self) -> tuple[Log, ...]:
        """Return the logs of the transaction so far."""
        return tuple(self._logs)

    def mark_created(self, address: bytes) -> None:
        """Note that this transaction creates a contract at the address (EIP-6780)."""
        if address not in self._created:
            self._journal.append((self._created.discard, address))
            self._created.add(address)

    def is_created(self, address: bytes) -> bool:
        """Tell whether this transaction created the contract at the address (EIP-6780)."""
        return address in self._created

    def mark_destroyed(self, address: bytes) -> None:
        """Note that the account must be gone when the transaction ends."""
        if address not in self._destroyed:
            self._journal.append((self._destroyed.discard, address))
            self._destroyed.add(address)

    def end_transaction(self) -> None:
        """Make the transaction's changes final: remove self-destructed and touched empty accounts, forget its scope."""
        for address in self._destroyed:
            self._remove(address)
        for address in self._touched:
            account = self._account(address)
            if account is not None and account.is_empty():
                self._remove(address)
        self._start_transaction_scope()

    # The end of a block

    def storage_root(self, address: bytes) -> bytes:
        """Return the root of the account's storage trie with all changes so far."""
        account = self._account(address)
        return EMPTY_TRIE_ROOT if account is None else self._updated_storage(account, NodeChanges(_UNSTORED)).hash

    def commit(self) -> StateUpdate:
        """Return the state with all changes since the block began, and what must be stored for it.

        It changes nothing here: the world may be used on, and committed again.
        """
        added = NodeChanges(first_location(self._database.new_serial()))
        entries: dict[bytes, bytes] = {}
        links: dict[bytes, int] = {}
        for address in self._changed:
            key = account_key(address)
            account = self._accounts[address]
            if account is None:
                entries[key] = b""
                continue
            storage = self._updated_storage(account, added)
            if storage.location:
                links[key] = storage.location
            entries[key] = encode_account(
                StoredAccount(account.nonce, account.balance, storage.hash, account.code_hash)
            )
        root = update_trie(self._reader, self._root, entries, added, links)
        for trie in self._left_tries:
            added.superseded.extend(self._reader.locations(trie))
        self._reader.forget(added.superseded)
        self._reader.adopt(enumerate(added.records, added.first_location))
        return StateUpdate(
            root.hash, self._used_new_codes(), root.location, added.first_location, added.records, added.superseded
        )

    # Within

    def _start_transaction_scope(self) -> None:
        self._journal.clear()
        self._original_storage: dict[tuple[bytes, int], int] = {}
        self._transient_storage: dict[tuple[bytes, int], bytes] = {}
        self._warm_addresses: set[bytes] = set()
        self._warm_slots: set[tuple[bytes, int]] = set()
        self._touched: set[bytes] = set()
        self._created: set[bytes] = set()
        self._destroyed: set[bytes] = set()
        self._logs: list[Log] = []

    def _account(self, address: bytes) -> LiveAccount | None:
        try:
            return self._accounts[address]
        except KeyError:
            return self._read_account(address)

    def _read_account(self, address: bytes) -> LiveAccount | None:
        entry = self._reader.entry(self._root, account_key(address))
        account = None if entry is None else LiveAccount(decode_account(entry.value), entry.link)
        self._accounts[address] = account
        return account

    def _put_balance(self, address: bytes, account: LiveAccount, balance: int) -> None:
        self._journal.append((setattr, account, "balance", account.balance))
        self._changed.add(address)
        account.balance = balance
        if not balance:
            self.touch(address)

    def _create(self, address: bytes) -> LiveAccount:
        account = LiveAccount(_ABSENT)
        self._journal.append((self._accounts.__setitem__, address, None))
        self._accounts[address] = account
        self._changed.add(address)
        return account

    def _remove(self, address: bytes) -> None:
        account = self._account(address)
        if account is not None and account.trie.location:
            self._left_tries.append(account.trie)
        self._accounts[address] = None
        self._changed.add(address)

    def _code_by_hash(self, code_hash: bytes) -> bytes:
        code = self._codes.get(code_hash)
        if code is None:
            code = self._database.code(code_hash)
            if code is None:
                raise MissingCode(code_hash)
            self._codes[code_hash] = code
        return code

    def _used_new_codes(self) -> dict[bytes, bytes]:
        """Return the codes that were set and that an account has still, by their hashes."""
        if not self._new_codes:
            return {}
        used = {account.code_hash for account in self._accounts.values() if account is not None}
        return {code_hash: code for code_hash, code in self._new_codes.items() if code_hash in used}

    def _updated_storage(self, account: LiveAccount, added: NodeChanges) -> TrieRoot:
        """Return the account's storage trie with its changes; new and superseded nodes go to `added`."""
        if not account.written:
            return account.trie
        changes = {storage_key(slot): encode_storage_value(account.words[slot]) for slot in account.written}
        return update_trie(self._reader, account.trie, changes, added)
