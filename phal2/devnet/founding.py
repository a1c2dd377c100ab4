"""Founds a rollup on an L1: the bridge's contracts, then L2's genesis, then the dispute games that know it."""

from collections.abc import Sequence
from typing import Final

from phal2.bridge.prover.claim import config_hash
from phal2.bridge.prover.configuration import prover_configuration
from phal2.devnet.deployment import (
    DeploymentError,
    DeploymentParameters,
    DeploymentStep,
    Seal,
    bridge_steps,
    game_steps,
    planned_l1_contracts,
    send_steps,
)
from phal2.devnet.ground import BATCHER, DEPLOYER, PROPOSER, QUOTE_APPROVER, TREASURY, Ground
from phal2.devnet.rollup import DevnetRollup, batch_inbox_address, devnet_rollup, genesis_system_config
from phal2.devnet.tee.prover_enclave import prover_workload_hash
from phal2.node.l1.client import L1Client
from phal2.node.protocol.block_refs import L1BlockRef
from phal2.node.protocol.output_roots import output_root

LEAST_L2_GAS_LIMIT: Final = 2_000_000
MOST_L2_GAS_LIMIT: Final = 500_000_000
"""What SystemConfig takes when it is initialized."""


async def found_rollup(ground: Ground, l1: L1Client, seal: Seal) -> tuple[L1BlockRef, DevnetRollup]:
    """Deploy all L1 contracts and return the L1 block on which L2 begins, and the rollup.

    `seal` has L1 seal its next block, or waits for it. Raises `DeploymentError`.
    """
    deployer = ground.roles.account(DEPLOYER)
    parameters = _parameters(ground)
    _require_gas_limit(parameters.system_config.gas_limit)
    ground.progress("L1: deploying the contracts")
    bridge = bridge_steps(parameters)
    start = await send_steps(l1, deployer.private_key, parameters.first_nonce, bridge, seal)
    rollup = founded_rollup(ground, start)
    ground.progress("L1: deploying the dispute games")
    games = game_steps(
        parameters,
        config_hash(rollup.config),
        _genesis_output_root(rollup),
        prover_workload_hash(prover_configuration(rollup.config)),
    )
    await send_steps(l1, deployer.private_key, parameters.first_nonce + len(bridge), games, seal)
    return start, rollup


def _require_gas_limit(l2_gas_limit: int) -> None:
    if not LEAST_L2_GAS_LIMIT <= l2_gas_limit <= MOST_L2_GAS_LIMIT:
        raise DeploymentError(
            f"L2 blocks of {l2_gas_limit:,} gas are asked for, but SystemConfig takes {LEAST_L2_GAS_LIMIT:,} to "
            f"{MOST_L2_GAS_LIMIT:,}; choose --l2-gas-limit within that"
        )


def steps_of_founding(ground: Ground) -> int:
    """Return how many transactions of the deployer found the rollup."""
    return len(_all_steps(ground))


def founding_gas(ground: Ground) -> int:
    """Return the gas that founding the rollup takes at most."""
    return sum(step.gas_limit for step in _all_steps(ground))


def _all_steps(ground: Ground) -> Sequence[DeploymentStep]:
    parameters = _parameters(ground)
    # Neither number nor gas depends on what the hashes are.
    return [*bridge_steps(parameters), *game_steps(parameters, bytes(32), bytes(32), bytes(32))]


def founded_rollup(ground: Ground, start: L1BlockRef) -> DevnetRollup:
    """Return the rollup that was founded on an L1 whose block `start` is the one on which L2 begins."""
    contracts = planned_l1_contracts(ground.roles.account(DEPLOYER).address)
    batcher = ground.roles.account(BATCHER).address
    return devnet_rollup(ground.settings, ground.balances, ground.owner, contracts, start, batcher)


def _parameters(ground: Ground) -> DeploymentParameters:
    settings = ground.settings
    return DeploymentParameters(
        deployer=ground.roles.account(DEPLOYER).address,
        owner=ground.l1_owner,
        treasury=ground.roles.account(TREASURY).address,
        proposer=ground.roles.account(PROPOSER).address,
        system_config=genesis_system_config(settings, ground.roles.account(BATCHER).address),
        batch_inbox=batch_inbox_address(settings.l2_chain_id),
        l2_chain_id=settings.l2_chain_id,
        proof_maturity_delay=settings.proof_maturity_delay,
        game_finality_delay=settings.game_finality_delay,
        challenge_period=settings.challenge_period,
        quote_approver=ground.roles.account(QUOTE_APPROVER).address,
    )


def _genesis_output_root(rollup: DevnetRollup) -> bytes:
    block = rollup.genesis_block.block
    message_passer_root = block.header.withdrawals_root
    if message_passer_root is None:
        raise DeploymentError(
            "the genesis block has no storage root of the message passer, as blocks have from Isthmus"
        )
    return output_root(block.header.state_root, message_passer_root, block.hash)
