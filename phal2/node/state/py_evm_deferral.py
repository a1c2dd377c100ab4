"""Imports py-evm without what it computes for the BLS12-381 precompiles, which this engine has its own of.

py-evm's modules of these precompiles take a quarter of a second to import, as a library behind them computes pairings.
Functions stand in for them until one is called, so that py-evm stays whole for others in the process.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, Final

_MODULE: Final = "eth.precompiles.bls12_381"
_PRECOMPILES: Final = (
    "bls12_g1_add",
    "bls12_g1_msm",
    "bls12_map_fp_to_g1",
    "bls12_g2_add",
    "bls12_g2_msm",
    "bls12_map_fp2_to_g2",
    "bls12_pairing_check",
)


def defer_bls12_381() -> None:
    """Have py-evm's BLS12-381 precompiles imported when one is called, unless py-evm is imported already."""
    if "eth.precompiles" in sys.modules or _MODULE in sys.modules:
        return
    stand_in = ModuleType(_MODULE)
    for name in _PRECOMPILES:
        setattr(stand_in, name, _deferred(name, stand_in))
    sys.modules[_MODULE] = stand_in


def _deferred(name: str, stand_in: ModuleType) -> Callable[[Any], Any]:
    def precompile(computation: Any) -> Any:
        if sys.modules.get(_MODULE) is stand_in:
            del sys.modules[_MODULE]
        return getattr(import_module(_MODULE), name)(computation)

    return precompile
