"""The alt-bn128 precompiles against py_ecc, an implementation of its own, and what they refuse."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as oracle

from phal2.node.state.precompiles import bn254
from phal2.node.state.precompiles.precompile import PrecompileFailure

MODULUS = oracle.field_modulus
ORDER = oracle.curve_order
SCALARS = st.integers(0, ORDER - 1)
WORDS = st.integers(0, 2**256 - 1)


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


def encode_g1(point: Any) -> bytes:
    if oracle.is_inf(point):
        return bytes(64)
    x, y = oracle.normalize(point)
    return word(int(x)) + word(int(y))


def encode_g2(point: Any) -> bytes:
    if oracle.is_inf(point):
        return bytes(128)
    x, y = oracle.normalize(point)
    return b"".join(word(int(number)) for number in (*reversed(x.coeffs), *reversed(y.coeffs)))


def g1(scalar: int) -> bytes:
    return encode_g1(oracle.multiply(oracle.G1, scalar))


def g2(scalar: int) -> bytes:
    return encode_g2(oracle.multiply(oracle.G2, scalar))


def root_of(square: Any) -> Any:
    """Return a square root in the quadratic extension, or None where there is none."""
    real, imaginary = (int(number) for number in square.coeffs)
    norm = pow(real * real + imaginary * imaginary, (MODULUS + 1) // 4, MODULUS)
    for sign in (norm, -norm):
        half = (real + sign) * pow(2, -1, MODULUS) % MODULUS
        root_real = pow(half, (MODULUS + 1) // 4, MODULUS)
        if root_real:
            root = oracle.FQ2([root_real, imaginary * pow(2 * root_real, -1, MODULUS) % MODULUS])
            if root * root == square:
                return root
    return None


def twist_point(seed: int) -> tuple[Any, Any, Any]:
    """Return a point of the twist, which is outside the subgroup but for one of 2^254 seeds."""
    while True:
        x = oracle.FQ2([seed % MODULUS, 1])
        root = root_of(x * x * x + oracle.b2)
        if root is not None:
            return x, root, oracle.FQ2.one()
        seed += 1


def test_constants_are_the_curves() -> None:
    assert (bn254.FIELD_MODULUS, bn254.GROUP_ORDER) == (MODULUS, ORDER)


@settings(max_examples=100, deadline=None)
@given(SCALARS, SCALARS)
def test_addition_is_py_eccs(a: int, b: int) -> None:
    left, right = oracle.multiply(oracle.G1, a), oracle.multiply(oracle.G1, b)
    assert bn254.add(encode_g1(left) + encode_g1(right)) == encode_g1(oracle.add(left, right))
    assert bn254.add(encode_g1(left) + encode_g1(left)) == encode_g1(oracle.double(left))
    assert bn254.add(encode_g1(left) + encode_g1(oracle.neg(left))) == bytes(64)
    assert bn254.add(encode_g1(left) + bytes(64)) == bn254.add(bytes(64) + encode_g1(left)) == encode_g1(left)


@settings(max_examples=60, deadline=None)
@given(SCALARS, WORDS | st.sampled_from([0, 1, 2, ORDER - 1, ORDER, ORDER + 1, MODULUS, 2**256 - 1]))
def test_multiplication_is_py_eccs(a: int, scalar: int) -> None:
    point = oracle.multiply(oracle.G1, a)
    assert bn254.multiply(encode_g1(point) + word(scalar)) == encode_g1(oracle.multiply(point, scalar))


@given(st.binary(max_size=140))
def test_addition_and_multiplication_read_zeros_behind_their_input_and_nothing_behind_its_end(tail: bytes) -> None:
    assert bn254.add(word(1) + word(2)) == word(1) + word(2)
    assert bn254.add(g1(1) + g1(2) + tail) == g1(3)
    assert bn254.multiply(g1(1) + word(3) + tail) == g1(3)
    assert bn254.multiply(g1(1)) == bn254.multiply(b"") == bn254.add(b"") == bytes(64)


@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(SCALARS, SCALARS), min_size=1, max_size=2), st.booleans())
def test_pairing_is_py_eccs(scalars: list[tuple[int, int]], completed: bool) -> None:
    if completed:
        scalars = [*scalars, (-sum(a * b for a, b in scalars) % ORDER, 1)]
    product = oracle.FQ12.one()
    for a, b in scalars:
        points = oracle.multiply(oracle.G2, b), oracle.multiply(oracle.G1, a)
        product *= oracle.pairing(*points, final_exponentiate=False)
    expected = oracle.final_exponentiate(product) == oracle.FQ12.one()
    assert bn254.check_pairing(b"".join(g1(a) + g2(b) for a, b in scalars)) == word(int(expected))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SCALARS, SCALARS), max_size=3))
def test_pairing_holds_where_the_products_of_the_scalars_sum_to_zero(scalars: list[tuple[int, int]]) -> None:
    # Negated scalars give the point with the other root as its y, so both signs of the compressed form occur.
    rest = sum(a * b for a, b in scalars) % ORDER
    pairs = b"".join(g1(a) + g2(b) for a, b in scalars)
    assert bn254.check_pairing(pairs + g1(ORDER - rest) + g2(1)) == word(1)
    assert bn254.check_pairing(pairs + g1(rest) + g2(ORDER - 1)) == word(1)
    assert bn254.check_pairing(pairs + g1(ORDER - rest + 1) + g2(1)) == word(0)


def test_pairing_with_infinity_is_one_but_checks_the_other_point() -> None:
    assert bn254.check_pairing(bytes(64) + g2(5)) == bn254.check_pairing(g1(5) + bytes(128)) == word(1)
    assert bn254.check_pairing(b"") == bn254.check_pairing(bytes(192 * 3)) == word(1)
    with pytest.raises(PrecompileFailure, match="not on the alt-bn128 curve"):
        bn254.check_pairing(word(1) + word(1) + bytes(128))
    with pytest.raises(PrecompileFailure, match="subgroup"):
        bn254.check_pairing(bytes(64) + encode_g2(twist_point(1)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, MODULUS - 1), st.booleans())
def test_pairing_refuses_points_of_the_twist_outside_the_subgroup(seed: int, negative: bool) -> None:
    point = twist_point(seed)
    assert oracle.is_on_curve(point, oracle.b2)
    with pytest.raises(PrecompileFailure, match="subgroup"):
        bn254.check_pairing(g1(1) + encode_g2(oracle.neg(point) if negative else point))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 191), st.integers(1, 255))
def test_pairing_refuses_a_changed_byte(position: int, change: int) -> None:
    data = bytearray(g1(2) + g2(3))
    data[position] ^= change
    with pytest.raises(PrecompileFailure, match=r"not on the|not below|not in the subgroup"):
        bn254.check_pairing(bytes(data))


@settings(max_examples=300)
@given(st.integers(0, 127), st.integers(1, 255))
def test_addition_refuses_a_changed_byte(position: int, change: int) -> None:
    data = bytearray(g1(2) + g1(3))
    data[position] ^= change
    with pytest.raises(PrecompileFailure, match=r"not on the|not below"):
        bn254.add(bytes(data))


@pytest.mark.parametrize("excess", [0, 1, 2**256 - 1 - MODULUS])
@pytest.mark.parametrize("coordinate", range(6))
def test_coordinates_are_below_the_modulus(coordinate: int, excess: int) -> None:
    data = bytearray(g1(1) + g2(1))
    data[32 * coordinate : 32 * coordinate + 32] = word(MODULUS + excess)
    with pytest.raises(PrecompileFailure, match="not below"):
        bn254.check_pairing(bytes(data))
    if coordinate < 2:
        for function in (bn254.add, bn254.multiply):
            with pytest.raises(PrecompileFailure, match="not below"):
                function(bytes(data[:64]))


@pytest.mark.parametrize("length", [1, 64, 191, 193, 383])
def test_pairing_refuses_other_lengths(length: int) -> None:
    with pytest.raises(PrecompileFailure, match=f"{length} bytes"):
        bn254.check_pairing(bytes(length))


def test_prices_of_eip_1108() -> None:
    assert [bn254.pairing_gas(bytes(192 * pairs)) for pairs in (0, 1, 2)] == [45_000, 79_000, 113_000]
