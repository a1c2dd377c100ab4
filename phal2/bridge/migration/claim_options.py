"""The options of `phal2 migration claim` that say which account claims, and how it signs."""

import argparse
import re
from typing import Final

from phal2.bridge.chain_access.errors import InvalidKey
from phal2.bridge.migration.arguments import account
from phal2.bridge.migration.keys import SCHEMES, read_account_secret, split_scheme
from phal2.bridge.migration.signers import (
    MultisigSigner,
    MultisigWalletSignatures,
    SecretSigner,
    StatementSigner,
    WalletSignature,
)
from phal2.bridge.migration.ss58 import parse_account
from phal2.node.attestation.account_secrets import AccountSecret
from phal2.node.attestation.multisig import MAXIMUM_SIGNATORIES, multisig_account
from phal2.node.attestation.substrate_signatures import SIGNATURE_LENGTHS, account_id
from phal2.node.protocol.whole_numbers import parse_whole_number

_ECDSA_PUBLIC_KEY: Final = re.compile(r"(?:0x)?(0[23][0-9a-fA-F]{64})")
_HEX: Final = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2}){1,66})")


def add_account_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    signing = parser.add_argument_group("the account, and its signature")
    signing.add_argument(
        "--scheme",
        choices=tuple(SCHEMES),
        default="sr25519",
        help="of keys and signatures that do not say theirs (default: %(default)s, what wallets make)",
    )
    signing.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="[SCHEME:]FILE|HEX",
        help="32 bytes of hex: the seed of an sr25519 or ed25519 account, or an ecdsa key; better in a file than on "
        "the command line; once for each signature of a multisig",
    )
    signing.add_argument(
        "--signature",
        action="append",
        default=[],
        metavar="[SCHEME:]HEX",
        help="what a wallet made of the text of --print-text; with --public-key, or once for each signature of a "
        "multisig",
    )
    signing.add_argument(
        "--public-key",
        metavar="KEY",
        help="the account that signs in a wallet: SS58 address or 0x and 64 hex digits; for ecdsa the compressed key, "
        "66 hex digits",
    )
    multisig = parser.add_argument_group("a multisig account")
    multisig.add_argument("--threshold", type=_threshold, metavar="N", help="how many signatures it needs")
    multisig.add_argument(
        "--signatory",
        type=account,
        action="append",
        default=[],
        metavar="ACCOUNT",
        help="each of its signatories, SS58 address or 0x and 64 hex digits, in any order",
    )


def check_account_options(arguments: argparse.Namespace) -> str | None:
    """Return what is wrong with the combination of options, None where nothing is."""
    if (arguments.threshold is None) != (not arguments.signatory):
        return "--threshold and --signatory belong together"
    if len(set(arguments.signatory)) < len(arguments.signatory):
        return "--signatory names one account twice; each signatory is named once"
    if arguments.threshold is not None and arguments.public_key is not None:
        return "a multisig account is told by --threshold and --signatory, without --public-key"
    if arguments.print_text:
        return _check_for_text(arguments)
    if bool(arguments.secret) == bool(arguments.signature):
        return "give either --secret, or --signature as a wallet made it (--print-text prints what to sign)"
    if arguments.signature and arguments.valid_until is None:
        return "--signature needs the --valid-until that the signed text has"
    given = len(arguments.secret) + len(arguments.signature)
    if arguments.threshold is not None and given != arguments.threshold:
        return f"a multisig with --threshold {arguments.threshold} needs as many signatures, got {given}"
    if arguments.threshold is None and given != 1:
        return "an account of one key has one signature; a multisig needs --threshold and --signatory too"
    if arguments.threshold is None and bool(arguments.signature) != (arguments.public_key is not None):
        return "--signature and --public-key belong together"
    return None


def claiming_account(arguments: argparse.Namespace) -> bytes:
    """Return the 32-byte id of the account that the options name. Raises Phal2Error."""
    if arguments.threshold is not None:
        return multisig_account(arguments.threshold, tuple(sorted(arguments.signatory)))
    if arguments.secret:
        return SecretSigner(_secrets(arguments)[0]).account_id
    return account_id(SCHEMES[arguments.scheme], _public_key(arguments.public_key, arguments.scheme))


def claiming_signer(arguments: argparse.Namespace) -> StatementSigner:
    """Return the account with what it signs with. Raises Phal2Error."""
    if arguments.threshold is not None:
        signatories = tuple(arguments.signatory)
        if arguments.secret:
            return MultisigSigner(arguments.threshold, signatories, _secrets(arguments))
        signatures = tuple(_signature(text, arguments.scheme) for text in arguments.signature)
        named = tuple((SCHEMES[scheme], signature) for scheme, signature in signatures)
        return MultisigWalletSignatures(arguments.threshold, signatories, named)
    if arguments.secret:
        return SecretSigner(_secrets(arguments)[0])
    scheme, signature = _signature(arguments.signature[0], arguments.scheme)
    return WalletSignature(SCHEMES[scheme], _public_key(arguments.public_key, scheme), signature)


def _check_for_text(arguments: argparse.Namespace) -> str | None:
    if arguments.signature:
        return "--print-text prints what is to be signed, so there is no --signature yet"
    named = (arguments.threshold is not None) + (arguments.public_key is not None)
    if arguments.threshold is None and len(arguments.secret) + named != 1:
        return "--print-text needs the account: --public-key, or --threshold and --signatory of a multisig"
    return None


def _secrets(arguments: argparse.Namespace) -> tuple[AccountSecret, ...]:
    return tuple(read_account_secret(text, arguments.scheme) for text in arguments.secret)


def _public_key(text: str, scheme: str) -> bytes:
    if scheme != "ecdsa":
        return parse_account(text)
    match = _ECDSA_PUBLIC_KEY.fullmatch(text)
    if match is None:
        raise InvalidKey(
            f"--public-key: expected a compressed ecdsa key, 66 hex digits of which the first are 02 or 03, "
            f"got {text[:80]!r}; the account's address is a hash of it and cannot stand for it"
        )
    return bytes.fromhex(match[1])


def _signature(text: str, default_scheme: str) -> tuple[str, bytes]:
    """Return scheme and raw signature; a leading byte that tells the scheme, as MultiSignature has it, is taken off."""
    scheme, digits = split_scheme(text.strip(), default_scheme)
    match = _HEX.fullmatch(digits)
    length = SIGNATURE_LENGTHS[SCHEMES[scheme]]
    signature = b"" if match is None else bytes.fromhex(match[1])
    if len(signature) == length + 1 and signature[0] == SCHEMES[scheme]:
        signature = signature[1:]
    if len(signature) != length:
        raise InvalidKey(
            f"--signature: expected an {scheme} signature of {length} bytes as hex, got {text[:40]!r}… "
            "(another scheme is written before it, such as ed25519:0x…)"
        )
    return scheme, signature


def _threshold(text: str) -> int:
    number = parse_whole_number(text, 1, MAXIMUM_SIGNATORIES)
    if number is None:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to {MAXIMUM_SIGNATORIES}, got {text[:40]!r}")
    return number
