"""Reading quotes, collateral and root certificates from files, in the forms in which tools write them."""

import ssl
from pathlib import Path
from typing import Any, Final

import orjson

from phal2.node.protocol.errors import Phal2Error

MAXIMUM_FILE_LENGTH: Final = 1024 * 1024

_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
_PEM_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"


class QuoteFileError(Phal2Error):
    """A file that cannot be read, is too large, or holds nothing of what it should."""


def read_quote(path: Path) -> bytes:
    """Return the raw quote of a file: binary, hex (with or without 0x), or JSON with hex in its member "quote".

    Raise `QuoteFileError`.
    """
    content = _read(path)
    if content.lstrip().startswith(b"{"):
        member = _json_object(path, content).get("quote")
        quote = _hex_bytes(member) if isinstance(member, str) else None
        if quote is None:
            raise QuoteFileError(f'{path}: expected hex in the member "quote" of the JSON object')
        return quote
    return _hex_text(content) or content


def read_collateral(path: Path) -> bytes:
    """Return the collateral of a file as JSON bytes: the file itself, or the object in its member "collateral".

    Raise `QuoteFileError`. What the object contains is not checked.
    """
    content = _read(path)
    member = _json_object(path, content).get("collateral")
    if isinstance(member, dict):
        return orjson.dumps(member)
    return content


def read_root_certificate(path: Path) -> bytes:
    """Return a certificate as DER from a file of DER, PEM or hex; raise `QuoteFileError`."""
    content = _read(path)
    if content.lstrip().startswith(_PEM_BEGIN):
        try:
            return ssl.PEM_cert_to_DER_cert(content.decode("ascii").strip())
        except ValueError:
            raise QuoteFileError(f"{path}: expected one certificate as PEM") from None
    return _hex_text(content) or content


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAXIMUM_FILE_LENGTH + 1)
    except OSError as error:
        raise QuoteFileError(f"{path}: {error.strerror or 'cannot be read'}") from None
    except ValueError as error:  # a NUL in the name
        raise QuoteFileError(f"{path}: {error}") from None
    if len(content) > MAXIMUM_FILE_LENGTH:
        raise QuoteFileError(f"{path}: larger than {MAXIMUM_FILE_LENGTH} bytes")
    if not content:
        raise QuoteFileError(f"{path}: is empty")
    return content


def _json_object(path: Path, content: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        raise QuoteFileError(f"{path}: is not JSON in UTF-8") from None
    if not isinstance(value, dict):
        raise QuoteFileError(f"{path}: expected a JSON object")
    return value


def _hex_text(content: bytes) -> bytes | None:
    try:
        return _hex_bytes(content.decode("ascii"))
    except UnicodeDecodeError:
        return None


def _hex_bytes(text: str) -> bytes | None:
    digits = "".join(text.split()).removeprefix("0x")
    if not digits or len(digits) % 2 or not _HEX_DIGITS.issuperset(digits):
        return None
    return bytes.fromhex(digits)
