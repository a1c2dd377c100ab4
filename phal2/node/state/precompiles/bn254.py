"""Addition, multiplication and pairing check on alt-bn128 (EIP-196, EIP-197; prices of EIP-1108)."""

from functools import lru_cache
from types import ModuleType
from typing import Any, Final

from phal2.node.state.precompiles.precompile import PrecompileFailure

PAIR_LENGTH: Final = 192
PAIRING_BASE_GAS: Final = 45_000
PAIRING_GAS_PER_PAIR: Final = 34_000


def add(data: bytes) -> bytes:
    """Return the sum of two points of 64 bytes each."""
    padded = data[:128].ljust(128, b"\0")
    return _encode_g1(_curve().add(_decode_g1(padded[:64]), _decode_g1(padded[64:128])))


def multiply(data: bytes) -> bytes:
    """Return a point of 64 bytes times a scalar of 32 bytes."""
    padded = data[:96].ljust(96, b"\0")
    return _encode_g1(_curve().multiply(_decode_g1(padded[:64]), int.from_bytes(padded[64:], "big")))


def pairing_gas(data: bytes) -> int:
    """Return the price of a pairing check."""
    return PAIRING_BASE_GAS + PAIRING_GAS_PER_PAIR * (len(data) // PAIR_LENGTH)


def check_pairing(data: bytes) -> bytes:
    """Return 1 or 0 as a word: whether the product of the pairings of the (G1, G2) pairs is one."""
    if len(data) % PAIR_LENGTH:
        raise PrecompileFailure(f"pairing input of {len(data)} bytes, expected a multiple of {PAIR_LENGTH}")
    curve = _curve()
    product = curve.FQ12.one()
    for start in range(0, len(data), PAIR_LENGTH):
        g1 = _decode_g1(data[start : start + 64])
        g2 = _decode_g2(data[start + 64 : start + PAIR_LENGTH])
        product *= curve.pairing(g2, g1, final_exponentiate=False)
    holds = curve.final_exponentiate(product) == curve.FQ12.one()
    return int(holds).to_bytes(32, "big")


@lru_cache(maxsize=1)
def _curve() -> ModuleType:
    # py_ecc takes long to import, and most chains never call these contracts.
    from py_ecc import optimized_bn128

    return optimized_bn128


def _decode_g1(data: bytes) -> Any:
    curve = _curve()
    x, y = _field_element(data[:32]), _field_element(data[32:])
    if x == y == 0:
        return curve.Z1
    point = (curve.FQ(x), curve.FQ(y), curve.FQ.one())
    if not curve.is_on_curve(point, curve.b):
        raise PrecompileFailure("point is not on the alt-bn128 curve")
    return point


def _decode_g2(data: bytes) -> Any:
    curve = _curve()
    x_imaginary, x_real, y_imaginary, y_real = (_field_element(data[start : start + 32]) for start in (0, 32, 64, 96))
    if x_imaginary == x_real == y_imaginary == y_real == 0:
        return curve.Z2
    point = (curve.FQ2([x_real, x_imaginary]), curve.FQ2([y_real, y_imaginary]), curve.FQ2.one())
    if not curve.is_on_curve(point, curve.b2):
        raise PrecompileFailure("point is not on the twist of the alt-bn128 curve")
    if not curve.is_inf(curve.multiply(point, curve.curve_order)):
        raise PrecompileFailure("point is not in the subgroup of the alt-bn128 curve's twist")
    return point


def _field_element(data: bytes) -> int:
    value = int.from_bytes(data, "big")
    if value >= _curve().field_modulus:
        raise PrecompileFailure("coordinate is not below the alt-bn128 field modulus")
    return value


def _encode_g1(point: Any) -> bytes:
    curve = _curve()
    if curve.is_inf(point):
        return bytes(64)
    x, y = curve.normalize(point)
    return int(x.n).to_bytes(32, "big") + int(y.n).to_bytes(32, "big")
