"""The devnet's proposer, and its prover: a process of its own with quotes from the TEE simulator."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from phal2.bridge.proposer.l2_view import ANSWER_SECONDS
from phal2.bridge.proposer.proposer import Proposer, ProposerContracts
from phal2.bridge.proposer.prover_channels import ProverCommand, prover_command
from phal2.bridge.proposer.prover_client import ProgramClient
from phal2.bridge.proposer.registration import OwnerRegistrar, QuoteTrust
from phal2.bridge.proposer.settings import ProposerSettings
from phal2.bridge.proposer.transaction_sender import TransactionSender
from phal2.bridge.prover.claim import config_hash
from phal2.bridge.prover.configuration import prover_configuration
from phal2.bridge.whole_files import write_whole
from phal2.devnet.ground import PROPOSER, QUOTE_APPROVER, Ground
from phal2.devnet.restartable import RestartablePart
from phal2.devnet.running_l1 import RunningL1
from phal2.devnet.settings import ANVIL, EMBEDDED, DevnetSettings
from phal2.devnet.tee.prover_enclave import OPEN_ENCLAVE, prover_workload_hash
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.attestation.quotes import parse_report
from phal2.node.driver.lasting_tasks import begin_task, end_task
from phal2.node.l1.json_rpc import JsonRpcClient

_PREPARATION_SECONDS: Final = 5.0
"""When the prover is started and registered: not while the devnet's user waits for the first answers."""

_INTERVAL_BLOCKS: Final = 1_800


def start_proposer(ground: Ground, l1: RunningL1, l2_url: str) -> "tuple[RestartablePart, asyncio.Task[None]]":
    """Start the proposer on an L2 node; it ends with the devnet's parts."""
    settings, config = ground.settings, l1.rollup.config
    configuration = prover_configuration(config)
    path = ground.data_dir / "prover.json"
    write_whole(path, configuration.decode())
    prover = ProgramClient(_simulated_prover(path), config_hash(config))
    ground.parts.push_async_callback(prover.close)
    l2 = JsonRpcClient(l2_url, ANSWER_SECONDS)
    ground.parts.push_async_callback(l2.close)
    proposer_settings = ProposerSettings(
        interval_blocks=_interval_blocks(settings.state_retention),
        interval_seconds=settings.proposal_seconds,
        on_withdrawal=True,
        preparation_seconds=_PREPARATION_SECONDS,
        poll_interval_seconds=0.5,
        resubmission_seconds=_resubmission_seconds(settings),
    )
    contracts = ProposerContracts(
        l1.contracts.dispute_game_factory, l1.contracts.anchor_state_registry, l1.contracts.prover_registry
    )

    def now() -> int:
        return int(ground.clock.now())

    trust = QuoteTrust(SIMULATOR_ROOT_CA_DER, _collateral(now), now, prover_workload_hash(configuration))

    def make() -> Proposer:
        approver = TransactionSender(
            l1.client, config.l1_chain_id, l1.roles.account(QUOTE_APPROVER).private_key, proposer_settings
        )
        registrar = OwnerRegistrar(l1.client, config.l1_chain_id, contracts.prover_registry, approver, trust)
        key = l1.roles.account(PROPOSER).private_key
        return Proposer(l1.client, l2, config, contracts, prover, key, proposer_settings, registrar)

    part = RestartablePart(make)
    task = begin_task("the proposer", part.run())
    ground.parts.push_async_callback(end_task, task)
    return part, task


def _interval_blocks(state_retention: int | None) -> int:
    """Return after how many blocks a game is due: before the states that it takes are dropped."""
    return _INTERVAL_BLOCKS if state_retention is None else min(_INTERVAL_BLOCKS, max(1, state_retention // 2))


def _resubmission_seconds(settings: DevnetSettings) -> float:
    """Return after how long a transaction is taken for stuck: three blocks, which on somebody's L1 may be of 12 s."""
    own = settings.l1 in (EMBEDDED, ANVIL)
    return max(6.0, 3.0 * settings.l1_block_time) if own else 36.0


def _simulated_prover(configuration: Path) -> ProverCommand:
    return ProverCommand(prover_command(configuration, ("--enclave", OPEN_ENCLAVE)))


def _collateral(now: Callable[[], int]) -> Callable[[bytes], bytes]:
    """Return what gives the simulator's collateral for a quote, valid at the devnet's time."""

    def collateral(quote: bytes) -> bytes:
        # It brings the certificates' library, which a devnet without games does without.
        from phal2.devnet.tee.simulator import simulate_quote

        return simulate_quote(parse_report(quote).report_data, "", now()).collateral_json

    return collateral
