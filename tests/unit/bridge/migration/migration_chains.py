"""An L1 with the bridge, PHA and PHAMigration, and an L2 with PHAClaims: the contracts on chains in memory.

Deposits wait until `deliver`.
"""

from dataclasses import dataclass, field

from bridge_layers import DEPLOYER, PORTAL, Deposit, Layers
from contract_chain import Contract, Outcome
from evm_node import EvmNode

from phal2.bridge.migration.tree import Leaf, MigrationTree, build_tree
from phal2.contracts import load_artefact
from phal2.node.attestation.account_secrets import AccountSecret, account_of
from phal2.node.attestation.multisig import multisig_account
from phal2.node.attestation.substrate_signatures import ECDSA, ED25519, SR25519
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT, PHA_CLAIMS, PHA_TOKEN
from phal2.node.protocol.signatures import address_of_private_key

PHA = 10**18
OWNER_KEY = b"\x11" * 32
OWNER = address_of_private_key(OWNER_KEY)
RELAYER_KEY = b"\x22" * 32
RELAYER = address_of_private_key(RELAYER_KEY)
RECEIVER = bytes.fromhex("d8da6bf26964af9d7eed9e03e53415d37aa96045")
RECEIVER_TEXT = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
TREASURY = b"\x7e" * 20
L1_CHAIN_ID = 31337
L2_CHAIN_ID = 20350
DAY = 86_400

ALICE = AccountSecret(SR25519, b"\xa1" * 32)
BOB = AccountSecret(ED25519, b"\xb0" * 32)
CAROL = AccountSecret(ECDSA, b"\xca" * 32)
SIGNATORIES = tuple(account_of(secret) for secret in (ALICE, BOB, CAROL))
MULTISIG = multisig_account(2, tuple(sorted(SIGNATORIES)))
STRANGER = AccountSecret(SR25519, b"\x57" * 32)

TREE = build_tree(
    [
        Leaf(account_of(ALICE), 7 * PHA, 3 * PHA),
        Leaf(account_of(BOB), 5 * PHA + 1, 0),
        Leaf(account_of(CAROL), 0, 11 * PHA),
        Leaf(MULTISIG, 100 * PHA, 23 * PHA),
    ]
)
OTHER_TREE = build_tree([Leaf(account_of(ALICE), 8 * PHA, 3 * PHA)])


@dataclass
class MigrationChains:
    """Both chains, their contracts and where they are served."""

    layers: Layers
    l1: EvmNode
    l2: EvmNode
    pha: Contract
    migration: Contract
    claims: Contract
    l1_url: str = ""
    l2_url: str = ""
    delivers_at_once: bool = True
    deposits: list[Deposit] = field(default_factory=list)

    @classmethod
    def deploy(cls) -> "MigrationChains":
        layers = Layers()
        l1, l2 = layers.l1, layers.l2
        pha = l1.deploy("PHAToken", OWNER, sender=DEPLOYER)
        addresses = (pha.address, PORTAL, layers.l1_bridge.address, TREASURY)
        migration = l1.deploy("PHAMigration", OWNER, *addresses, sender=DEPLOYER)
        l2.place("AttestationContext", ATTESTATION_CONTEXT)
        l2.place("L2PHAToken", PHA_TOKEN).transact("initialize", pha.address, sender=DEPLOYER)
        claims = l2.place_behind_proxy("PHAClaims", PHA_CLAIMS)
        claims.transact("initialize", OWNER, PHA_TOKEN, migration.address, DAY, sender=DEPLOYER)
        chains = cls(layers, EvmNode(l1, L1_CHAIN_ID), EvmNode(l2, L2_CHAIN_ID), pha, migration, claims)
        chains.l1.on_mined = chains._take_deposits
        return chains

    def launch(self, tree: MigrationTree = TREE, valid_for: int = DAY) -> None:
        """Launch without any command, for what comes after it."""
        self.pha.transact("transfer", self.migration.address, tree.total, sender=OWNER)
        deadline = self.l1.chain.time + valid_for
        self.migration.transact("setRoot", tree.root, tree.total, deadline, sender=OWNER)
        self._take_deposits(self.migration.transact("launch", sender=OWNER))

    def balance(self, address: bytes = RECEIVER) -> int:
        """PHA on L2."""
        balance: int = Contract(self.l2.chain, load_artefact("L2PHAToken"), PHA_TOKEN).read("balanceOf", address)
        return balance

    def pass_deadline(self) -> None:
        self.l2.chain.time = self.claims.read("deadline") + 1

    def deliver(self, count: int | None = None) -> None:
        """Execute the deposits on L2, or the first `count` of them."""
        for _ in range(len(self.deposits) if count is None else count):
            assert self.layers.derive(self.deposits.pop(0)).succeeded

    def _take_deposits(self, outcome: Outcome) -> None:
        self.deposits += self.layers.deposits(outcome)
        if self.delivers_at_once:
            self.deliver()
