"""The devnet's L2 genesis: predeploys with their storage, system contracts and funded accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from phal2.contracts import load_artefact
from phal2.devnet.storage_layout import storage_words
from phal2.devnet.system_contracts import L2_SYSTEM_CONTRACTS
from phal2.node.attestation.policy import RootCertificate
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import (
    ATTESTATION_CONTEXT,
    ATTESTATION_POLICY,
    ENCLAVE_REGISTRY,
    L1_BLOCK,
    L2_TO_L1_MESSAGE_PASSER,
    PHA_CLAIMS,
    PROXY_ADMIN,
    implementation_address,
)
from phal2.node.state.genesis import GenesisAccount

L2_PHA_TOKEN: Final = bytes.fromhex("4200000000000000000000000000000000000058")
"""Where the devnet has L2 PHA."""

_IMPLEMENTATION_SLOT: Final = int.from_bytes(keccak256(b"eip1967.proxy.implementation"), "big") - 1
_ADMIN_SLOT: Final = int.from_bytes(keccak256(b"eip1967.proxy.admin"), "big") - 1

_ALLOWED_STATUSES: Final = 0b1111
"""UpToDate, SWHardeningNeeded, ConfigurationNeeded, ConfigurationAndSWHardeningNeeded: not out of date."""


@dataclass(frozen=True, slots=True)
class L2GenesisSettings:
    """What differs from devnet to devnet. Addresses of L1 contracts are on L1; `owner` owns the L2 predeploys."""

    balances: Mapping[bytes, int]
    owner: bytes
    root_certificates: Sequence[RootCertificate]
    l1_pha_token: bytes
    l1_pha_migration: bytes
    owner_claim_delay: int


def l2_genesis_accounts(settings: L2GenesisSettings) -> dict[bytes, GenesisAccount]:
    """Return all accounts of the L2 genesis."""
    accounts = {address: GenesisAccount(balance=balance) for address, balance in settings.balances.items()}
    accounts |= L2_SYSTEM_CONTRACTS
    accounts |= _proxied(L1_BLOCK, "L1Block", PROXY_ADMIN, {})
    accounts |= _proxied(L2_TO_L1_MESSAGE_PASSER, "L2ToL1MessagePasser", PROXY_ADMIN, {})
    # The state module reads the storage of these three, so nobody but a fork (a call from address zero) may change
    # their code: no admin.
    accounts |= _proxied(ATTESTATION_POLICY, "AttestationPolicy", None, _policy_storage(settings))
    accounts |= _proxied(ENCLAVE_REGISTRY, "EnclaveRegistry", None, {"owner": settings.owner})
    accounts |= _proxied(PHA_CLAIMS, "PHAClaims", None, _claims_storage(settings))
    accounts[ATTESTATION_CONTEXT] = _contract("AttestationContext", {})
    accounts[L2_PHA_TOKEN] = _contract("L2PHAToken", {"remoteToken": settings.l1_pha_token})
    return accounts


def _policy_storage(settings: L2GenesisSettings) -> dict[str, object]:
    return {
        "owner": settings.owner,
        "allowedStatuses": _ALLOWED_STATUSES,
        "anyWorkload": True,
        "anyImage": True,
        "_rootCas": [root.hash for root in settings.root_certificates],
        "_rootCa": {root.hash: {"der": root.der, "simulated": root.simulated} for root in settings.root_certificates},
    }


def _claims_storage(settings: L2GenesisSettings) -> dict[str, object]:
    return {
        "owner": settings.owner,
        "ownerClaimDelay": settings.owner_claim_delay,
        "token": L2_PHA_TOKEN,
        "migration": settings.l1_pha_migration,
    }


def _contract(name: str, values: Mapping[str, object]) -> GenesisAccount:
    artefact = load_artefact(name)
    return GenesisAccount(nonce=1, code=artefact.deployed_bytecode, storage=storage_words(artefact, values))


def _proxied(
    address: bytes, name: str, admin: bytes | None, values: Mapping[str, object]
) -> dict[bytes, GenesisAccount]:
    """Return the proxy at `address`, holding `values`, and the implementation behind it."""
    implementation = implementation_address(address)
    storage = storage_words(load_artefact(name), values)
    storage[_IMPLEMENTATION_SLOT] = int.from_bytes(implementation, "big")
    if admin is not None:
        storage[_ADMIN_SLOT] = int.from_bytes(admin, "big")
    proxy = GenesisAccount(nonce=1, code=load_artefact("Proxy").deployed_bytecode, storage=storage)
    return {address: proxy, implementation: _contract(name, {})}
