import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_core_ed25519_is_valid_point
from substrate_state import ALICE, PARACHAIN, SIBLING, TREASURY

from phal2.bridge.migration.keyless import excluded_class

FIELD_PRIME = 2**255 - 19
GROUP_ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE_CONSTANT = -121665 * pow(121666, -1, FIELD_PRIME) % FIELD_PRIME


def encode_y(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def add(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    (x1, y1), (x2, y2) = first, second
    product = CURVE_CONSTANT * x1 * x2 * y1 * y2
    return (
        (x1 * y2 + x2 * y1) * pow(1 + product, -1, FIELD_PRIME) % FIELD_PRIME,
        (y1 * y2 + x1 * x2) * pow(1 - product, -1, FIELD_PRIME) % FIELD_PRIME,
    )


def multiply(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    result = (0, 1)
    while factor:
        if factor & 1:
            result = add(result, point)
        point, factor = add(point, point), factor >> 1
    return result


def test_every_point_of_small_order_is_forgeable() -> None:
    # Given a point (y = 3) that has a part of order 8, which its multiple by the group's order isolates
    y = 3
    squared = (y * y - 1) * pow(CURVE_CONSTANT * y * y + 1, -1, FIELD_PRIME) % FIELD_PRIME
    x = pow(squared, (FIELD_PRIME + 3) // 8, FIELD_PRIME)
    if (x * x - squared) % FIELD_PRIME:
        x = x * pow(2, (FIELD_PRIME - 1) // 4, FIELD_PRIME) % FIELD_PRIME
    assert (x * x - squared) % FIELD_PRIME == 0
    torsion = multiply(GROUP_ORDER, (x, y))

    # When all its multiples are taken
    points = {multiply(factor, torsion) for factor in range(8)}

    assert len(points) == 8
    for point_x, point_y in points:
        assert excluded_class(encode_y(point_y, point_x & 1)) == "forgeable"


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", [*range(FIELD_PRIME, 2**255), 0, 1, FIELD_PRIME - 1])
def test_encodings_that_are_not_canonical_are_forgeable(y: int, sign: int) -> None:
    assert excluded_class(encode_y(y, sign)) == "forgeable"


def test_the_sr25519_identity_is_forgeable() -> None:
    assert excluded_class(bytes(32)) == "forgeable"


@given(st.binary(min_size=32, max_size=32))
def test_what_libsodium_takes_for_a_sound_point_is_not_forgeable(public_key: bytes) -> None:
    if crypto_core_ed25519_is_valid_point(public_key):
        assert excluded_class(public_key) != "forgeable"


@pytest.mark.parametrize(
    ("account_id", "name"), [(TREASURY, "modl"), (SIBLING, "sibl"), (PARACHAIN, "para"), (b"modl" + ALICE[4:], "modl")]
)
def test_accounts_of_pallets_and_parachains_are_excluded(account_id: bytes, name: str) -> None:
    assert excluded_class(account_id) == name


@pytest.mark.parametrize("account_id", [ALICE, b"\0" + TREASURY[:-1], b"mod\0" + TREASURY[4:], b"MODL" + TREASURY[4:]])
def test_other_accounts_are_not(account_id: bytes) -> None:
    assert excluded_class(account_id) is None
