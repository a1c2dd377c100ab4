"""What the L1 contracts are told when they are deployed."""

from dataclasses import dataclass

from phal2.node.protocol.rollup_config import SystemConfig


@dataclass(frozen=True, slots=True)
class DeploymentParameters:
    """Accounts, the chain's settings, and delays in seconds.

    `deployer` sends the transactions, from `first_nonce` on; `owner` owns what has an owner when all is done and has
    the PHA supply; `treasury` gets what is not claimed; `proposer` may create permissioned games, which `owner` may
    challenge for `challenge_period`; `quote_approver` owns the quote verifier.
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
    quote_approver: bytes
    first_nonce: int = 0
