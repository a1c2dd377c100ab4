"""Where the L1 contracts will be: at addresses that follow from the deployer's nonces."""

from dataclasses import dataclass
from typing import Final

from phal2.node.protocol.addresses import contract_address

MULTICALL3: Final = bytes.fromhex("ca11bde05977b3631167028862be2a173976ca11")
"""Where every chain has Multicall3."""

PROXIED: Final = (
    "OptimismPortal",
    "SystemConfig",
    "DisputeGameFactory",
    "AnchorStateRegistry",
    "L1CrossDomainMessenger",
    "L1StandardBridge",
    "OptimismMintableERC20Factory",
    "ProverRegistry",
)
"""The contracts behind a proxy. In this order the proxies are created after the ProxyAdmin, and the implementations
after the contracts without a proxy."""

PLAIN: Final = ("PHAToken", "PHAMigration", "OwnerApprovedQuoteVerifier")
"""The contracts without a proxy that are created after the proxies."""

INITIALIZED: Final = (
    "SystemConfig",
    "OptimismPortal",
    "DisputeGameFactory",
    "L1CrossDomainMessenger",
    "L1StandardBridge",
    "OptimismMintableERC20Factory",
    "ProverRegistry",
)
"""The proxies that a call after the creations gives their implementation; AnchorStateRegistry waits for the genesis."""

GAMES: Final = ("EnclaveDisputeGame", "PermissionedDisputeGame")
"""The game implementations, which are created once L2's genesis is known."""

_BEFORE_PROXIES: Final = 1
_BEFORE_PLAIN: Final = _BEFORE_PROXIES + len(PROXIED)
_BEFORE_IMPLEMENTATIONS: Final = _BEFORE_PLAIN + len(PLAIN)
_BEFORE_GAMES: Final = _BEFORE_IMPLEMENTATIONS + len(PROXIED) + len(INITIALIZED)


@dataclass(frozen=True, slots=True)
class L1Contracts:
    """The L1 contracts' addresses, known before they are deployed; of those behind a proxy the proxy's."""

    proxy_admin: bytes
    optimism_portal: bytes
    system_config: bytes
    dispute_game_factory: bytes
    anchor_state_registry: bytes
    l1_cross_domain_messenger: bytes
    l1_standard_bridge: bytes
    optimism_mintable_erc20_factory: bytes
    prover_registry: bytes
    pha_token: bytes
    pha_migration: bytes
    quote_verifier: bytes
    enclave_dispute_game: bytes
    permissioned_dispute_game: bytes
    multicall3: bytes = MULTICALL3

    def by_name(self) -> dict[str, bytes]:
        """Return the addresses under the contracts' names."""
        return {
            "OptimismPortal": self.optimism_portal,
            "SystemConfig": self.system_config,
            "DisputeGameFactory": self.dispute_game_factory,
            "AnchorStateRegistry": self.anchor_state_registry,
            "L1CrossDomainMessenger": self.l1_cross_domain_messenger,
            "L1StandardBridge": self.l1_standard_bridge,
            "OptimismMintableERC20Factory": self.optimism_mintable_erc20_factory,
            "ProxyAdmin": self.proxy_admin,
            "ProverRegistry": self.prover_registry,
            "OwnerApprovedQuoteVerifier": self.quote_verifier,
            "EnclaveDisputeGame": self.enclave_dispute_game,
            "PermissionedDisputeGame": self.permissioned_dispute_game,
            "Multicall3": self.multicall3,
            "PHAToken": self.pha_token,
            "PHAMigration": self.pha_migration,
        }


def planned_l1_contracts(deployer: bytes, first_nonce: int = 0) -> L1Contracts:
    """Return where the creations of `deployer`, from `first_nonce` on, put the contracts."""

    def created(position: int) -> bytes:
        return contract_address(deployer, first_nonce + position)

    proxies = {name: created(_BEFORE_PROXIES + position) for position, name in enumerate(PROXIED)}
    plain = {name: created(_BEFORE_PLAIN + position) for position, name in enumerate(PLAIN)}
    games = {name: created(_BEFORE_GAMES + position) for position, name in enumerate(GAMES)}
    return L1Contracts(
        proxy_admin=created(0),
        optimism_portal=proxies["OptimismPortal"],
        system_config=proxies["SystemConfig"],
        dispute_game_factory=proxies["DisputeGameFactory"],
        anchor_state_registry=proxies["AnchorStateRegistry"],
        l1_cross_domain_messenger=proxies["L1CrossDomainMessenger"],
        l1_standard_bridge=proxies["L1StandardBridge"],
        optimism_mintable_erc20_factory=proxies["OptimismMintableERC20Factory"],
        prover_registry=proxies["ProverRegistry"],
        pha_token=plain["PHAToken"],
        pha_migration=plain["PHAMigration"],
        quote_verifier=plain["OwnerApprovedQuoteVerifier"],
        enclave_dispute_game=games["EnclaveDisputeGame"],
        permissioned_dispute_game=games["PermissionedDisputeGame"],
    )


def planned_implementation(deployer: bytes, name: str, first_nonce: int = 0) -> bytes:
    """Return where the implementation behind the proxy of `name` is created."""
    return contract_address(deployer, first_nonce + _BEFORE_IMPLEMENTATIONS + PROXIED.index(name))
