"""SS58: the text form of Substrate account ids (base58 of network prefix, account id and checksum).

Only 32-byte account ids with their two-byte checksum are read and written.
Source: https://docs.polkadot.com/polkadot-protocol/basics/accounts (SS58 address format).
"""

from hashlib import blake2b
from typing import Final

from phal2.bridge.migration.errors import InvalidAccount

ACCOUNT_ID_LENGTH: Final = 32
HIGHEST_PREFIX: Final = 16_383
PHALA_PREFIX: Final = 30

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGIT_VALUES: Final = {digit: value for value, digit in enumerate(_ALPHABET)}
_CHECKSUM_LENGTH: Final = 2
_CHECKSUM_CONTEXT: Final = b"SS58PRE"
_ONE_BYTE_PREFIXES: Final = 64
# Two prefix bytes, 32 of account id and 2 of checksum are at most 50 base58 digits.
_LONGEST_TEXT: Final = 50


def encode_address(account_id: bytes, prefix: int = PHALA_PREFIX) -> str:
    """Return the SS58 address of a 32-byte account id under a network prefix (0 to 16383).

    Raises InvalidAccount for another length or prefix.
    """
    if len(account_id) != ACCOUNT_ID_LENGTH:
        raise InvalidAccount(f"an account id has {ACCOUNT_ID_LENGTH} bytes, got {len(account_id)}")
    payload = _encode_prefix(prefix) + account_id
    return _encode_base58(payload + _checksum(payload))


def decode_address(text: str) -> tuple[int, bytes]:
    """Return the network prefix and the 32-byte account id of an SS58 address.

    Raises InvalidAccount where the text is not the one canonical address of an account id.
    """
    if not 0 < len(text) <= _LONGEST_TEXT:
        raise InvalidAccount(f"an SS58 address has 1 to {_LONGEST_TEXT} characters, got {len(text)}")
    data = _decode_base58(text)
    prefix_length = 2 if data and data[0] & 0b0100_0000 else 1
    expected = prefix_length + ACCOUNT_ID_LENGTH + _CHECKSUM_LENGTH
    if len(data) != expected:
        raise InvalidAccount(
            f"SS58 address {text} has {len(data)} bytes, expected {expected} (prefix, account id, checksum)"
        )
    prefix = _decode_prefix(data[:prefix_length], text)
    payload, checksum = data[:-_CHECKSUM_LENGTH], data[-_CHECKSUM_LENGTH:]
    if _checksum(payload) != checksum:
        raise InvalidAccount(f"SS58 address {text} has a wrong checksum: look for a mistyped character")
    return prefix, payload[prefix_length:]


def parse_account(text: str) -> bytes:
    """Return the 32-byte account id named by `0x` and 64 hex digits, or by an SS58 address of any network.

    The prefix is not judged: addresses of different networks name the same account id. Raises InvalidAccount.
    """
    if not text.startswith(("0x", "0X")):
        return decode_address(text)[1]
    digits = text[2:]
    if len(digits) != 2 * ACCOUNT_ID_LENGTH or not set(digits) <= set("0123456789abcdefABCDEF"):
        raise InvalidAccount(f"an account id in hex is 0x and {2 * ACCOUNT_ID_LENGTH} hex digits, got {text[:80]!r}")
    return bytes.fromhex(digits)


def _encode_prefix(prefix: int) -> bytes:
    if not 0 <= prefix <= HIGHEST_PREFIX:
        raise InvalidAccount(f"an SS58 prefix is 0 to {HIGHEST_PREFIX}, got {prefix}")
    if prefix < _ONE_BYTE_PREFIXES:
        return bytes((prefix,))
    return bytes(((prefix & 0b1111_1100) >> 2 | 0b0100_0000, prefix >> 8 | (prefix & 0b11) << 6))


def _decode_prefix(data: bytes, text: str) -> int:
    first = data[0]
    if first & 0b1000_0000:
        raise InvalidAccount(f"SS58 address {text} begins with the reserved byte 0x{first:02x}")
    if len(data) == 1:
        return first
    prefix = (first & 0b0011_1111) << 2 | data[1] >> 6 | (data[1] & 0b0011_1111) << 8
    if prefix < _ONE_BYTE_PREFIXES:
        raise InvalidAccount(f"SS58 address {text} writes prefix {prefix} in two bytes, which is not canonical")
    return prefix


def _checksum(payload: bytes) -> bytes:
    return blake2b(_CHECKSUM_CONTEXT + payload).digest()[:_CHECKSUM_LENGTH]


def _encode_base58(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    digits: list[str] = []
    while number:
        number, value = divmod(number, 58)
        digits.append(_ALPHABET[value])
    leading_zeros = len(data) - len(data.lstrip(b"\0"))
    return _ALPHABET[0] * leading_zeros + "".join(reversed(digits))


def _decode_base58(text: str) -> bytes:
    number = 0
    for digit in text:
        value = _DIGIT_VALUES.get(digit)
        if value is None:
            raise InvalidAccount(f"{text!r} is not an SS58 address: {digit!r} is not a base58 digit")
        number = number * 58 + value
    leading_zeros = len(text) - len(text.lstrip(_ALPHABET[0]))
    return bytes(leading_zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
