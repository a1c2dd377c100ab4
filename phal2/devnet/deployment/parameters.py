"""What the L1 contracts are told when they are deployed."""

from dataclasses import dataclass
from typing import Final

from phal2.devnet.tee.measurements import DEFAULT_WORKLOAD
from phal2.node.protocol.rollup_config import SystemConfig

PROVER_WORKLOAD: Final = DEFAULT_WORKLOAD
"""Name of the simulated workload whose keys the ProverRegistry takes from the beginning."""


@dataclass(frozen=True, slots=True)
class DeploymentParameters:
    """Accounts, the chain's settings, and delays in seconds.

    `deployer` sends the transactions, from `first_nonce` on; `owner` owns what has an owner when all is done and has
    the PHA supply; `treasury` gets what is not claimed; `proposer` may create permissioned games, which `owner` may
    challenge for `challenge_period`.
    """

    deployer: bytes
    owner: bytes
    treasury: bytes
    proposer: bytes
    system_config: SystemConfig
    batch_inbox: bytes
    l2_chain_id: int
    proof_maturity_delay: int
    game_finality_delay: int
    challenge_period: int
    prover_workload: bytes
    first_nonce: int = 0
