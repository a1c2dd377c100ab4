"""Reading keys from the command line, from files and from the environment. No error text ever shows one."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from phal2.bridge.chain_access.errors import InvalidKey
from phal2.node.protocol.signatures import SECP256K1_ORDER

HEX_KEY: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")
"""32 bytes in hex."""

_LARGEST_KEY_FILE: Final = 1_024


def private_key_variable(prefix: str = "") -> str:
    """Return the environment variable of a key whose options begin with `prefix`, such as PHAL2_PRIVATE_KEY."""
    return f"PHAL2_{prefix.upper().replace('-', '_')}PRIVATE_KEY"


def read_private_key(key: bytes | None, path: Path | None, environment: Mapping[str, str], prefix: str = "") -> bytes:
    """Return the 32-byte secp256k1 key that is given, else in a file, else in the environment. Raises InvalidKey."""
    if key is not None:
        return key
    if path is not None:
        return secp256k1_key(read_key_file(path, f"{path} cannot be read"), str(path))
    variable, option = private_key_variable(prefix), f"--{prefix}private-key"
    if variable in environment:
        return secp256k1_key(environment[variable], variable)
    raise InvalidKey(
        f"no key to send with: give {option}-file FILE, or {option} HEX, or set the environment variable {variable}"
    )


def secp256k1_key(text: str, source: str) -> bytes:
    """Read a secp256k1 key; `source` is where it was given. Raises InvalidKey."""
    key = hex_key(text, source)
    if not 0 < int.from_bytes(key, "big") < SECP256K1_ORDER:
        raise InvalidKey(f"{source}: not a private key, as it is zero or not below the order of secp256k1")
    return key


def hex_key(text: str, source: str) -> bytes:
    """Read 32 bytes of hex. Raises InvalidKey."""
    match = HEX_KEY.fullmatch(text.strip())
    if match is None:
        raise InvalidKey(f"{source}: expected a key as 64 hex digits, with or without 0x, and nothing else")
    return bytes.fromhex(match[1])


def read_key_file(path: Path, failure: str) -> str:
    """Return the text of a file that may hold a key; `failure` begins the error. Raises InvalidKey."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_KEY_FILE + 1)
    except OSError as error:
        raise InvalidKey(f"{failure}: {error.strerror}") from None
    if len(content) > _LARGEST_KEY_FILE:
        raise InvalidKey(f"{failure}: it has more than {_LARGEST_KEY_FILE} bytes, so it holds no key")
    # A file that is no text has no key either; which bytes are wrong is not for a message.
    return content.decode("ascii", "replace").strip()
