"""The L1 contracts on a chain in memory, deployed by the devnet's own steps."""

from dataclasses import dataclass
from functools import cache

from contract_chain import Chain, Contract, Outcome

from phal2.contracts import decode_revert, load_artefact
from phal2.devnet.deployment import DeploymentParameters, DeploymentStep, bridge_steps, game_steps, planned_l1_contracts
from phal2.node.protocol.addresses import contract_address
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.rollup_config import SystemConfig, ecotone_scalar

DEPLOYER = b"\xd0" * 20
OWNER = b"\x01" * 20
TREASURY = b"\x03" * 20
STRANGER = b"\x04" * 20
PROPOSER = b"\x05" * 20
BATCHER = b"\x06" * 20
ETHER = 10**18

L1_CHAIN_ID = 31337
CONFIG_HASH = keccak256(b"the rollup")
GENESIS_ROOT = keccak256(b"the genesis output root")
WORKLOAD = keccak256(b"the prover's workload")
MATURITY_DELAY = 2
FINALITY_DELAY = 1
CHALLENGE_PERIOD = 4

PARAMETERS = DeploymentParameters(
    deployer=DEPLOYER,
    owner=OWNER,
    treasury=TREASURY,
    proposer=PROPOSER,
    system_config=SystemConfig(BATCHER, bytes(32), ecotone_scalar(1_368, 810_949), 30_000_000, 250, 6),
    batch_inbox=b"\xff" * 20,
    l2_chain_id=20350,
    proof_maturity_delay=MATURITY_DELAY,
    game_finality_delay=FINALITY_DELAY,
    challenge_period=CHALLENGE_PERIOD,
    quote_approver=OWNER,
)


@dataclass(frozen=True, slots=True)
class L1World:
    """The chain and its contracts; it begins a block after the deployment."""

    chain: Chain

    @classmethod
    def deployed(cls) -> "L1World":
        """A world of its own, copied from one deployment."""
        return cls(_deployment().copy())

    def contract(self, name: str, address: bytes | None = None) -> Contract:
        """The contract of that name, where it was planned or at `address`."""
        return Contract(self.chain, load_artefact(name), self.address(name) if address is None else address)

    def address(self, name: str) -> bytes:
        """Where the contract of that name was planned."""
        return planned_l1_contracts(DEPLOYER).by_name()[name]

    @property
    def portal(self) -> Contract:
        return self.contract("OptimismPortal")

    @property
    def system_config(self) -> Contract:
        return self.contract("SystemConfig")

    @property
    def factory(self) -> Contract:
        return self.contract("DisputeGameFactory")

    @property
    def registry(self) -> Contract:
        return self.contract("AnchorStateRegistry")

    @property
    def provers(self) -> Contract:
        return self.contract("ProverRegistry")

    @property
    def quote_verifier(self) -> Contract:
        return self.contract("OwnerApprovedQuoteVerifier")

    @property
    def token(self) -> Contract:
        return self.contract("PHAToken")


@cache
def _deployment() -> Chain:
    chain = Chain(L1_CHAIN_ID)
    for account in (OWNER, STRANGER, PROPOSER):
        chain.state.set_balance(account, 1_000 * ETHER)
    for step in (*bridge_steps(PARAMETERS), *game_steps(PARAMETERS, CONFIG_HASH, GENESIS_ROOT, WORKLOAD)):
        outcome = _send(chain, step)
        assert outcome.succeeded, (step.doing, decode_revert([load_artefact("Proxy")], outcome.output))
    chain.pass_time(12)
    return chain


def _send(chain: Chain, step: DeploymentStep) -> Outcome:
    nonce = chain.state.get_nonce(DEPLOYER)
    chain.state.increment_nonce(DEPLOYER)
    gas = step.gas_limit - _intrinsic_gas(step)
    if step.to is None:
        return chain.create(contract_address(DEPLOYER, nonce), step.data, sender=DEPLOYER, gas=gas)
    return chain.transact(step.to, step.data, sender=DEPLOYER, gas=gas)


def _intrinsic_gas(step: DeploymentStep) -> int:
    zeros = step.data.count(0)
    data = 4 * zeros + 16 * (len(step.data) - zeros)
    return 21_000 + data + (32_000 + 2 * -(-len(step.data) // 32) if step.to is None else 0)
