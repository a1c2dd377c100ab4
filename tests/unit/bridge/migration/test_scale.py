import pytest

from phal2.bridge.migration.scale import decode_fixed, encode_bytes, encode_compact


# The examples of the SCALE codec's documentation, and the borders between its modes.
@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (1, "04"),
        (42, "a8"),
        (63, "fc"),
        (64, "0101"),
        (69, "1501"),
        (16_383, "fdff"),
        (16_384, "02000100"),
        (65_535, "feff0300"),
        (2**30 - 1, "feffffff"),
        (2**30, "0300000040"),
        (2**32, "070000000001"),
        (100_000_000_000_000, "0b00407a10f35a"),
    ],
)
def test_compact_integers(number: int, encoded: str) -> None:
    assert encode_compact(number).hex() == encoded


@pytest.mark.parametrize("number", [-1, 2**536])
def test_compact_integers_outside_their_range_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="compact integer"):
        encode_compact(number)


def test_bytes_carry_their_length() -> None:
    assert encode_bytes(b"ab").hex() == "086162"
    assert decode_fixed(b"\xff\x01\x02\xff", 1, 2) == 0x0201
