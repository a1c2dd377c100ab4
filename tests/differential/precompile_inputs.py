"""Strategies for the input of precompiled contracts: what they understand, and that with one thing wrong."""

import hashlib
from functools import lru_cache
from typing import Any

from cast import KEYS, PRECOMPILES
from hypothesis import strategies as st
from py_ecc import optimized_bls12_381 as bls12_381
from py_ecc import optimized_bn128 as bn254
from py_ecc.bls.g2_primitives import G1_to_pubkey
from py_ecc.bls.hash_to_curve import map_to_curve_G1, map_to_curve_G2

from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import SECP256K1_ORDER, sign

_SCALARS = st.sampled_from([0, 1, 2, 3, 7])
_FACTORS = st.sampled_from([0, 1, 2, bn254.curve_order - 1, bls12_381.curve_order, 2**255, 2**256 - 1])


def _word(number: int, size: int = 32) -> bytes:
    return number.to_bytes(size, "big")


@lru_cache(maxsize=64)
def _bn254_g1(scalar: int) -> bytes:
    x, y = bn254.normalize(bn254.multiply(bn254.G1, scalar)) if scalar else (0, 0)
    return _word(int(x)) + _word(int(y))


@lru_cache(maxsize=64)
def _bn254_g2(scalar: int) -> bytes:
    if not scalar:
        return bytes(128)
    x, y = bn254.normalize(bn254.multiply(bn254.G2, scalar))
    return b"".join(_word(int(part)) for part in (*reversed(x.coeffs), *reversed(y.coeffs)))


_BN254_G2_OUTSIDE = (
    _word(0)
    + _word(1)
    + _word(5912654199736721486680175016176231956195085055698687135131307249486702594212)
    + _word(18278151005453108793778860132295291098363647455926340152056652516292830556603)
)
"""A point of the twist that is not in the subgroup."""


def _bls_g1(point: Any) -> bytes:
    return b"".join(_word(int(part), 64) for part in bls12_381.normalize(point))


def _bls_g2(point: Any) -> bytes:
    x, y = bls12_381.normalize(point)
    return b"".join(_word(int(part), 64) for part in (*x.coeffs, *y.coeffs))


@lru_cache(maxsize=64)
def _bls_g1_multiple(scalar: int) -> bytes:
    return _bls_g1(bls12_381.multiply(bls12_381.G1, scalar)) if scalar else bytes(128)


@lru_cache(maxsize=64)
def _bls_g2_multiple(scalar: int) -> bytes:
    return _bls_g2(bls12_381.multiply(bls12_381.G2, scalar)) if scalar else bytes(256)


# Points of the curves that are not in the subgroups: good for additions, refused by everything else (EIP-2537).
_BLS_G1_OUTSIDE = _bls_g1(map_to_curve_G1(bls12_381.FQ(5)))
_BLS_G2_OUTSIDE = _bls_g2(map_to_curve_G2(bls12_381.FQ2((5, 1))))

_BN254_G1 = st.one_of(_SCALARS.map(_bn254_g1), st.just(_word(1) + _word(3)), st.just(_word(bn254.field_modulus) * 2))
_BN254_G2 = st.one_of(_SCALARS.map(_bn254_g2), st.just(_BN254_G2_OUTSIDE))
_BLS_G1 = st.one_of(_SCALARS.map(_bls_g1_multiple), st.just(_BLS_G1_OUTSIDE), st.just(_word(1, 64) * 2))
_BLS_G2 = st.one_of(_SCALARS.map(_bls_g2_multiple), st.just(_BLS_G2_OUTSIDE), st.just(_word(1, 64) * 4))


def _join(*parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(b"".join)


def _several(part: st.SearchStrategy[bytes], most: int) -> st.SearchStrategy[bytes]:
    return st.lists(part, max_size=most).map(b"".join)


@st.composite
def _recoveries(draw: st.DrawFn) -> bytes:
    digest = keccak256(draw(st.binary(max_size=2)))
    y_parity, r, s = sign(digest, KEYS[0])
    v = 27 + y_parity
    if draw(st.booleans()):
        # The precompiled contract takes a high s, unlike transactions (EIP-2).
        v, s = 55 - v, SECP256K1_ORDER - s
    v = draw(st.sampled_from([v, v, v, 26, 29, 2**255 + v]))
    r = draw(st.sampled_from([r, r, r, 0, 5, SECP256K1_ORDER]))
    s = draw(st.sampled_from([s, s, s, 0, SECP256K1_ORDER]))
    return digest + _word(v) + _word(r) + _word(s)


_LENGTHS = st.sampled_from([0, 0, 1, 1, 2, 31, 32, 33, 64, 200])
_HUGE_LENGTHS = st.one_of(_LENGTHS, st.sampled_from([1_025, 2**32, 2**64, 2**255]))


@st.composite
def _exponentiations(draw: st.DrawFn) -> bytes:
    lengths = [draw(_HUGE_LENGTHS if draw(st.integers(0, 7)) == 0 else _LENGTHS) for _ in range(3)]
    fills = [draw(st.sampled_from([b"\0", b"\x01", b"\xff", b"\0\x03", b"\x80\0"])) for _ in range(3)]
    operands = b"".join(
        (fill * length)[:length] for fill, length in zip(fills, lengths, strict=True) if length <= 1_025
    )
    return b"".join(map(_word, lengths)) + operands


_COMPRESSIONS = st.tuples(
    st.sampled_from([0, 1, 2, 12, 20, 2**32 - 1]), st.binary(min_size=208, max_size=208), st.sampled_from([0, 1, 1, 2])
).map(lambda parts: _word(parts[0], 4) + parts[1] + bytes([parts[2]]))


@st.composite
def _point_evaluations(draw: st.DrawFn) -> bytes:
    """The proof for a constant polynomial is the point at infinity, and its value is the constant everywhere."""
    constant = draw(_SCALARS)
    infinity = b"\xc0" + bytes(47)
    commitment = bytes(G1_to_pubkey(bls12_381.multiply(bls12_381.G1, constant))) if constant else infinity
    versioned_hash = (
        draw(st.sampled_from([b"\x01", b"\x01", b"\x01", b"\x02"])) + hashlib.sha256(commitment).digest()[1:]
    )
    z = _word(draw(st.sampled_from([0, 3, bls12_381.curve_order - 1, bls12_381.curve_order])))
    y = _word(constant + draw(st.sampled_from([0, 0, 0, 1, bls12_381.curve_order])))
    proof = draw(st.sampled_from([infinity, infinity, infinity, b"\x40" + bytes(47)]))
    return versioned_hash + z + y + commitment + proof


_FIELD_ELEMENTS = st.sampled_from([0, 1, 5, bls12_381.field_modulus - 1, bls12_381.field_modulus, 2**384, 2**511]).map(
    lambda number: _word(number, 64)
)

_CHEAP: tuple[tuple[int, st.SearchStrategy[bytes]], ...] = (
    (0x01, _recoveries()),
    (0x02, st.binary(max_size=130)),
    (0x03, st.binary(max_size=130)),
    (0x04, st.binary(max_size=130)),
    (0x05, _exponentiations()),
    (0x05, _exponentiations()),
    (0x06, _join(_BN254_G1, _BN254_G1)),
    (0x07, _join(_BN254_G1, _FACTORS.map(_word))),
    (0x09, _COMPRESSIONS),
    (0x0B, _join(_BLS_G1, _BLS_G1)),
    (0x0C, _several(_join(_BLS_G1, _FACTORS.map(_word)), 2)),
    (0x0D, _join(_BLS_G2, _BLS_G2)),
    (0x10, _FIELD_ELEMENTS),
)
_DEAR: tuple[tuple[int, st.SearchStrategy[bytes]], ...] = (
    (0x08, _several(_join(_BN254_G1, _BN254_G2), 2)),
    (0x0A, _point_evaluations()),
    (0x0E, _several(_join(_BLS_G2, _FACTORS.map(_word)), 2)),
    (0x0F, _several(_join(_BLS_G1, _BLS_G2), 2)),
    (0x11, _join(_FIELD_ELEMENTS, _FIELD_ELEMENTS)),
)
"""These take the specification a tenth of a second and more."""


def _spoil(data: bytes, how: int) -> bytes:
    """Return input with the thing wrong that `how` says; most are as they were."""
    if how == 0 or not data:
        return data + b"\0"
    if how == 1:
        return data[:-1]
    if how == 2:
        return bytes([data[0] ^ 1]) + data[1:]
    if how == 3:
        return data[:-1] + bytes([data[-1] ^ 1])
    return data


def _of(table: tuple[tuple[int, st.SearchStrategy[bytes]], ...]) -> st.SearchStrategy[tuple[bytes, bytes]]:
    return st.one_of(
        *(
            st.tuples(st.just(PRECOMPILES[number - 1]), st.builds(_spoil, inputs, st.integers(0, 11)))
            for number, inputs in table
        )
    )


CHEAP_CALLS = _of(_CHEAP)
"""Address and input of a precompiled contract whose work is quickly done."""

DEAR_CALLS = _of(_DEAR)
"""Address and input of one of the pairings and their like."""
