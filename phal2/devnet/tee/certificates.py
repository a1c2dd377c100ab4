"""The simulator's certificates and revocation lists, in the form of Intel's provisioning certification service.

Root CA → PCK platform CA → PCK certificate (with Intel's SGX extensions), and root CA → TCB signing. Everything is a
function of the fixed keys and of the dates asked for.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from phal2.devnet.tee.keys import signing_key
from phal2.devnet.tee.platform import pck_extension

ROOT_CA: Final = "root CA"
PCK_CA: Final = "PCK platform CA"
PCK: Final = "PCK"
TCB_SIGNING: Final = "TCB signing"

LAST_SECOND: Final = 4_102_444_799
"""End of 2099, the last Unix second of every certificate's validity."""

_NAMES: Final = {
    ROOT_CA: "phal2 TEE simulator Root CA",
    PCK_CA: "phal2 TEE simulator PCK Platform CA",
    PCK: "phal2 TEE simulator PCK Certificate",
    TCB_SIGNING: "phal2 TEE simulator TCB Signing",
}
_ISSUERS: Final = {ROOT_CA: ROOT_CA, PCK_CA: ROOT_CA, PCK: PCK_CA, TCB_SIGNING: ROOT_CA}
_AUTHORITIES: Final = frozenset({ROOT_CA, PCK_CA})
_SERIAL_NUMBERS: Final = {ROOT_CA: 1, PCK_CA: 2, PCK: 3, TCB_SIGNING: 4}
_SGX_EXTENSIONS_OID: Final = x509.ObjectIdentifier("1.2.840.113741.1.13.1")


@cache
def certificate(role: str) -> x509.Certificate:
    """Return the certificate of a role."""
    issuer = _ISSUERS[role]
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(role))
        .issuer_name(_name(issuer))
        .public_key(signing_key(role).public_key())
        .serial_number(_SERIAL_NUMBERS[role])
        .not_valid_before(_date(0))
        .not_valid_after(_date(LAST_SECOND))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(signing_key(role).public_key()), critical=False)
        .add_extension(_authority_key_identifier(issuer), critical=False)
        .add_extension(_key_usage(is_authority=role in _AUTHORITIES), critical=True)
        .add_extension(_basic_constraints(role), critical=True)
    )
    if role == PCK:
        builder = builder.add_extension(
            x509.UnrecognizedExtension(_SGX_EXTENSIONS_OID, pck_extension()), critical=False
        )
    return builder.sign(signing_key(issuer), SHA256(), ecdsa_deterministic=True)


@cache
def chain_pem(*roles: str) -> str:
    """Return the certificates of the roles, leaf first, as PEM."""
    return "".join(certificate(role).public_bytes(Encoding.PEM).decode("ascii") for role in roles)


def revocation_list(issuer: str, this_update: int, next_update: int) -> bytes:
    """Return an empty certificate revocation list as DER; the dates are Unix seconds."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(_name(issuer))
        .last_update(_date(this_update))
        .next_update(_date(next_update))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(_authority_key_identifier(issuer), critical=False)
    )
    signed = builder.sign(signing_key(issuer), SHA256(), ecdsa_deterministic=True)
    return signed.public_bytes(Encoding.DER)


def _name(role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, _NAMES[role]),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "phal2"),
        ]
    )


def _basic_constraints(role: str) -> x509.BasicConstraints:
    path_length = {ROOT_CA: 1, PCK_CA: 0}.get(role)
    return x509.BasicConstraints(ca=role in _AUTHORITIES, path_length=path_length)


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=not is_authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _authority_key_identifier(issuer: str) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key(issuer).public_key())


def _date(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
