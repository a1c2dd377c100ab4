"""POINT_EVALUATION (EIP-4844), with the trusted setup of Ethereum's KZG ceremony, loaded when it is first needed."""

import hashlib
from functools import lru_cache
from importlib.resources import as_file, files
from threading import Lock
from typing import Any, Final

import ckzg

from phal2.node.state.precompiles.precompile import PrecompileFailure

INPUT_LENGTH: Final = 192
FIELD_ELEMENTS_PER_BLOB: Final = 4096
BLS_MODULUS: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001

_OUTPUT: Final = FIELD_ELEMENTS_PER_BLOB.to_bytes(32, "big") + BLS_MODULUS.to_bytes(32, "big")
_SETUP_LOCK: Final = Lock()


def trusted_setup() -> Any:
    """Return ckzg's trusted setup. The first call takes two seconds, the others nothing.

    ckzg holds the interpreter's lock while it loads, so a thread that loads ahead would stop all others for as long.
    Hence nothing loads it ahead: the first evaluation does.
    """
    with _SETUP_LOCK:
        return _load_trusted_setup()


def evaluate_point(data: bytes) -> bytes:
    """Check that the polynomial behind a versioned hash has the value y at z; return the field's parameters."""
    if len(data) != INPUT_LENGTH:
        raise PrecompileFailure(f"point evaluation input of {len(data)} bytes, expected {INPUT_LENGTH}")
    versioned_hash, z, y, commitment, proof = data[:32], data[32:64], data[64:96], data[96:144], data[144:]
    if b"\x01" + hashlib.sha256(commitment).digest()[1:] != versioned_hash:
        raise PrecompileFailure("the versioned hash is not that of the commitment")
    try:
        holds = ckzg.verify_kzg_proof(commitment, z, y, proof, trusted_setup())
    except RuntimeError as error:
        raise PrecompileFailure("a point or field element of the KZG proof is malformed") from error
    if not holds:
        raise PrecompileFailure("the KZG proof does not hold")
    return _OUTPUT


@lru_cache(maxsize=1)
def _load_trusted_setup() -> Any:
    with as_file(files("eth") / "_utils" / "kzg_trusted_setup.txt") as path:
        return ckzg.load_trusted_setup(str(path), 0)
