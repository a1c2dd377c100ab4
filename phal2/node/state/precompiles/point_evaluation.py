"""POINT_EVALUATION (EIP-4844), with the trusted setup of Ethereum's KZG ceremony, loaded when it is first needed."""

from typing import Final

import ckzg

from phal2.node.protocol.kzg import trusted_setup, versioned_hash
from phal2.node.state.precompiles.precompile import PrecompileFailure

INPUT_LENGTH: Final = 192
FIELD_ELEMENTS_PER_BLOB: Final = 4096
BLS_MODULUS: Final = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001

_OUTPUT: Final = FIELD_ELEMENTS_PER_BLOB.to_bytes(32, "big") + BLS_MODULUS.to_bytes(32, "big")


def evaluate_point(data: bytes) -> bytes:
    """Check that the polynomial behind a versioned hash has the value y at z; return the field's parameters."""
    if len(data) != INPUT_LENGTH:
        raise PrecompileFailure(f"point evaluation input of {len(data)} bytes, expected {INPUT_LENGTH}")
    expected_hash, z, y, commitment, proof = data[:32], data[32:64], data[64:96], data[96:144], data[144:]
    if versioned_hash(commitment) != expected_hash:
        raise PrecompileFailure("the versioned hash is not that of the commitment")
    try:
        holds = ckzg.verify_kzg_proof(commitment, z, y, proof, trusted_setup())
    except RuntimeError as error:
        raise PrecompileFailure("a point or field element of the KZG proof is malformed") from error
    if not holds:
        raise PrecompileFailure("the KZG proof does not hold")
    return _OUTPUT
