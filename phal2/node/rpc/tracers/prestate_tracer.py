"""prestateTracer: what a transaction looks at or, in diff mode, changes of the state (geth, native/prestate.go)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.keccak import EMPTY_KECCAK, keccak256
from phal2.node.protocol.signatures import InvalidSignature
from phal2.node.protocol.transaction_codec import recover_authority
from phal2.node.rpc.hexadecimal import data, quantity
from phal2.node.rpc.tracers.recorder import Hooks, TraceSubject
from phal2.node.state.delegation import delegated_address
from phal2.node.state.rules import Revision
from phal2.node.state.tracing import CALL, CALLCODE, CREATE, CREATE2, DELEGATECALL, SELFDESTRUCT, STATICCALL, Step

_STORAGE: Final = frozenset({0x54, 0x55})
_ACCOUNTS: Final = frozenset({0x31, 0x3B, 0x3C, 0x3F, SELFDESTRUCT})
_CALLS: Final = frozenset({CALL, CALLCODE, DELEGATECALL, STATICCALL})
_ACCOUNT_BYTES: Final = 300
_WORD_BYTES: Final = 300
_MAXIMUM_INIT_CODE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PrestateOptions:
    """`diff_mode` asks for what changes, before and after; `include_empty` keeps accounts that were not there."""

    diff_mode: bool = False
    has_code: bool = True
    has_storage: bool = True
    include_empty: bool = False


@dataclass(slots=True)
class _Account:
    """An account before the transaction, with the words of its storage that were looked at."""

    balance: int
    nonce: int
    code: bytes
    code_hash: bytes
    storage: dict[int, int] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.balance or self.nonce or self.code)


class PrestateRecorder:
    """What one transaction looks at. Made before the transaction has bought its gas."""

    def __init__(self, options: PrestateOptions, subject: TraceSubject) -> None:
        self._options = options
        self._world = subject.world
        self._revision = subject.rules.revision
        self._size = subject.size
        self._accounts: dict[bytes, _Account] = {}
        self._created: set[bytes] = set()
        self._deleted: set[bytes] = set()
        self._look_at_transaction(subject)

    def hooks(self) -> Hooks:
        """Look at every instruction."""
        return Hooks(step=self._step)

    def result(self, gas_used: int) -> dict[str, Any]:  # noqa: ARG002 - the protocol's signature
        """Return accounts by address, or {post, pre} of them in diff mode."""
        if self._options.diff_mode:
            return self._difference()
        return {
            data(address): self._show(account, account.storage)
            for address, account in self._accounts.items()
            if self._options.include_empty or not account.is_empty
        }

    def _look_at_transaction(self, subject: TraceSubject) -> None:
        world = self._world
        if subject.to is None:
            target = contract_address(subject.sender, world.nonce(subject.sender))
            self._created.add(target)
        else:
            target = subject.to
            self._look_at_delegate(target)
        for address in (subject.sender, target, subject.coinbase):
            self._look_at(address)
        for authorization in subject.authorization_list:
            try:
                self._look_at(recover_authority(authorization))
            except InvalidSignature:
                continue

    def _step(self, step: Step) -> None:
        if step.error is not None:
            return
        opcode, stack = step.opcode, step.stack
        if opcode in _STORAGE:
            self._look_at(step.address)
            if self._options.has_storage:
                words = self._accounts[step.address].storage
                if stack[-1] not in words:
                    self._size.add(_WORD_BYTES)
                    words[stack[-1]] = self._world.storage(step.address, stack[-1])
        elif opcode in _ACCOUNTS:
            self._look_at(_address(stack[-1]))
            if opcode == SELFDESTRUCT and (self._revision < Revision.CANCUN or step.address in self._created):
                self._deleted.add(step.address)
        elif opcode in _CALLS:
            target = _address(stack[-2])
            self._look_at(target)
            self._look_at_delegate(target)
        elif opcode == CREATE:
            self._look_at_created(contract_address(step.address, self._world.nonce(step.address)))
        elif opcode == CREATE2:
            start, length, salt = stack[-2], stack[-3], stack[-4]
            if length <= _MAXIMUM_INIT_CODE:
                init_code = bytes(step.memory[start : start + length]).ljust(length, b"\0")
                seed = b"\xff" + step.address + salt.to_bytes(32, "big") + keccak256(init_code)
                self._look_at_created(keccak256(seed)[12:])

    def _look_at(self, address: bytes) -> None:
        if address not in self._accounts:
            world = self._world
            code = world.code(address)
            self._size.add(_ACCOUNT_BYTES + 2 * len(code))
            self._accounts[address] = _Account(
                world.balance(address), world.nonce(address), code, world.code_hash(address)
            )

    def _look_at_delegate(self, address: bytes) -> None:
        if self._revision >= Revision.PRAGUE:
            delegate = delegated_address(self._world.code(address))
            if delegate is not None:
                self._look_at(delegate)

    def _look_at_created(self, address: bytes) -> None:
        self._look_at(address)
        self._created.add(address)

    def _show(self, account: _Account, storage: Mapping[int, int]) -> dict[str, Any]:
        fields: dict[str, Any] = {"balance": quantity(account.balance)}
        if account.code and self._options.has_code:
            fields["code"] = data(account.code)
        if account.code_hash != EMPTY_KECCAK:
            fields["codeHash"] = data(account.code_hash)
        if account.nonce:
            fields["nonce"] = account.nonce
        if storage:
            fields["storage"] = _words(storage)
        return fields

    def _difference(self) -> dict[str, Any]:
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for address, account in self._accounts.items():
            storage: Mapping[int, int] = account.storage
            if address not in self._deleted:
                change = self._change(address, account)
                if not change.is_any:
                    continue
                after[data(address)] = change.now
                storage = change.storage_before
            if not account.is_empty:
                before[data(address)] = self._show(account, storage)
        return {"post": after, "pre": before}

    def _change(self, address: bytes, account: _Account) -> "_Change":
        world = self._world
        balance, nonce, code_hash = world.balance(address), world.nonce(address), world.code_hash(address)
        words = {slot: world.storage(address, slot) for slot in account.storage}
        changed = {slot: word for slot, word in words.items() if word != account.storage[slot]}
        now: dict[str, Any] = {}
        if balance != account.balance:
            now["balance"] = quantity(balance)
        if code_hash != account.code_hash:
            if self._options.has_code:
                now["code"] = data(world.code(address))
            now["codeHash"] = data(code_hash)
        if nonce not in (0, account.nonce):
            now["nonce"] = nonce
        if any(changed.values()):
            now["storage"] = _words({slot: word for slot, word in changed.items() if word})
        storage_before = {slot: account.storage[slot] for slot in changed if account.storage[slot]}
        return _Change(bool(now or changed or nonce != account.nonce), now, storage_before)


@dataclass(frozen=True, slots=True)
class _Change:
    """What an account has otherwise than before; what became 0 is not shown, and may be all there is."""

    is_any: bool
    now: dict[str, Any]
    storage_before: dict[int, int]


def _words(storage: Mapping[int, int]) -> dict[str, str]:
    return {f"0x{slot:064x}": f"0x{storage[slot]:064x}" for slot in sorted(storage)}


def _address(word: int) -> bytes:
    return (word & ((1 << 160) - 1)).to_bytes(20, "big")
