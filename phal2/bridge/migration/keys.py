"""Reading the secrets of Substrate accounts from the command line and from files. No error text ever shows one."""

from pathlib import Path
from typing import Final

from phal2.bridge.chain_access.private_keys import HEX_KEY, hex_key, read_key_file, secp256k1_key
from phal2.node.attestation.account_secrets import AccountSecret
from phal2.node.attestation.substrate_signatures import ECDSA, ED25519, SR25519

SCHEMES: Final = {"sr25519": SR25519, "ed25519": ED25519, "ecdsa": ECDSA}
"""The schemes by the names that Substrate's tools give them."""


def read_account_secret(text: str, default_scheme: str) -> AccountSecret:
    """Return the secret of `[SCHEME:]HEX`, or of `[SCHEME:]FILE` where the file holds `[SCHEME:]HEX`.

    Hex is 32 bytes: the seed of an sr25519 or ed25519 key, or an ecdsa key. A scheme in the file wins. Raises
    InvalidKey.
    """
    scheme, value = split_scheme(text.strip(), default_scheme)
    source = "--secret"
    if not HEX_KEY.fullmatch(value):
        # What is taken for a file's name may be a mistyped secret, so it is never shown.
        source = "the file of --secret"
        content = read_key_file(Path(value), "--secret is neither 32 bytes of hex nor a file that can be read")
        scheme, value = split_scheme(content, scheme)
    if scheme == "ecdsa":
        return AccountSecret(ECDSA, secp256k1_key(value, source))
    return AccountSecret(SCHEMES[scheme], hex_key(value, source))


def split_scheme(text: str, default_scheme: str) -> tuple[str, str]:
    """Return scheme and rest of `SCHEME:REST`, or the default and the whole text."""
    scheme, separator, rest = text.partition(":")
    return (scheme, rest) if separator and scheme in SCHEMES else (default_scheme, text)
