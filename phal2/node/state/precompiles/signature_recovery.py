"""ECRECOVER, and P256VERIFY of RIP-7212."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from phal2.node.protocol.signatures import SECP256K1_ORDER, address_of_public_key, recover_public_key

P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_FIELD: Final = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
P256_INPUT_LENGTH: Final = 160


def recover_signer(data: bytes) -> bytes:
    """Return the address that signed a digest, as a word; nothing where the input (digest, v, r, s) has none.

    Unlike transactions, this takes a high s (Yellow Paper, appendix E).
    """
    padded = data[:128].ljust(128, b"\0")
    v = int.from_bytes(padded[32:64], "big")
    r, s = int.from_bytes(padded[64:96], "big"), int.from_bytes(padded[96:128], "big")
    if v not in (27, 28) or not 0 < r < SECP256K1_ORDER or not 0 < s < SECP256K1_ORDER:
        return b""
    public_key = recover_public_key(padded[:32], padded[64:128] + bytes([v - 27]))
    return b"" if public_key is None else bytes(12) + address_of_public_key(public_key)


def verify_p256(data: bytes) -> bytes:
    """Return 1 as a word where (digest, r, s, x, y) is a valid signature over secp256r1; nothing where not."""
    if len(data) != P256_INPUT_LENGTH:
        return b""
    r, s, x, y = (int.from_bytes(data[start : start + 32], "big") for start in (32, 64, 96, 128))
    if not 0 < r < P256_ORDER or not 0 < s < P256_ORDER or x >= P256_FIELD or y >= P256_FIELD:
        return b""
    try:
        public_key = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
        public_key.verify(encode_dss_signature(r, s), data[:32], ECDSA(Prehashed(SHA256())))
    except (ValueError, InvalidSignature):
        return b""
    return (1).to_bytes(32, "big")
