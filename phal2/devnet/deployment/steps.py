"""The transactions that deploy the L1 contracts.

They come in two lots, as the dispute games need L2's genesis, and the genesis the addresses of the bridge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phal2.bridge.dispute_games import GameType
from phal2.contracts import encode_call, encode_constructor, load_artefact
from phal2.devnet.deployment.addresses import (
    INITIALIZED,
    PROXIED,
    L1Contracts,
    planned_implementation,
    planned_l1_contracts,
)
from phal2.devnet.deployment.parameters import DeploymentParameters
from phal2.node.protocol.addresses import ZERO_ADDRESS

PROVER_VALIDITY: Final = 30 * 86_400
"""Seconds for which the ProverRegistry takes a key."""

ALLOWED_TCB_STATUSES: Final = 0b1111
"""In Automata's numbers: OK, and hardening or configuration needed; not out of date."""

_CALL_GAS: Final = 700_000
_CONSTRUCTION_GAS: Final = 250_000
_GAS_PER_BYTE_OF_CODE: Final = 200


@dataclass(frozen=True, slots=True)
class DeploymentStep:
    """A transaction of the deployment: what it does, for messages; a creation where `to` is None; `value` in wei."""

    doing: str
    to: bytes | None
    data: bytes
    gas_limit: int
    value: int = 0


def bridge_steps(parameters: DeploymentParameters) -> list[DeploymentStep]:
    """Return the first lot: all that does not need L2's genesis. The deployer administers it for now."""
    contracts = planned_l1_contracts(parameters.deployer, parameters.first_nonce)
    migration = (contracts.pha_token, contracts.optimism_portal, contracts.l1_standard_bridge, parameters.treasury)
    return [
        creation("ProxyAdmin", parameters.deployer),
        *(creation("Proxy", contracts.proxy_admin) for _ in PROXIED),
        creation("PHAToken", parameters.owner),
        creation("PHAMigration", parameters.owner, *migration),
        creation("OwnerApprovedQuoteVerifier", parameters.quote_approver),
        *(creation(name, *_constructor_arguments(name, parameters)) for name in PROXIED),
        *(_initialization(name, parameters, contracts) for name in INITIALIZED),
    ]


def game_steps(
    parameters: DeploymentParameters, config_hash: bytes, genesis_output_root: bytes, prover_workload: bytes
) -> list[DeploymentStep]:
    """Return the second lot, of which the games are a part; afterwards `owner` owns all.

    `config_hash` is the hash by which provers know the rollup, `genesis_output_root` the first anchor root,
    `prover_workload` the hash of the workload whose keys the ProverRegistry takes.
    """
    contracts = planned_l1_contracts(parameters.deployer, parameters.first_nonce)
    registry, factory = contracts.anchor_state_registry, contracts.dispute_game_factory
    anchor = (
        contracts.system_config,
        factory,
        {"root": genesis_output_root, "l2SequenceNumber": 0},
        GameType.ENCLAVE,
    )
    games = (
        (GameType.ENCLAVE, contracts.enclave_dispute_game),
        (GameType.PERMISSIONED, contracts.permissioned_dispute_game),
    )
    return [
        creation("EnclaveDisputeGame", registry, contracts.prover_registry, config_hash),
        creation(
            "PermissionedDisputeGame", registry, parameters.proposer, parameters.owner, parameters.challenge_period
        ),
        _upgrade("AnchorStateRegistry", registry, anchor, parameters, contracts),
        *(_call("DisputeGameFactory", factory, "setImplementation", *game) for game in games),
        _call("ProverRegistry", contracts.prover_registry, "setWorkload", prover_workload, True),
        _call("ProverRegistry", contracts.prover_registry, "transferOwnership", parameters.owner),
        _call("DisputeGameFactory", factory, "transferOwnership", parameters.owner),
        _call("ProxyAdmin", contracts.proxy_admin, "transferOwnership", parameters.owner),
    ]


def _constructor_arguments(name: str, parameters: DeploymentParameters) -> Sequence[object]:
    match name:
        case "OptimismPortal":
            return (parameters.proof_maturity_delay,)
        case "AnchorStateRegistry":
            return (parameters.game_finality_delay,)
        case _:
            return ()


def _initialization(name: str, parameters: DeploymentParameters, contracts: L1Contracts) -> DeploymentStep:
    """Return the step that gives the proxy of `name` its implementation and initializes it."""
    proxy, arguments = _initializers(parameters, contracts)[name]
    return _upgrade(name, proxy, arguments, parameters, contracts)


def _initializers(
    parameters: DeploymentParameters, contracts: L1Contracts
) -> dict[str, tuple[bytes, Sequence[object]]]:
    """Return the proxies of `INITIALIZED` and what `initialize` is called with."""
    system_config = parameters.system_config
    addresses = {
        "l1CrossDomainMessenger": contracts.l1_cross_domain_messenger,
        # There is no bridge of ERC-721 tokens.
        "l1ERC721Bridge": ZERO_ADDRESS,
        "l1StandardBridge": contracts.l1_standard_bridge,
        "optimismPortal": contracts.optimism_portal,
        "optimismMintableERC20Factory": contracts.optimism_mintable_erc20_factory,
    }
    return {
        "SystemConfig": (
            contracts.system_config,
            (
                parameters.owner,
                system_config.base_fee_scalar,
                system_config.blob_base_fee_scalar,
                system_config.batcher_address.rjust(32, b"\0"),
                system_config.gas_limit,
                # Nodes of a devnet exchange no blocks.
                ZERO_ADDRESS,
                parameters.batch_inbox,
                addresses,
                parameters.l2_chain_id,
            ),
        ),
        "OptimismPortal": (contracts.optimism_portal, (contracts.system_config, contracts.anchor_state_registry)),
        "DisputeGameFactory": (contracts.dispute_game_factory, (parameters.deployer,)),
        "L1CrossDomainMessenger": (
            contracts.l1_cross_domain_messenger,
            (contracts.system_config, contracts.optimism_portal),
        ),
        "L1StandardBridge": (
            contracts.l1_standard_bridge,
            (contracts.l1_cross_domain_messenger, contracts.system_config),
        ),
        "OptimismMintableERC20Factory": (
            contracts.optimism_mintable_erc20_factory,
            (contracts.l1_standard_bridge,),
        ),
        "ProverRegistry": (
            contracts.prover_registry,
            (
                parameters.deployer,
                contracts.quote_verifier,
                PROVER_VALIDITY,
                ALLOWED_TCB_STATUSES,
                [],
            ),
        ),
    }


def creation(name: str, *arguments: object) -> DeploymentStep:
    """Return the creation of a contract with constructor arguments."""
    artefact = load_artefact(name)
    data = encode_constructor(artefact, arguments)
    gas_limit = (
        53_000
        + 16 * len(data)
        + 2 * (len(data) // 32 + 1)
        + _GAS_PER_BYTE_OF_CODE * len(artefact.deployed_bytecode)
        + _CONSTRUCTION_GAS
    )
    return DeploymentStep(f"create {name}", None, data, gas_limit)


def _upgrade(
    name: str, proxy: bytes, arguments: Sequence[object], parameters: DeploymentParameters, contracts: L1Contracts
) -> DeploymentStep:
    implementation = planned_implementation(parameters.deployer, name, parameters.first_nonce)
    initializing = encode_call(load_artefact(name), "initialize", arguments)
    upgrading = encode_call(load_artefact("ProxyAdmin"), "upgradeAndCall", (proxy, implementation, initializing))
    return DeploymentStep(f"initialize {name}", contracts.proxy_admin, upgrading, _CALL_GAS)


def _call(name: str, to: bytes, function: str, *arguments: object) -> DeploymentStep:
    return DeploymentStep(
        f"call {function} of {name}", to, encode_call(load_artefact(name), function, arguments), _CALL_GAS
    )
