"""The L1 contracts of a devnet: where they will be, and the transactions that put them there."""

from phal2.devnet.deployment.addresses import MULTICALL3, L1Contracts, planned_l1_contracts
from phal2.devnet.deployment.parameters import DeploymentParameters
from phal2.devnet.deployment.sending import DeploymentError, Seal, send_steps
from phal2.devnet.deployment.steps import DeploymentStep, bridge_steps, game_steps

__all__ = [
    "MULTICALL3",
    "DeploymentError",
    "DeploymentParameters",
    "DeploymentStep",
    "L1Contracts",
    "Seal",
    "bridge_steps",
    "game_steps",
    "planned_l1_contracts",
    "send_steps",
]
