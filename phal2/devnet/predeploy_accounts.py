"""Contracts as genesis places them: code, storage by name, and where OP Stack chains have one a proxy before them."""

from collections.abc import Mapping
from typing import Final

from phal2.contracts import load_artefact
from phal2.devnet.storage_layout import storage_words
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import implementation_address
from phal2.node.state.genesis import GenesisAccount

_IMPLEMENTATION_SLOT: Final = int.from_bytes(keccak256(b"eip1967.proxy.implementation"), "big") - 1
_ADMIN_SLOT: Final = int.from_bytes(keccak256(b"eip1967.proxy.admin"), "big") - 1

_INITIALIZABLE_SLOT: Final = 0xF0C57E16840DF040F15088DC2F81FE391C3923BEC73E23A9662EFC9C229C6A00
"""Where OpenZeppelin's Initializable keeps how often a contract was initialized (ERC-7201)."""

_INITIALIZED_ONCE: Final = 1
_NEVER_TO_BE_INITIALIZED: Final = (1 << 64) - 1


def contract_account(name: str, values: Mapping[str, object] | None = None) -> GenesisAccount:
    """Return a contract with runtime code, whose variables have `values` (`storage_words`)."""
    artefact = load_artefact(name)
    return GenesisAccount(nonce=1, code=artefact.deployed_bytecode, storage=storage_words(artefact, values or {}))


def proxied_accounts(
    address: bytes,
    name: str,
    admin: bytes | None,
    values: Mapping[str, object] | None = None,
    *,
    is_initializable: bool = False,
) -> dict[bytes, GenesisAccount]:
    """Return the proxy at `address`, whose variables have `values`, and the implementation behind it.

    Where the contract is OpenZeppelin's Initializable, the proxy counts as initialized and the implementation never
    can be, as its constructor has it.
    """
    implementation = implementation_address(address)
    storage = storage_words(load_artefact(name), values or {})
    storage[_IMPLEMENTATION_SLOT] = int.from_bytes(implementation, "big")
    if admin is not None:
        storage[_ADMIN_SLOT] = int.from_bytes(admin, "big")
    behind = contract_account(name)
    if is_initializable:
        storage[_INITIALIZABLE_SLOT] = _INITIALIZED_ONCE
        behind = GenesisAccount(
            nonce=behind.nonce, code=behind.code, storage={_INITIALIZABLE_SLOT: _NEVER_TO_BE_INITIALIZED}
        )
    proxy = GenesisAccount(nonce=1, code=load_artefact("Proxy").deployed_bytecode, storage=storage)
    return {address: proxy, implementation: behind}
