"""Reading keys from the command line, from files and from the environment. No error text ever shows one."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from phal2.bridge.migration.chain_errors import InvalidKey
from phal2.node.attestation.account_secrets import AccountSecret
from phal2.node.attestation.substrate_signatures import ECDSA, ED25519, SR25519
from phal2.node.protocol.signatures import SECP256K1_ORDER

PRIVATE_KEY_VARIABLE: Final = "PHAL2_PRIVATE_KEY"

SCHEMES: Final = {"sr25519": SR25519, "ed25519": ED25519, "ecdsa": ECDSA}
"""The schemes by the names that Substrate's tools give them."""

_HEX_KEY: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
_LARGEST_KEY_FILE: Final = 1_024


def read_private_key(text: str | None, path: Path | None, environment: Mapping[str, str]) -> bytes:
    """Return the 32-byte secp256k1 key given as hex, else in a file, else in PHAL2_PRIVATE_KEY. Raises InvalidKey."""
    if text is not None:
        return _secp256k1_key(text, "--private-key")
    if path is not None:
        return _secp256k1_key(_read_file(path, f"{path} cannot be read"), str(path))
    if PRIVATE_KEY_VARIABLE in environment:
        return _secp256k1_key(environment[PRIVATE_KEY_VARIABLE], PRIVATE_KEY_VARIABLE)
    raise InvalidKey(
        "no key to send with: give --private-key-file FILE, or --private-key HEX, or set the environment variable "
        f"{PRIVATE_KEY_VARIABLE}"
    )


def read_account_secret(text: str, default_scheme: str) -> AccountSecret:
    """Return the secret of `[SCHEME:]HEX`, or of `[SCHEME:]FILE` where the file holds `[SCHEME:]HEX`.

    Hex is 32 bytes: the seed of an sr25519 or ed25519 key, or an ecdsa key. A scheme in the file wins. Raises
    InvalidKey.
    """
    scheme, value = split_scheme(text.strip(), default_scheme)
    source = "--secret"
    if not _HEX_KEY.fullmatch(value):
        # What is taken for a file's name may be a mistyped secret, so it is never shown.
        source = "the file of --secret"
        content = _read_file(Path(value), "--secret is neither 32 bytes of hex nor a file that can be read")
        scheme, value = split_scheme(content, scheme)
    if scheme == "ecdsa":
        return AccountSecret(ECDSA, _secp256k1_key(value, source))
    return AccountSecret(SCHEMES[scheme], _hex_key(value, source))


def split_scheme(text: str, default_scheme: str) -> tuple[str, str]:
    """Return scheme and rest of `SCHEME:REST`, or the default and the whole text."""
    scheme, separator, rest = text.partition(":")
    return (scheme, rest) if separator and scheme in SCHEMES else (default_scheme, text)


def _secp256k1_key(text: str, source: str) -> bytes:
    key = _hex_key(text, source)
    if not 0 < int.from_bytes(key, "big") < SECP256K1_ORDER:
        raise InvalidKey(f"{source}: not a private key, as it is zero or not below the order of secp256k1")
    return key


def _hex_key(text: str, source: str) -> bytes:
    match = _HEX_KEY.fullmatch(text.strip())
    if match is None:
        raise InvalidKey(f"{source}: expected a key as 64 hex digits, with or without 0x, and nothing else")
    return bytes.fromhex(match[1])


def _read_file(path: Path, failure: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_KEY_FILE + 1)
    except OSError as error:
        raise InvalidKey(f"{failure}: {error.strerror}") from None
    if len(content) > _LARGEST_KEY_FILE:
        raise InvalidKey(f"{failure}: it has more than {_LARGEST_KEY_FILE} bytes, so it holds no key")
    # A file that is no text has no key either; which bytes are wrong is not for a message.
    return content.decode("ascii", "replace").strip()
