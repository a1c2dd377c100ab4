"""A proposer that tests step by hand, on a devnet that has none of its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.dispute_games import GameType
from phal2.bridge.proposer.games import Games, OutputOnL1
from phal2.bridge.proposer.proposer import Proposer, ProposerContracts
from phal2.bridge.proposer.prover_channels import ProverCommand, prover_command
from phal2.bridge.proposer.prover_client import ProgramClient
from phal2.bridge.proposer.registration import OwnerRegistrar, QuoteTrust
from phal2.bridge.proposer.settings import ProposerSettings
from phal2.bridge.proposer.transaction_sender import TransactionSender
from phal2.bridge.prover.claim import config_hash
from phal2.bridge.prover.configuration import prover_configuration
from phal2.devnet.accounts import role_account
from phal2.devnet.process import DevnetProcess
from phal2.devnet.tee.prover_enclave import OPEN_ENCLAVE, prover_workload_hash
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.devnet.tee.simulator import simulate_quote
from phal2.node.l1.client import L1Client
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.rollup_config import RollupConfig

SETTINGS = ProposerSettings(
    interval_blocks=1,
    interval_seconds=10_000,
    poll_interval_seconds=0.1,
    resubmission_seconds=30,
    blocks_in_a_request=16,
)


@dataclass
class Proposing:
    """The devnet as a proposer sees it."""

    devnet: DevnetProcess
    l1: L1Client
    l2: JsonRpcClient
    config: RollupConfig
    contracts: ProposerContracts
    prover: ProgramClient
    trust: QuoteTrust

    @property
    def games(self) -> Games:
        return Games(self.l1, self.contracts.dispute_game_factory, self.contracts.anchor_state_registry)

    def proposer(self, *, registers: bool = True, l2: JsonRpcClient | None = None, **changes: Any) -> Proposer:
        """A proposer that remembers nothing."""
        settings = replace(SETTINGS, **changes)
        key = role_account("proposer").private_key
        return Proposer(
            self.l1,
            l2 or self.l2,
            self.config,
            self.contracts,
            self.prover,
            key,
            settings,
            self.registrar(settings) if registers else None,
        )

    def registrar(self, settings: ProposerSettings = SETTINGS, trust: QuoteTrust | None = None) -> OwnerRegistrar:
        key = role_account("quote approver").private_key
        owner = TransactionSender(self.l1, self.config.l1_chain_id, key, settings)
        return OwnerRegistrar(
            self.l1, self.config.l1_chain_id, self.contracts.prover_registry, owner, trust or self.trust
        )

    async def newest_games(self, game_type: GameType = GameType.ENCLAVE) -> list[OutputOnL1]:
        """The newest games of a type, the newest first."""
        return [game for game in await self.games.page(await self.games.count()) if game.game_type == game_type]

    async def newest_game(self) -> OutputOnL1:
        """The newest enclave game."""
        return (await self.newest_games())[0]

    async def game_word(self, game: OutputOnL1, function: str) -> Any:
        """What a view of a game returns."""
        artefact = "PermissionedDisputeGame" if game.game_type == GameType.PERMISSIONED else "EnclaveDisputeGame"
        return await Contract(artefact, game.game or b"").read(self.l1.call, function)

    def output_root(self, number: int) -> bytes:
        """The follower's output root of an L2 block."""
        return bytes.fromhex(self.devnet.follower.request("optimism_outputAtBlock", hex(number))["outputRoot"][2:])

    def safe_number(self) -> int:
        return int(self.devnet.follower.request("optimism_syncStatus")["safe_l2"]["number"])


@asynccontextmanager
async def proposing(devnet: DevnetProcess, folder: Path) -> AsyncIterator[Proposing]:
    """Open clients, and a prover in a process of its own that starts when it is needed."""
    async with AsyncExitStack() as parts:
        l1, l2 = L1Client(devnet.l1.url), JsonRpcClient(devnet.follower.url)
        parts.push_async_callback(l1.close)
        parts.push_async_callback(l2.close)
        config = RollupConfig.from_json(await l2.call("optimism_rollupConfig"))
        configuration = prover_configuration(config)
        path = folder / "prover.json"
        path.write_bytes(configuration)
        prover = ProgramClient(ProverCommand(prover_command(path, ("--enclave", OPEN_ENCLAVE))), config_hash(config))
        parts.push_async_callback(prover.close)
        addresses = {name: bytes.fromhex(text[2:]) for name, text in devnet.l1.contracts.items()}
        contracts = ProposerContracts(
            addresses["DisputeGameFactory"], addresses["AnchorStateRegistry"], addresses["ProverRegistry"]
        )
        head = await l1.block_ref("latest")
        assert head is not None
        time = head.timestamp
        trust = QuoteTrust(
            SIMULATOR_ROOT_CA_DER,
            lambda _: simulate_quote(bytes(64), "", time).collateral_json,
            lambda: time,
            prover_workload_hash(configuration),
        )
        yield Proposing(devnet, l1, l2, config, contracts, prover, trust)
