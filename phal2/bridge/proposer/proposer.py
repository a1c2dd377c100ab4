"""The proposer's loop: finds the newest output that L1 knows, has the blocks after it proven, creates the next game."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.chain_access.errors import ChainError
from phal2.bridge.chain_access.l2_source import SyncStatus
from phal2.bridge.dispute_games import GAMES_IN_A_PAGE, GameType
from phal2.bridge.proposer.errors import ChainMoved, NotRegistered, ProposerError
from phal2.bridge.proposer.games import (
    Games,
    OutputOnL1,
    UndecidedGame,
    enclave_extra_data,
    permissioned_extra_data,
)
from phal2.bridge.proposer.gathering import Gathering
from phal2.bridge.proposer.l2_view import L2View
from phal2.bridge.proposer.proven_chain import ProvenChain
from phal2.bridge.proposer.prover_client import ProverClient
from phal2.bridge.proposer.settings import ProposerSettings
from phal2.bridge.proposer.transaction_sender import ContractCall, TransactionSender
from phal2.bridge.prover.errors import ProverError
from phal2.node.l1.backoff import Backoff
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointError
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.block_refs import BlockId
from phal2.node.protocol.rollup_config import RollupConfig

_LOGGER = logging.getLogger("phal2.proposer")

_ARTEFACTS: Final = (
    "DisputeGameFactory",
    "EnclaveDisputeGame",
    "PermissionedDisputeGame",
    "AnchorStateRegistry",
    "ProverRegistry",
)


@dataclass(frozen=True, slots=True)
class ProposerContracts:
    """The 20-byte addresses of the rollup's contracts on L1 that games are about."""

    dispute_game_factory: bytes
    anchor_state_registry: bytes
    prover_registry: bytes


class Registrar(Protocol):
    """Sees to it that a prover's key is registered."""

    async def register(self, prover: ProverClient) -> None:
        """Register the prover's key. Raises a `ProposerError` or an `EndpointError`."""
        ...


class Proposer:
    """Proposes the outputs of one L2 node. `run` it until cancelled; L1 is all its memory.

    The clients and the prover belong to the caller.
    """

    def __init__(
        self,
        l1: L1Client,
        l2: JsonRpcClient,
        config: RollupConfig,
        contracts: ProposerContracts,
        prover: ProverClient | None,
        private_key: bytes,
        settings: ProposerSettings | None = None,
        registrar: Registrar | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`private_key` (32 bytes) pays for the games. Enclave games need a `prover`."""
        self._settings = settings or ProposerSettings()
        if prover is None and self._settings.game_type is GameType.ENCLAVE:
            raise ProposerError("games of the enclave's type need a prover")
        self._l1 = l1
        self._view = L2View(l2)
        self._config = config
        self._games = Games(l1, contracts.dispute_game_factory, contracts.anchor_state_registry)
        self._prover_registry = Contract("ProverRegistry", contracts.prover_registry)
        self._prover = prover
        self._proven = None
        if prover is not None:
            self._proven = ProvenChain(Gathering(config, l1, l2), prover, self._settings.blocks_in_a_request)
        self._registrar = registrar
        self._sender = TransactionSender(l1, config.l1_chain_id, private_key, self._settings, clock)
        self._clock = clock
        self._started_at = clock()
        self._registered = b""
        self._nothing_due_at: tuple[BlockId, ...] = ()
        self._known_output: OutputOnL1 | None = None
        self._known_count = -1
        self._undecided: list[UndecidedGame] = []
        self._undecided_count = -1
        self.trouble: str | None = None
        """Why no game is created at present; None where nothing is wrong."""

    async def run(self) -> None:
        """Propose until cancelled. What fails is tried again with growing pauses, and said once."""
        _LOGGER.info("proposing outputs from %s", to_checksum_address(self._sender.address))
        backoff = Backoff(self._settings.poll_interval_seconds)
        while True:
            try:
                await self.step()
            except (EndpointError, ChainError, ProposerError, ProverError, OSError) as error:
                delay = backoff.next_delay(error if isinstance(error, EndpointError) else None)
                if str(error) != self.trouble:
                    _LOGGER.warning("%s; trying again", error)
                self.trouble = str(error)
            else:
                backoff.reset()
                delay = self._settings.poll_interval_seconds
                self.trouble = None
            await asyncio.sleep(delay)

    async def step(self) -> None:
        """Do what is due now: one turn of `run`. Raises what stands in the way; the next turn goes on from there."""
        await self._prepare_prover()
        status = await self._view.sync_status()
        if self._settings.game_type is GameType.PERMISSIONED:
            await self._resolve_games(status)
        # Unsafe blocks, which come all the time, make nothing due.
        decisive = (status.safe_l2, status.finalized_l2, status.head_l1)
        if decisive == self._nothing_due_at:
            return
        parent = await self._output_to_go_on_from(self._head(status).number)
        if parent is None or not await self._is_due(parent, status):
            self._nothing_due_at = decisive
            return
        if self._settings.game_type is GameType.PERMISSIONED:
            await self._create_permissioned(self._head(status))
        else:
            await self._create_enclave(parent, status)

    def _head(self, status: SyncStatus) -> BlockId:
        return status.finalized_l2 if self._settings.finalized_only else status.safe_l2

    async def _prepare_prover(self) -> None:
        """Have the prover started and registered before its first game is due, but not while others are starting."""
        if self._prover is None or self._registrar is None or self._registered:
            return
        if self._clock() - self._started_at >= self._settings.preparation_seconds:
            await self._require_registered(self._prover)

    async def _output_to_go_on_from(self, head: int) -> OutputOnL1 | None:
        """Return what `_newest_right_output` does, without asking again about what cannot have changed."""
        count, known = await self._games.count(), self._known_output
        if known is None or count != self._known_count or not await self._is_on_l2(known, head):
            known = self._known_output = await self._newest_right_output(head)
            self._known_count = count
        return known

    async def _is_on_l2(self, output: OutputOnL1, head: int) -> bool:
        number = output.l2_block_number
        return number <= head and await self._view.output_root(number) == output.root

    async def _newest_right_output(self, head: int) -> OutputOnL1 | None:
        """Return the output to go on from; None where a game is ahead of this node, which has to catch up first.

        That is one of the newest games that count and whose root this node has, too; where there is none the anchor
        root. Raises `ChainMoved` where the node has not even that one.
        """
        anchor = await self._games.anchor()
        retired_until = await self._games.retired_until()
        below = await self._games.count()
        while below > 0:
            page = await self._games.page(below)
            # Whoever creates a game anew from an old claim must not have the blocks since then proven again, so of a
            # page it is the newest block that counts.
            for output in sorted(page, key=lambda output: output.l2_block_number, reverse=True):
                if output.l2_block_number <= anchor.l2_block_number or output.created_at <= retired_until:
                    continue
                ahead = output.l2_block_number > head
                if (ahead or await self._is_on_l2(output, head)) and await self._counts(output):
                    return None if ahead else output
            if page and page[-1].created_at <= retired_until:
                break
            below -= GAMES_IN_A_PAGE
        if anchor.l2_block_number <= head:
            own = await self._view.output_root(anchor.l2_block_number)
            if own != anchor.root:
                raise ChainMoved(
                    f"L1's anchor root 0x{anchor.root.hex()} is not the output root of the node's L2 block "
                    f"{anchor.l2_block_number}, 0x{own.hex()}; is this the node of another chain?"
                )
        return anchor

    async def _counts(self, output: OutputOnL1) -> bool:
        if self._settings.game_type is GameType.PERMISSIONED:
            # They need no parent, and one that is not decided yet is not to be created again.
            return not await self._games.is_lost(output)
        return await self._games.can_be_parent(output)

    async def _is_due(self, parent: OutputOnL1, status: SyncStatus) -> bool:
        settings, head = self._settings, self._head(status)
        new_blocks = head.number - parent.l2_block_number
        if new_blocks <= 0:
            return False
        since = parent.created_at or self._config.l2_timestamp(parent.l2_block_number)
        if new_blocks >= settings.interval_blocks or status.head_l1_time - since >= settings.interval_seconds:
            return True
        return settings.on_withdrawal and await self._has_withdrawals(parent, head)

    async def _has_withdrawals(self, parent: OutputOnL1, head: BlockId) -> bool:
        """Tell whether a game at `head` would serve a withdrawal that the parent does not.

        Wallets take a game only where its block is after the withdrawal's, so a withdrawal in the parent's own block
        still waits for one, and one in the head's own block would not be served.
        """
        before = max(parent.l2_block_number - 1, self._config.l2_genesis.number)
        return await self._view.withdrawals_root(before) != await self._view.withdrawals_root(head.number - 1)

    async def _create_enclave(self, parent: OutputOnL1, status: SyncStatus) -> None:
        if self._prover is None or self._proven is None:
            raise ProposerError("games of the enclave's type need a prover")
        # Before anything is proven, as a claim that a key signed which does not count is of no use.
        await self._require_registered(self._prover)
        target = self._head(status).number
        while True:
            signed = await self._proven.prove(parent, target)
            if await self._view.output_root(signed.claim.l2_block_number) != signed.claim.output_root:
                self._proven.forget()
                raise ChainMoved(f"L2 block {signed.claim.l2_block_number} was replaced while it was proven")
            # What took long to prove may be old by now.
            status = await self._view.sync_status()
            if status.head_l1.number - signed.claim.l1_block_number <= self._settings.oldest_l1_origin:
                break
            if self._head(status).number <= target:
                raise ChainMoved(
                    f"the L1 origin {signed.claim.l1_block_number} of L2 block {target} is too old for a game; "
                    "waiting for newer safe blocks"
                )
            target = self._head(status).number
        data = enclave_extra_data(signed, parent.index)
        await self._create(signed.claim.l2_block_number, signed.claim.output_root, data)

    async def _create_permissioned(self, head: BlockId) -> None:
        root = await self._view.output_root(head.number)
        await self._create(head.number, root, permissioned_extra_data(head.number))

    async def _create(self, l2_block_number: int, root: bytes, extra_data: bytes) -> None:
        game_type, factory = self._settings.game_type, self._games.factory
        call = ContractCall(
            what=f"creating the game of L2 block {l2_block_number}",
            to=factory.address,
            data=factory.call_data("create", int(game_type), root, extra_data),
            artefacts=_ARTEFACTS,
            value=await self._games.bond(game_type),
        )
        # Whatever becomes of it, the games are to be looked at anew.
        self._known_output = None
        mined = await self._sender.send(call)
        _LOGGER.info(
            "L2 block %d is proposed in L1 block %d, gas %d", l2_block_number, mined.block_number, mined.gas_used
        )
        respected = await self._games.respected_type()
        if respected != game_type:
            _LOGGER.warning(
                "games of type %d are created, but withdrawals are proven with those of type %d", game_type, respected
            )
        await self._move_anchor(l2_block_number)

    async def _move_anchor(self, newest: int) -> None:
        """Have the anchor root follow, where it is far behind the newest game's L2 block."""
        least = (await self._games.anchor()).l2_block_number + self._settings.anchor_blocks
        final = await self._games.newest_final(self._settings.game_type, least - 1) if newest >= least else None
        if final is not None:
            registry = self._games.registry
            call = ContractCall(
                what=f"moving the anchor root to the game of L2 block {final.l2_block_number}",
                to=registry.address,
                data=registry.call_data("setAnchorState", final.game),
                artefacts=_ARTEFACTS,
            )
            await self._sender.send(call)
            _LOGGER.info("the anchor root is that of L2 block %d", final.l2_block_number)

    async def _resolve_games(self, status: SyncStatus) -> None:
        count = await self._games.count()
        if count != self._undecided_count:
            self._undecided = await self._games.undecided(self._sender.address)
            self._undecided_count = count
        # Clocks run out in the order of creation.
        while self._undecided and self._undecided[0].expiry < status.head_l1_time:
            game = Contract("PermissionedDisputeGame", self._undecided[0].address)
            if await self._games.is_undecided(game.address):
                call = ContractCall("resolving a game", game.address, game.call_data("resolve"), _ARTEFACTS)
                await self._sender.send(call)
            self._undecided.pop(0)

    async def _require_registered(self, prover: ProverClient) -> None:
        address = (await prover.description()).address
        if await self._prover_registry.read(self._l1.call, "isValidProver", address):
            self._registered = address
            return
        if self._registrar is None:
            raise NotRegistered(
                f"the prover {to_checksum_address(address)} is not registered at ProverRegistry "
                f"{to_checksum_address(self._prover_registry.address)}, or no longer: `phal2 proposer register` does it"
            )
        await self._registrar.register(prover)
        self._registered = (await prover.description()).address
