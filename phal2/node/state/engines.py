"""Which engine runs messages. Another one is a module of its own and an entry here."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from phal2.node.state.database import BlockHashes
from phal2.node.state.evm import BlockContext, Evm, EvmFactory
from phal2.node.state.world_state import WorldState

ENGINES: Final[Mapping[str, tuple[str, str]]] = {"py-evm": ("phal2.node.state.py_evm", "open_py_evm")}
"""Module and function of each engine; the module is imported when the engine is first opened, as that takes long."""

ENGINE: Final = "py-evm"


def open_evm(block: BlockContext, world: WorldState, block_hashes: BlockHashes, engine: str = ENGINE) -> Evm:
    """Open an engine for a block."""
    module_name, function_name = ENGINES[engine]
    factory: EvmFactory = getattr(import_module(module_name), function_name)
    return factory(block, world, block_hashes)
