"""What every rule of the state transition has at hand while a block is executed."""

from collections.abc import Mapping
from dataclasses import dataclass

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.fees import L1FeeParameters
from phal2.node.protocol.forks import Fork
from phal2.node.state.blobs import blob_base_fee
from phal2.node.state.database import BlockHashes
from phal2.node.state.engines import open_evm
from phal2.node.state.environment import BlockEnvironment
from phal2.node.state.evm import BlockContext, Checkpoint, Evm
from phal2.node.state.l1_fee_parameters import read_l1_fee_parameters
from phal2.node.state.precompiles.precompile import Precompile
from phal2.node.state.precompiles.table import precompiles_of
from phal2.node.state.rules import BlockRules
from phal2.node.state.tracing import Tracer
from phal2.node.state.world_state import WorldState


@dataclass(frozen=True, slots=True)
class ScopeOverrides:
    """What a call or a simulation has otherwise than its block's rules say; None leaves it to them.

    `checkpoint` is the engine's (see `BlockContext`).
    """

    precompiles: Mapping[bytes, Precompile] | None = None
    blob_base_fee: int | None = None
    checkpoint: Checkpoint | None = None


class BlockScope:
    """The rules, the environment and the state of one block, and the engine over them.

    `precompiles` are the precompiled contracts that are warm from the start, those of the rules; `callable_precompiles`
    are where such contracts can be called, which overrides may change. While `tracer` is set, it watches every message.
    """

    def __init__(
        self,
        rules: BlockRules,
        environment: BlockEnvironment,
        world: WorldState,
        block_hashes: BlockHashes,
        verdicts: QuoteVerdicts,
        overrides: ScopeOverrides | None = None,
    ) -> None:
        self.rules = rules
        self.environment = environment
        self.world = world
        self.verdicts = verdicts
        self.precompiles = self.callable_precompiles = frozenset(precompiles_of(rules))
        # On L2 the excess is always 0, and the price of blob gas so its minimum.
        self.blob_base_fee = blob_base_fee(rules.revision, environment.excess_blob_gas or 0)
        self._overrides = ScopeOverrides() if overrides is None else overrides
        if overrides is not None:
            self._override(overrides)
        self.tracer: Tracer | None = None
        self._block_hashes = block_hashes
        self._evm: Evm | None = None
        self._l1_fee_parameters: L1FeeParameters | None = None

    @property
    def evm(self) -> Evm:
        """The engine. It is opened when it is first needed, as a block of plain transfers never needs it."""
        if self.tracer is not None:
            return open_evm(self._context(), self.world, self._block_hashes, self.tracer)
        if self._evm is None:
            self._evm = open_evm(self._context(), self.world, self._block_hashes)
        return self._evm

    def l1_fee_parameters(self, fork: Fork) -> L1FeeParameters:
        """Return the L2 block's fee parameters; only the L1 attributes deposit, which comes first, can change them."""
        if self._l1_fee_parameters is None:
            self._l1_fee_parameters = read_l1_fee_parameters(self.world, fork)
        return self._l1_fee_parameters

    def _context(self) -> BlockContext:
        environment = self.environment
        return BlockContext(
            rules=self.rules,
            coinbase=environment.coinbase,
            number=environment.number,
            timestamp=environment.timestamp,
            gas_limit=environment.gas_limit,
            base_fee_per_gas=environment.base_fee_per_gas,
            blob_base_fee=self.blob_base_fee,
            prev_randao=environment.prev_randao,
            precompiles=self._overrides.precompiles,
            checkpoint=self._overrides.checkpoint,
        )

    def _override(self, overrides: ScopeOverrides) -> None:
        if overrides.precompiles is not None:
            self.callable_precompiles = frozenset(overrides.precompiles)
        if overrides.blob_base_fee is not None:
            self.blob_base_fee = overrides.blob_base_fee
