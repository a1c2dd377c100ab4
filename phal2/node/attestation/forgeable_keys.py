"""Public keys for which anyone can make signatures; they can neither attest nor be signatories.

For the sr25519 identity every signature with R = s·B verifies. For an ed25519 point of small order one can search a
nonce for which the challenge vanishes; verifiers also disagree about ed25519 encodings that are not canonical.
"""

from typing import Final

SR25519_IDENTITY: Final = bytes(32)

_FIELD_PRIME: Final = 2**255 - 19
_SIGN_BIT: Final = 1 << 255

_SMALL_ORDER_Y: Final = frozenset(
    {
        0,  # order 4
        1,  # order 1
        _FIELD_PRIME - 1,  # order 2
        0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,  # order 8
        0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,  # order 8
    }
)
"""The y coordinates of the eight points of small order."""


def is_forgeable_ed25519(public_key: bytes) -> bool:
    """Tell whether 32 bytes encode an ed25519 point of small order, or encode a coordinate that is not below the prime.

    A sign bit on x = 0, the other way of not being canonical, occurs with points of small order only.
    """
    y = int.from_bytes(public_key, "little") & ~_SIGN_BIT
    return y >= _FIELD_PRIME or y in _SMALL_ORDER_Y


def is_forgeable_account(account: bytes) -> bool:
    """Tell whether a 32-byte account id, taken as a key of any scheme, is one that anyone can sign for."""
    return account == SR25519_IDENTITY or is_forgeable_ed25519(account)
