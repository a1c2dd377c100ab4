"""The devnet's rollup: configuration and L2 genesis block, fixed by the settings and the L1 block where L2 begins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from phal2.devnet.accounts import role_account
from phal2.devnet.deployment import MULTICALL3, L1Contracts
from phal2.devnet.ground import BATCHER
from phal2.devnet.l2_genesis import L2GenesisSettings, l2_genesis_accounts
from phal2.devnet.settings import DevnetSettings
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.attestation.policy import RootCertificate
from phal2.node.command.genesis_json import Genesis
from phal2.node.protocol.block_refs import BlockId, L1BlockRef
from phal2.node.protocol.fees import encode_holocene_extra_data
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.predeploys import (
    ATTESTATION_CONTEXT,
    ATTESTATION_POLICY,
    BASE_FEE_VAULT,
    ENCLAVE_REGISTRY,
    GAS_PRICE_ORACLE,
    L1_BLOCK,
    L1_BLOCK_NUMBER,
    L1_FEE_VAULT,
    L2_CROSS_DOMAIN_MESSENGER,
    L2_STANDARD_BRIDGE,
    L2_TO_L1_MESSAGE_PASSER,
    OPERATOR_FEE_VAULT,
    OPTIMISM_MINTABLE_ERC20_FACTORY,
    PHA_CLAIMS,
    PHA_TOKEN,
    PROXY_ADMIN,
    SEQUENCER_FEE_VAULT,
    WETH9,
)
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar
from phal2.node.state.outcomes import ExecutedBlock

GENESIS_BASE_FEE: Final = 1_000_000_000

L2_CONTRACTS: Final[Mapping[str, bytes]] = {
    "WETH9": WETH9,
    "L2CrossDomainMessenger": L2_CROSS_DOMAIN_MESSENGER,
    "GasPriceOracle": GAS_PRICE_ORACLE,
    "L2StandardBridge": L2_STANDARD_BRIDGE,
    "SequencerFeeVault": SEQUENCER_FEE_VAULT,
    "OptimismMintableERC20Factory": OPTIMISM_MINTABLE_ERC20_FACTORY,
    "L1BlockNumber": L1_BLOCK_NUMBER,
    "L1Block": L1_BLOCK,
    "L2ToL1MessagePasser": L2_TO_L1_MESSAGE_PASSER,
    "ProxyAdmin": PROXY_ADMIN,
    "BaseFeeVault": BASE_FEE_VAULT,
    "L1FeeVault": L1_FEE_VAULT,
    "OperatorFeeVault": OPERATOR_FEE_VAULT,
    "AttestationContext": ATTESTATION_CONTEXT,
    "AttestationPolicy": ATTESTATION_POLICY,
    "EnclaveRegistry": ENCLAVE_REGISTRY,
    "PHAClaims": PHA_CLAIMS,
    "PHAToken": PHA_TOKEN,
    "Multicall3": MULTICALL3,
}

_BASE_FEE_SCALAR: Final = 1_368
_BLOB_BASE_FEE_SCALAR: Final = 810_949
_EIP1559_DENOMINATOR: Final = 250
_EIP1559_ELASTICITY: Final = 6


@dataclass(frozen=True, slots=True)
class DevnetRollup:
    """What a node of this rollup begins with: the configuration, the genesis, and the genesis block of both."""

    config: RollupConfig
    genesis: Genesis
    genesis_block: ExecutedBlock


def devnet_rollup(
    settings: DevnetSettings,
    balances: Mapping[bytes, int],
    owner: bytes,
    contracts: L1Contracts,
    l1_start: L1BlockRef,
    batcher: bytes | None = None,
) -> DevnetRollup:
    """Return the rollup, whose genesis has the time of `l1_start`; by default the batcher is the role's public key."""
    system_config = genesis_system_config(settings, role_account(BATCHER).address if batcher is None else batcher)
    accounts = l2_genesis_accounts(
        L2GenesisSettings(
            balances=balances,
            owner=owner,
            root_certificates=(
                RootCertificate(INTEL_ROOT_CA_DER, simulated=False),
                RootCertificate(SIMULATOR_ROOT_CA_DER, simulated=True),
            ),
            l1_cross_domain_messenger=contracts.l1_cross_domain_messenger,
            l1_standard_bridge=contracts.l1_standard_bridge,
            l1_pha_token=contracts.pha_token,
            l1_pha_migration=contracts.pha_migration,
            owner_claim_delay=settings.owner_claim_delay,
        )
    )
    genesis = Genesis(
        chain_id=settings.l2_chain_id,
        timestamp=l1_start.timestamp,
        gas_limit=settings.l2_gas_limit,
        base_fee_per_gas=GENESIS_BASE_FEE,
        extra_data=encode_holocene_extra_data(_EIP1559_DENOMINATOR, _EIP1559_ELASTICITY),
        accounts=accounts,
    )
    unhashed = RollupConfig(
        l1_chain_id=settings.l1_chain_id,
        l2_chain_id=settings.l2_chain_id,
        l1_genesis=l1_start.id,
        l2_genesis=BlockId(bytes(32), 0),
        l2_genesis_time=l1_start.timestamp,
        genesis_system_config=system_config,
        block_time=settings.l2_block_time,
        batch_inbox_address=batch_inbox_address(settings.l2_chain_id),
        deposit_contract_address=contracts.optimism_portal,
        l1_system_config_address=contracts.system_config,
        forks=ALL_THROUGH_ISTHMUS,
        sequencing_window_size=settings.sequencing_window,
        eip1559_elasticity=_EIP1559_ELASTICITY,
        eip1559_denominator=_EIP1559_DENOMINATOR,
        eip1559_denominator_canyon=_EIP1559_DENOMINATOR,
    )
    block = genesis.block(unhashed)
    return DevnetRollup(replace(unhashed, l2_genesis=BlockId(block.block.hash, 0)), genesis, block)


def genesis_system_config(settings: DevnetSettings, batcher: bytes) -> SystemConfig:
    """Return what L1's SystemConfig says of L2 in the beginning."""
    return SystemConfig(
        batcher_address=batcher,
        overhead=bytes(32),
        scalar=ecotone_scalar(_BASE_FEE_SCALAR, _BLOB_BASE_FEE_SCALAR),
        gas_limit=settings.l2_gas_limit,
        eip1559_denominator=_EIP1559_DENOMINATOR,
        eip1559_elasticity=_EIP1559_ELASTICITY,
    )


def batch_inbox_address(l2_chain_id: int) -> bytes:
    """Return the address that batches are sent to: 0xff, zeros, and the chain id's decimal digits (OP convention)."""
    return bytes.fromhex("ff" + str(l2_chain_id).rjust(38, "0"))
