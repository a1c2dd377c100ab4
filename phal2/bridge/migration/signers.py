"""How a Substrate account comes to sign a claim: with its secrets at hand, or with signatures made in a wallet."""

from dataclasses import dataclass
from typing import Protocol

from phal2.bridge.migration.chain_errors import ClaimRefused
from phal2.node.attestation.account_secrets import AccountSecret, account_of
from phal2.node.attestation.account_text import AccountStatement, account_text, wrapped
from phal2.node.attestation.building import account_attestation, multisig_attestation
from phal2.node.attestation.errors import AccountSignatureInvalid
from phal2.node.attestation.evidence import SUBSTRATE_ACCOUNT
from phal2.node.attestation.multisig import multisig_account
from phal2.node.attestation.substrate_signatures import (
    MULTISIG,
    SCHEME_NAMES,
    account_id,
    verify_account_signature,
)
from phal2.node.protocol.rlp import encode_uint
from phal2.node.protocol.transactions import Attestation


class StatementSigner(Protocol):
    """An account and its consent to a statement. Both raise an InvalidAttestation where there is none such."""

    @property
    def account_id(self) -> bytes:
        """The 32-byte id of the account."""
        ...

    def attest(self, statement: AccountStatement) -> Attestation:
        """Return the attestation of kind 3."""
        ...


@dataclass(frozen=True, slots=True)
class SecretSigner:
    """An account of one key, by its secret; `wrap_in_bytes` signs within <Bytes>…</Bytes>, as browser wallets do."""

    secret: AccountSecret
    wrap_in_bytes: bool = False

    @property
    def account_id(self) -> bytes:
        """The 32-byte id of the account."""
        return account_of(self.secret)

    def attest(self, statement: AccountStatement) -> Attestation:
        """Sign the statement."""
        return account_attestation(statement, self.secret, wrap_in_bytes=self.wrap_in_bytes)


@dataclass(frozen=True, slots=True)
class MultisigSigner:
    """A multisig account, by the secrets of `threshold` of its 32-byte `signatories`, in any order."""

    threshold: int
    signatories: tuple[bytes, ...]
    secrets: tuple[AccountSecret, ...]
    wrap_in_bytes: bool = False

    @property
    def account_id(self) -> bytes:
        """The 32-byte id of the account."""
        return multisig_account(self.threshold, tuple(sorted(self.signatories)))

    def attest(self, statement: AccountStatement) -> Attestation:
        """Sign the statement with every secret."""
        return multisig_attestation(
            statement, self.threshold, self.signatories, self.secrets, wrap_in_bytes=self.wrap_in_bytes
        )


@dataclass(frozen=True, slots=True)
class WalletSignature:
    """An account of one key, by a signature that a wallet made of the statement's text.

    `scheme` is 0 ed25519, 1 sr25519 or 2 ecdsa, `public_key` has 32 bytes (ecdsa: 33), `signature` 64 (ecdsa: 65).
    """

    scheme: int
    public_key: bytes
    signature: bytes

    @property
    def account_id(self) -> bytes:
        """The 32-byte id of the account."""
        return account_id(self.scheme, self.public_key)

    def attest(self, statement: AccountStatement) -> Attestation:
        """Join key, signature and note."""
        evidence = (encode_uint(self.scheme), self.public_key, self.signature, statement.note)
        return Attestation(SUBSTRATE_ACCOUNT, statement.valid_until, evidence)


@dataclass(frozen=True, slots=True)
class MultisigWalletSignatures:
    """A multisig account, by signatures that its signatories' wallets made: (scheme, signature) in any order."""

    threshold: int
    signatories: tuple[bytes, ...]
    signatures: tuple[tuple[int, bytes], ...]

    @property
    def account_id(self) -> bytes:
        """The 32-byte id of the account."""
        return multisig_account(self.threshold, tuple(sorted(self.signatories)))

    def attest(self, statement: AccountStatement) -> Attestation:
        """Find the signatory of each signature and join all. Raises ClaimRefused where one is of no signatory."""
        ordered = tuple(sorted(self.signatories))
        text = account_text(statement)
        placed = []
        for position, (scheme, signature) in enumerate(self.signatures, start=1):
            index = _signatory_of(ordered, scheme, signature, (text, wrapped(text)))
            if index is None:
                raise ClaimRefused(
                    f"signature {position} ({SCHEME_NAMES[scheme]}) is of none of the signatories for the text that is "
                    f"valid until {statement.valid_until}: sign the text that --print-text prints with the same "
                    "--valid-until and --receiver"
                )
            placed.append((encode_uint(index), encode_uint(scheme), signature, index))
        placed.sort(key=lambda entry: entry[3])
        evidence = (
            encode_uint(MULTISIG),
            encode_uint(self.threshold),
            ordered,
            tuple((index, scheme, signature) for index, scheme, signature, _ in placed),
            statement.note,
        )
        return Attestation(SUBSTRATE_ACCOUNT, statement.valid_until, evidence)


def _signatory_of(
    signatories: tuple[bytes, ...], scheme: int, signature: bytes, messages: tuple[bytes, ...]
) -> int | None:
    for index, signatory in enumerate(signatories):
        try:
            verify_account_signature(scheme, signatory, signature, messages)
        except AccountSignatureInvalid:
            continue
        return index
    return None
