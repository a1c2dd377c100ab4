"""The simulator's P-256 keys.

They are public: whoever reads this can sign with them, which is why policies mark the root as simulated.
"""

from functools import cache
from hashlib import sha512
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@cache
def signing_key(role: str) -> ec.EllipticCurvePrivateKey:
    """Return the key of a role, such as "root CA": its scalar is a hash of the role's name."""
    seed = sha512(b"phal2 TEE simulator: " + role.encode()).digest()
    return ec.derive_private_key(int.from_bytes(seed, "big") % (_P256_ORDER - 1) + 1, ec.SECP256R1())


def public_point(role: str) -> bytes:
    """Return the 64 bytes x ++ y of a role's public key."""
    return signing_key(role).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[1:]


def sign(role: str, message: bytes) -> bytes:
    """Return the 64 bytes r ++ s of a role's ECDSA signature with SHA-256, always the same for a message (RFC 6979)."""
    signature = signing_key(role).sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))
    r, s = decode_dss_signature(signature)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
