"""Methods that edit accounts, under their anvil and hardhat names (anvil returns null, hardhat true)."""

from collections.abc import Awaitable, Callable
from functools import wraps

from phal2.devnet.development.chain import DevelopmentChain
from phal2.devnet.development.parameters import Balance, Number, Word, parse_balance
from phal2.devnet.development.state_dump import dump_state, load_edit
from phal2.devnet.development.state_edits import balance_edit, code_edit, nonce_edit, storage_edit
from phal2.node.rpc.block_reference import LATEST, require_header
from phal2.node.rpc.errors import invalid_params
from phal2.node.rpc.hexadecimal import data
from phal2.node.rpc.parameter_types import Address, Boolean, Data
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, DATA, NULL
from phal2.node.rpc.workers import Workers
from phal2.node.state.world_state import WorldState

LONGEST_CODE = 24_576
"""Bytes of a contract's code (EIP-170)."""


class StateMethods:
    """Balances, nonces, code and storage as a test wants them; whole states; accounts that anybody may send from."""

    def __init__(self, chain: DevelopmentChain, workers: Workers) -> None:
        self._chain = chain
        self._workers = workers

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        for name, edit in (
            ("setBalance", self.set_balance),
            ("setNonce", self.set_nonce),
            ("setCode", self.set_code),
            ("impersonateAccount", self.impersonate_account),
            ("stopImpersonatingAccount", self.stop_impersonating_account),
            ("autoImpersonateAccount", self.auto_impersonate_account),
        ):
            registry.add(f"anvil_{name}", edit, result=NULL)
            registry.add(f"hardhat_{name}", _telling(edit), result=BOOLEAN)
        for name, edit in (
            ("Balance", self.set_balance),
            ("Nonce", self.set_nonce),
            ("Code", self.set_code),
        ):
            registry.add(f"evm_setAccount{name}", _telling(edit), result=BOOLEAN)
        registry.add("evm_setAccountStorageAt", self.set_storage_at, result=BOOLEAN)
        registry.add("anvil_addBalance", self.add_balance, result=NULL)
        for prefix in ("anvil", "hardhat"):
            registry.add(f"{prefix}_setStorageAt", self.set_storage_at, result=BOOLEAN)
            registry.add(f"{prefix}_dumpState", self.dump_state, result=DATA)
            registry.add(f"{prefix}_loadState", self.load_state, result=BOOLEAN)

    async def set_balance(self, address: Address, balance: Balance) -> None:
        """Give an account a balance in wei."""
        await self._chain.edit_state(balance_edit(address, balance))

    async def add_balance(self, address: Address, amount: Balance) -> None:
        """Give an account so many wei more."""
        service = self._chain.service
        state = WorldState(service.store, require_header(service, LATEST).state_root)
        await self._chain.edit_state(balance_edit(address, parse_balance(state.balance(address) + amount)))

    async def set_nonce(self, address: Address, nonce: Number) -> None:
        """Give an account a nonce."""
        await self._chain.edit_state(nonce_edit(address, nonce))

    async def set_code(self, address: Address, code: Data) -> None:
        """Give an account code."""
        if len(code) > LONGEST_CODE:
            raise invalid_params(f"code of {len(code)} bytes, at most {LONGEST_CODE} are allowed (EIP-170)")
        await self._chain.edit_state(code_edit(address, code))

    async def set_storage_at(self, address: Address, slot: Word, word: Word) -> bool:
        """Set a word of an account's storage; return true."""
        await self._chain.edit_state(storage_edit(address, slot, word))
        return True

    async def impersonate_account(self, address: Address) -> None:
        """Let anybody send from an account with eth_sendTransaction, without its key."""
        self._chain.require_state_edits()
        self._chain.impersonation.begin(address)

    async def stop_impersonating_account(self, address: Address) -> None:
        """Let nobody send from an account any more without its key."""
        self._chain.impersonation.end(address)

    async def auto_impersonate_account(self, enabled: Boolean) -> None:
        """Let anybody send from any account, or no longer."""
        if enabled:
            self._chain.require_state_edits()
        self._chain.impersonation.everyone = enabled

    async def dump_state(self) -> str:
        """Return the state of the newest block, compressed."""
        service = self._chain.service
        header = require_header(service, LATEST)
        return data(await self._workers.run(dump_state, service.store, header.state_root))

    async def load_state(self, dump: Data) -> bool:
        """Add the accounts of a dumped state to the present one, in the place of those there; return true."""
        self._chain.require_state_edits()
        edit = await self._workers.run(load_edit, dump)
        await self._chain.edit_state(edit)
        return True


def _telling(method: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[bool]]:
    """Return the method as hardhat has it, which answers true."""

    @wraps(method)
    async def told(*arguments: object) -> bool:
        await method(*arguments)
        return True

    return told
