"""Which engine runs messages: one module gives it, and one setting names it.

The environment variable `PHAL2_EVM` names the function that opens the engine, as `module:function`, for everything that
executes: nodes, commands, and the whole test suite, which so becomes the test of another engine. Engines differ in
speed alone; one that gives other results is a defect of that engine.
"""

import os
from functools import lru_cache
from importlib import import_module
from typing import Final

from phal2.node.protocol.errors import Phal2Error
from phal2.node.state.database import BlockHashes
from phal2.node.state.evm import BlockContext, Evm, EvmFactory
from phal2.node.state.py_evm_deferral import defer_bls12_381
from phal2.node.state.tracing import Tracer
from phal2.node.state.world_state import WorldState

ENGINE_VARIABLE: Final = "PHAL2_EVM"
PY_EVM: Final = "phal2.node.state.py_evm:open_py_evm"


class NoSuchEngine(Phal2Error):
    """The setting names no function that can be imported."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{ENGINE_VARIABLE} is {name!r}, which names no engine ({reason}); expected module:function, "
            f"such as {PY_EVM}, which is taken where the variable is not set"
        )
        self.name = name


def open_evm(block: BlockContext, world: WorldState, block_hashes: BlockHashes, tracer: Tracer | None = None) -> Evm:
    """Open the engine for a block, or with a tracer for one message; raise `NoSuchEngine` for a wrong setting."""
    return _engine(os.environ.get(ENGINE_VARIABLE) or PY_EVM)(block, world, block_hashes, tracer)


def load_engine() -> None:
    """Import the engine now rather than with the first block; raise `NoSuchEngine` for a wrong setting."""
    _engine(os.environ.get(ENGINE_VARIABLE) or PY_EVM)


@lru_cache(maxsize=4)
def _engine(name: str) -> EvmFactory:
    # Imported when it is first needed, as that takes long.
    if name == PY_EVM:
        defer_bls12_381()
    module_name, _, function_name = name.partition(":")
    try:
        factory: EvmFactory = getattr(import_module(module_name), function_name)
    except (ImportError, ValueError, AttributeError) as error:
        raise NoSuchEngine(name, str(error)) from error
    return factory
