"""Provers and their dispute games on an `L1World`."""

from dataclasses import dataclass

from contract_chain import Contract, Outcome
from eth_abi.abi import encode
from l1_world import CONFIG_HASH, GENESIS_ROOT, OWNER, PROPOSER, STRANGER, L1World

from phal2.bridge.dispute_games import GameType
from phal2.bridge.prover.claim import Claim, sign_claim
from phal2.contracts import load_artefact
from phal2.devnet.tee.simulator import STANDARD_PLATFORM, SimulatedPlatform, SimulatedQuote, simulate_quote
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import address_of_private_key

PROVER_KEY = b"\x99" * 32
PROVER = address_of_private_key(PROVER_KEY)
ANCHOR_ROOT = 2**256 - 1
IN_PROGRESS, CHALLENGER_WINS, DEFENDER_WINS = range(3)


def prover_quote(
    world: L1World, prover: bytes = PROVER, platform: SimulatedPlatform = STANDARD_PLATFORM
) -> SimulatedQuote:
    """The simulated TEE's quote that registers a key."""
    report_data: bytes = world.provers.read("reportDataOf", prover)
    return simulate_quote(report_data.ljust(64, b"\0"), "prover", world.chain.time, platform)


def register_prover(world: L1World, prover: bytes = PROVER) -> Outcome:
    """Have the owner approve a quote of the key, allow its workload, and register it."""
    quote = prover_quote(world, prover)
    world.quote_verifier.transact("approve", keccak256(quote.quote), 0, sender=OWNER)
    world.provers.transact("setWorkload", quote.workload, True, sender=OWNER)
    return world.provers.transact("register", prover, quote.quote, sender=STRANGER)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a prover signs, on top of `previous_root`, and the game is created with."""

    world: L1World
    root: bytes
    l2_block: int
    parent: int = ANCHOR_ROOT
    previous_root: bytes = GENESIS_ROOT
    key: bytes = PROVER_KEY
    l1_block: int | None = None
    config_hash: bytes = CONFIG_HASH

    @property
    def extra_data(self) -> bytes:
        chain = self.world.chain
        number = chain.block_number - 1 if self.l1_block is None else self.l1_block
        claim = Claim(self.config_hash, chain.block_hash(number), number, self.l2_block, self.previous_root, self.root)
        signature = sign_claim(claim, self.key).signature
        return extra_data(self.l2_block, number, self.parent, signature)

    @property
    def creation(self) -> tuple[str, int, bytes, bytes]:
        return ("create", GameType.ENCLAVE, self.root, self.extra_data)

    def create(self) -> Contract:
        """Create the game, and return it."""
        return newest_game(self.world, self.world.factory.transact(*self.creation, sender=STRANGER))

    def refuse(self) -> str:
        """Try to create the game, and return why that failed."""
        return self.world.factory.refuse(*self.creation, sender=STRANGER)


def extra_data(l2_block: int, l1_block: int, parent: int, signature: bytes) -> bytes:
    return encode(["uint256", "uint256", "uint256", "bytes"], [l2_block, l1_block, parent, signature])


def newest_game(world: L1World, creation: Outcome, name: str = "EnclaveDisputeGame") -> Contract:
    """The game that a call of the factory created."""
    return world.contract(name, world.factory.event(creation).arguments["disputeProxy"])


def create_permissioned(world: L1World, root: bytes, l2_block: int) -> Contract:
    """Create a permissioned game, as its proposer."""
    creation = ("create", GameType.PERMISSIONED, root, l2_block.to_bytes(32, "big"))
    return newest_game(world, world.factory.transact(*creation, sender=PROPOSER), "PermissionedDisputeGame")


def respect(world: L1World, game_type: int) -> None:
    world.registry.transact("setRespectedGameType", game_type, sender=OWNER)


def list_games_of_another_type(world: L1World, count: int) -> None:
    """Have the list grow by games of a type that nobody knows: their entries are zero."""
    (slot,) = (
        int(entry["slot"])
        for entry in load_artefact("DisputeGameFactory").storage_layout["storage"]
        if entry["label"] == "_list"
    )
    address = world.factory.address
    world.chain.state.set_storage(address, slot, world.chain.state.get_storage(address, slot) + count)
