"""The devnet's L2 genesis: predeploys with their storage, system contracts and funded accounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from phal2.devnet.bridge_predeploys import BridgeSettings, bridge_predeploys
from phal2.devnet.predeploy_accounts import contract_account, proxied_accounts
from phal2.devnet.preinstalls import preinstalled_accounts
from phal2.devnet.system_contracts import L2_SYSTEM_CONTRACTS
from phal2.node.attestation.policy import RootCertificate
from phal2.node.protocol.predeploys import (
    ATTESTATION_CONTEXT,
    ATTESTATION_POLICY,
    ENCLAVE_REGISTRY,
    L1_BLOCK,
    L2_TO_L1_MESSAGE_PASSER,
    PHA_CLAIMS,
    PHA_TOKEN,
    PROXY_ADMIN,
)
from phal2.node.state.genesis import GenesisAccount

_ALLOWED_STATUSES: Final = 0b1111
"""UpToDate, SWHardeningNeeded, ConfigurationNeeded, ConfigurationAndSWHardeningNeeded: not out of date."""


@dataclass(frozen=True, slots=True)
class L2GenesisSettings:
    """What differs from devnet to devnet. Addresses of L1 contracts are on L1; `owner` owns the L2 predeploys."""

    balances: Mapping[bytes, int]
    owner: bytes
    root_certificates: Sequence[RootCertificate]
    l1_cross_domain_messenger: bytes
    l1_standard_bridge: bytes
    l1_pha_token: bytes
    l1_pha_migration: bytes
    owner_claim_delay: int


def l2_genesis_accounts(settings: L2GenesisSettings) -> dict[bytes, GenesisAccount]:
    """Return all accounts of the L2 genesis."""
    accounts = {address: GenesisAccount(balance=balance) for address, balance in settings.balances.items()}
    accounts |= L2_SYSTEM_CONTRACTS
    accounts |= proxied_accounts(L1_BLOCK, "L1Block", PROXY_ADMIN)
    accounts |= proxied_accounts(L2_TO_L1_MESSAGE_PASSER, "L2ToL1MessagePasser", PROXY_ADMIN)
    accounts |= bridge_predeploys(
        BridgeSettings(
            owner=settings.owner,
            l1_cross_domain_messenger=settings.l1_cross_domain_messenger,
            l1_standard_bridge=settings.l1_standard_bridge,
        )
    )
    # The state module reads the storage of these three, so nobody but a fork (a call from address zero) may change
    # their code: no admin.
    accounts |= proxied_accounts(ATTESTATION_POLICY, "AttestationPolicy", None, _policy_storage(settings))
    accounts |= proxied_accounts(ENCLAVE_REGISTRY, "EnclaveRegistry", None, {"owner": settings.owner})
    accounts |= proxied_accounts(PHA_CLAIMS, "PHAClaims", None, _claims_storage(settings))
    accounts |= preinstalled_accounts()
    accounts[ATTESTATION_CONTEXT] = contract_account("AttestationContext")
    accounts[PHA_TOKEN] = contract_account("L2PHAToken", {"_remoteToken": settings.l1_pha_token})
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
        "token": PHA_TOKEN,
        "migration": settings.l1_pha_migration,
    }
