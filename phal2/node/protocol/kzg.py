"""KZG commitments of blobs (EIP-4844), with the trusted setup of Ethereum's ceremony, loaded when first needed.

ckzg holds the interpreter's lock all the time: seconds to load the setup, a seventh of a second for a commitment or a
proof, two milliseconds to verify one. Where that would stall an event loop, use a process of its own.
"""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Final

from phal2.node.protocol.errors import InvalidEncoding, Phal2Error

VERSIONED_HASH_VERSION: Final = b"\x01"

_SETUP_LOCK: Final = Lock()
_PRECOMPUTE: Final = 0
"""Tables for cells of blobs (EIP-7594), which would cost more seconds and megabytes, and serve nothing here."""


class InvalidKzgInput(InvalidEncoding):
    """A blob, commitment or proof that is malformed: field elements beyond the modulus, points not on the curve."""


class MissingTrustedSetup(Phal2Error):
    """The trusted setup, a file of the py-evm package, is not there. Install phal2's dependencies anew."""


def trusted_setup() -> Any:
    """Return ckzg's trusted setup. The first call takes seconds, the others nothing."""
    with _SETUP_LOCK:
        return _load_trusted_setup()


def versioned_hash(commitment: bytes) -> bytes:
    """Return the 32-byte hash under which transactions know the blob of a 48-byte commitment."""
    return VERSIONED_HASH_VERSION + hashlib.sha256(commitment).digest()[1:]


def blob_commitment(blob: bytes) -> bytes:
    """Return the 48-byte KZG commitment of a blob; raise `InvalidKzgInput`."""
    import ckzg

    try:
        commitment: bytes = ckzg.blob_to_kzg_commitment(blob, trusted_setup())
    except (RuntimeError, ValueError) as error:
        raise InvalidKzgInput(f"blob without a commitment: {error}") from None
    return commitment


def blob_proof(blob: bytes, commitment: bytes) -> bytes:
    """Return the 48-byte proof that a commitment is that of a blob; raise `InvalidKzgInput`."""
    import ckzg

    try:
        proof: bytes = ckzg.compute_blob_kzg_proof(blob, commitment, trusted_setup())
    except (RuntimeError, ValueError) as error:
        raise InvalidKzgInput(f"blob or commitment without a proof: {error}") from None
    return proof


def is_blob_of(blob: bytes, commitment: bytes, proof: bytes) -> bool:
    """Tell whether a proof shows that a commitment is that of a blob. Malformed ones show nothing."""
    import ckzg

    try:
        holds: bool = ckzg.verify_blob_kzg_proof(blob, commitment, proof, trusted_setup())
    except (RuntimeError, ValueError):
        return False
    return holds


@lru_cache(maxsize=1)
def _load_trusted_setup() -> Any:
    import ckzg

    specification = find_spec("eth")
    if specification is None or specification.origin is None:
        raise MissingTrustedSetup("the package py-evm, which holds the KZG trusted setup, is not installed")
    path = Path(specification.origin).parent / "_utils" / "kzg_trusted_setup.txt"
    return ckzg.load_trusted_setup(str(path), _PRECOMPUTE)
