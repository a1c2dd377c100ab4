"""Which precompiled contracts a block has, and where."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from phal2.node.protocol.forks import Fork
from phal2.node.protocol.predeploys import P256_VERIFY
from phal2.node.state.precompiles import bls12_381, bn254, hashes
from phal2.node.state.precompiles.modular_exponentiation import modexp, modexp_gas
from phal2.node.state.precompiles.point_evaluation import evaluate_point
from phal2.node.state.precompiles.precompile import Precompile, PrecompileFailure, fixed_gas, word_gas
from phal2.node.state.precompiles.signature_recovery import recover_signer, verify_p256
from phal2.node.state.rules import BlockRules, Revision

_ISTANBUL: Final = {
    0x01: Precompile(fixed_gas(3_000), recover_signer),
    0x02: Precompile(word_gas(60, 12), hashes.sha256),
    0x03: Precompile(word_gas(600, 120), hashes.ripemd160),
    0x04: Precompile(word_gas(15, 3), bytes),
    0x05: Precompile(modexp_gas, modexp),
    0x06: Precompile(fixed_gas(150), bn254.add),
    0x07: Precompile(fixed_gas(6_000), bn254.multiply),
    0x08: Precompile(bn254.pairing_gas, bn254.check_pairing),
    0x09: Precompile(hashes.blake2_rounds, hashes.blake2_compress),
}
_CANCUN: Final = {0x0A: Precompile(fixed_gas(50_000), evaluate_point)}
_PRAGUE: Final = {
    0x0B: Precompile(fixed_gas(bls12_381.G1_ADD_GAS), bls12_381.add_g1),
    0x0C: Precompile(bls12_381.multiply_g1_gas, bls12_381.multiply_g1),
    0x0D: Precompile(fixed_gas(bls12_381.G2_ADD_GAS), bls12_381.add_g2),
    0x0E: Precompile(bls12_381.multiply_g2_gas, bls12_381.multiply_g2),
    0x0F: Precompile(bls12_381.pairing_gas, bls12_381.check_pairing),
    0x10: Precompile(fixed_gas(bls12_381.MAP_TO_G1_GAS), bls12_381.map_to_g1),
    0x11: Precompile(fixed_gas(bls12_381.MAP_TO_G2_GAS), bls12_381.map_to_g2),
}
_P256: Final = Precompile(fixed_gas(3_450), verify_p256)

# A fault proof must be able to run the longest input in one step of its machine (OP Stack "Granite", "Isthmus").
_L2_INPUT_LIMITS: Final = (
    (Fork.GRANITE, 0x08, 112_687),
    (Fork.ISTHMUS, 0x0C, 513_760),
    (Fork.ISTHMUS, 0x0E, 488_448),
    (Fork.ISTHMUS, 0x0F, 235_008),
)


@lru_cache(maxsize=16)
def precompiles_of(rules: BlockRules) -> Mapping[bytes, Precompile]:
    """Return the precompiled contracts of a block by address."""
    by_number = dict(_ISTANBUL)
    if rules.revision >= Revision.CANCUN:
        by_number |= _CANCUN
    if rules.revision >= Revision.PRAGUE:
        by_number |= _PRAGUE
    for fork, number, limit in _L2_INPUT_LIMITS:
        if rules.is_l2_fork(fork):
            by_number[number] = replace(by_number[number], run=_limited(by_number[number].run, limit))
    table = {number.to_bytes(20, "big"): precompile for number, precompile in by_number.items()}
    if rules.has_p256_verify:
        table[P256_VERIFY] = _P256
    return table


def _limited(run: Callable[[bytes], bytes], limit: int) -> Callable[[bytes], bytes]:
    def run_within_limit(data: bytes) -> bytes:
        if len(data) > limit:
            raise PrecompileFailure(f"input of {len(data)} bytes, at most {limit} are allowed on this chain")
        return run(data)

    return run_within_limit
