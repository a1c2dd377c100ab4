"""A tracer that keeps all it is told, and messages that run under it on a small state."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from small_chain import ALICE, ETHER, L1, environment_of

from phal2.node.attestation.dcap import QuoteVerdicts
from phal2.node.protocol.receipts import Log
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.database import KnownBlockHashes, MemoryDatabase
from phal2.node.state.evm import MessageResult
from phal2.node.state.genesis import GenesisAccount, genesis_state
from phal2.node.state.message_execution import TransactionMessage, execute_message
from phal2.node.state.rules import Revision, block_rules
from phal2.node.state.tracing import FRAME_NAMES, FrameEnd, FrameStart, Step, Tracer
from phal2.node.state.tracing_instructions import instruction_name
from phal2.node.state.world_state import WorldState


@dataclass
class KeepingTracer:
    """`frames` has each message's start and end in the order in which they began."""

    wants_steps: bool = True
    frames: list[list[Any]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    memories: list[bytes] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)
    checkpoints: int = 0
    running: list[list[Any]] = field(default_factory=list)

    def enter(self, frame: FrameStart) -> None:
        self.running.append([frame, None])
        self.frames.append(self.running[-1])

    def exit(self, end: FrameEnd) -> None:
        self.running.pop()[1] = end

    def step(self, step: Step) -> None:
        self.steps.append(step)
        self.memories.append(bytes(step.memory))

    def log(self, log: Log) -> None:
        self.logs.append(log)

    def checkpoint(self) -> None:
        self.checkpoints += 1

    def outline(self) -> list[tuple[int, str, str | None]]:
        """Return depth, kind and error of each message."""
        return [(start.depth, FRAME_NAMES[start.opcode], end.error) for start, end in self.frames]

    def instructions(self) -> list[tuple[int, str, int, int]]:
        """Return position, name, gas and cost of each instruction."""
        return [(step.program_counter, instruction_name(step.opcode), step.gas, step.gas_cost) for step in self.steps]


@dataclass
class Watched:
    """What came of a message."""

    result: MessageResult
    tracer: KeepingTracer
    world: WorldState


def run(
    accounts: Mapping[bytes, GenesisAccount],
    tracer: Tracer | None,
    revision: Revision = Revision.PRAGUE,
    **fields: Any,
) -> tuple[MessageResult, WorldState]:
    """Run a message that Alice, who has 100 ether, sends; without gas of its own it has 1,000,000."""
    genesis = genesis_state({ALICE: GenesisAccount(100 * ETHER), **accounts})
    database = MemoryDatabase()
    database.add(genesis)
    world = WorldState(database, genesis.state_root)
    rules = block_rules(replace(L1, revision=revision), 0)
    scope = BlockScope(rules, environment_of(L1), world, KnownBlockHashes({}), QuoteVerdicts())
    scope.tracer = tracer
    defaults: dict[str, Any] = {"sender": ALICE, "value": 0, "data": b"", "gas": 1_000_000, "gas_price": 0}
    return execute_message(scope, TransactionMessage(**(defaults | fields))).result, world


def watch(accounts: Mapping[bytes, GenesisAccount], **fields: Any) -> Watched:
    """Run a message under a tracer that keeps all."""
    tracer = KeepingTracer()
    result, world = run(accounts, tracer, **fields)
    assert not tracer.running
    return Watched(result, tracer, world)
