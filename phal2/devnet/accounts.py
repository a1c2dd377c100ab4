"""The devnet's accounts: those of a mnemonic, as every Ethereum devnet has them, and the keys of its own roles."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

from coincurve import PrivateKey
from mnemonic import Mnemonic

from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.configuration_fields import InvalidConfiguration
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import address_of_private_key

DEFAULT_MNEMONIC: Final = "test test test test test test test test test test test junk"
DEFAULT_ACCOUNT_COUNT: Final = 10
MAXIMUM_ACCOUNT_COUNT: Final = 10_000

_HARDENED: Final = 1 << 31


@dataclass(frozen=True, slots=True)
class DevAccount:
    """An account whose key everyone knows."""

    address: bytes
    private_key: bytes

    @property
    def checksum_address(self) -> str:
        """The address as EIP-55 text."""
        return to_checksum_address(self.address)


def accounts_of_mnemonic(mnemonic: str, account_count: int) -> tuple[DevAccount, ...]:
    """Return the first accounts m/44'/60'/0'/0/i of an English BIP-39 mnemonic (BIP-32, BIP-44).

    Raises `InvalidConfiguration` where the words or their checksum are wrong, or the count is out of range.
    """
    if not 1 <= account_count <= MAXIMUM_ACCOUNT_COUNT:
        raise InvalidConfiguration(f"{account_count} accounts asked for, expected 1 to {MAXIMUM_ACCOUNT_COUNT}")
    if not Mnemonic("english").check(mnemonic):
        raise InvalidConfiguration(
            "the mnemonic is not a BIP-39 phrase: expected 12 to 24 English words with a right checksum"
        )
    key, chain_code = _master_key(Mnemonic.to_seed(mnemonic))
    for index in (44 | _HARDENED, 60 | _HARDENED, _HARDENED, 0):
        key, chain_code = _child_key(key, chain_code, index)
    return tuple(_account(_child_key(key, chain_code, index)[0]) for index in range(account_count))


def role_account(role: str, secret: bytes = b"") -> DevAccount:
    """Return the account of a devnet role ("batcher", "deployer", …); without a `secret` its key is public."""
    return _account(keccak256(f"phal2 devnet {role}".encode() + secret))


@dataclass(frozen=True, slots=True)
class Roles:
    """The accounts of a devnet's own parts.

    Their keys follow from `secret`; there is none on an L1 that was made for the devnet, where all keys are public.
    """

    secret: bytes = field(default=b"", repr=False)

    def account(self, role: str) -> DevAccount:
        """Return the account of a role."""
        return role_account(role, self.secret)


def _account(private_key: bytes) -> DevAccount:
    return DevAccount(address_of_private_key(private_key), private_key)


def _master_key(seed: bytes) -> tuple[bytes, bytes]:
    digest = hmac.digest(b"Bitcoin seed", seed, hashlib.sha512)
    return digest[:32], digest[32:]


def _child_key(key: bytes, chain_code: bytes, index: int) -> tuple[bytes, bytes]:
    """Return a private child key and its chain code (BIP-32, CKDpriv)."""
    parent = PrivateKey(key)
    material = b"\0" + key if index & _HARDENED else parent.public_key.format(compressed=True)
    digest = hmac.digest(chain_code, material + index.to_bytes(4, "big"), hashlib.sha512)
    return parent.add(digest[:32]).secret, digest[32:]
