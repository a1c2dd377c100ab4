"""The options of `phal2 tx attest` that say how the call is attested, and the attestation that they ask for."""

import argparse
from pathlib import Path
from typing import Final

from phal2.bridge.migration.arguments import account
from phal2.bridge.migration.keys import SCHEMES
from phal2.bridge.quote_files import read_collateral, read_quote
from phal2.devnet.command.argument_types import hex_bytes, unsigned
from phal2.devnet.tee.measurements import DEFAULT_WORKLOAD
from phal2.devnet.tee.simulator import simulate_quote
from phal2.node.attestation.account_secrets import AccountSecret
from phal2.node.attestation.account_text import account_text
from phal2.node.attestation.building import (
    Call,
    account_attestation,
    account_statement_for,
    enclave_key_attestation,
    multisig_attestation,
    quote_attestation,
    statement_for,
)
from phal2.node.attestation.collateral import check_collateral
from phal2.node.attestation.statement import report_data_of, statement_hash
from phal2.node.attestation.verification import LONGEST_ACCOUNT_VALIDITY, LONGEST_VALIDITY
from phal2.node.protocol.signatures import SECP256K1_ORDER
from phal2.node.protocol.transactions import Attestation

QUOTE: Final = "quote"
ENCLAVE_KEY: Final = "enclave-key"
ACCOUNT: Final = "account"

_DEFAULT_VALIDITY: Final = 3_600


def add_attestation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    general = parser.add_argument_group("the attestation")
    general.add_argument("--kind", choices=(QUOTE, ENCLAVE_KEY, ACCOUNT), required=True, help="who attests")
    validity = general.add_mutually_exclusive_group()
    validity.add_argument(
        "--valid-for",
        metavar="SECONDS",
        type=unsigned(32),
        default=_DEFAULT_VALIDITY,
        help=f"validity from the latest block on; at most {LONGEST_VALIDITY}, accounts {LONGEST_ACCOUNT_VALIDITY} "
        "(default: %(default)s)",
    )
    validity.add_argument("--valid-until", metavar="UNIX", type=unsigned(64), help="the last second of validity")

    quote = parser.add_argument_group("--kind quote")
    quote.add_argument(
        "--workload", metavar="NAME", default=DEFAULT_WORKLOAD, help="have the TEE simulator quote this workload"
    )
    quote.add_argument("--quote", metavar="FILE", type=Path, help="take this quote instead of a simulated one")
    quote.add_argument("--collateral", metavar="FILE", type=Path, help="collateral of --quote")

    enclave = parser.add_argument_group("--kind enclave-key")
    enclave.add_argument("--enclave-key", metavar="HEX", type=hex_bytes(32), help="private key of a registered enclave")

    signing = parser.add_argument_group("--kind account")
    signing.add_argument("--note", metavar="TEXT", default="", help="what the call does, as the contract wants it said")
    signing.add_argument(
        "--secret",
        metavar="SCHEME:HEX",
        type=_secret,
        action="append",
        default=[],
        help="sr25519, ed25519 or ecdsa, and 32 bytes of secret; once for each signature of a multisig",
    )
    signing.add_argument("--wrapped", action="store_true", help="sign within <Bytes>…</Bytes>, as browser wallets do")
    signing.add_argument("--threshold", metavar="N", type=unsigned(16), help="of a multisig account")
    signing.add_argument(
        "--signatory",
        metavar="ACCOUNT",
        type=account,
        action="append",
        default=[],
        help="each signatory of a multisig account, as SS58 or 0x and 64 hex digits, in any order",
    )


def check_attestation_options(arguments: argparse.Namespace) -> str | None:
    """Return what is wrong with the combination of options, None where nothing is."""
    for option, is_given, kind in (
        ("--quote", arguments.quote is not None, QUOTE),
        ("--collateral", arguments.collateral is not None, QUOTE),
        ("--enclave-key", arguments.enclave_key is not None, ENCLAVE_KEY),
        ("--note", arguments.note != "", ACCOUNT),
        ("--secret", arguments.secret != [], ACCOUNT),
        ("--wrapped", arguments.wrapped, ACCOUNT),
        ("--threshold", arguments.threshold is not None, ACCOUNT),
        ("--signatory", arguments.signatory != [], ACCOUNT),
    ):
        if is_given and kind != arguments.kind:
            return f"{option} belongs to --kind {kind}, not to --kind {arguments.kind}"
    if arguments.kind == QUOTE and (arguments.quote is None) != (arguments.collateral is None):
        return "--quote and --collateral belong together"
    if arguments.print_statement:
        return None
    if arguments.kind == ENCLAVE_KEY and arguments.enclave_key is None:
        return "--kind enclave-key needs --enclave-key"
    if arguments.kind == ENCLAVE_KEY and not 0 < int.from_bytes(arguments.enclave_key, "big") < SECP256K1_ORDER:
        return "argument --enclave-key: is not the key of any account"
    if arguments.kind == ACCOUNT:
        return _check_account_options(arguments)
    return None


def make_attestation(
    arguments: argparse.Namespace, call: Call, sender: bytes, valid_until: int, now: int
) -> Attestation:
    """Return the attestation of a call from `sender` at the chain's time; raise a `Phal2Error` where there is none."""
    if arguments.kind == QUOTE:
        return _quote(arguments, call, sender, valid_until, now)
    if arguments.kind == ENCLAVE_KEY:
        return enclave_key_attestation(statement_for(call, sender, valid_until), arguments.enclave_key)
    statement = account_statement_for(call, valid_until, _note(arguments))
    if arguments.threshold is None:
        return account_attestation(statement, arguments.secret[0], wrap_in_bytes=arguments.wrapped)
    return multisig_attestation(
        statement, arguments.threshold, arguments.signatory, arguments.secret, wrap_in_bytes=arguments.wrapped
    )


def statement_text(arguments: argparse.Namespace, call: Call, sender: bytes, valid_until: int) -> str:
    """Return what the attesting party must quote (report data, hex) or sign (digest as hex, or the account's text)."""
    if arguments.kind == QUOTE:
        return "0x" + report_data_of(statement_for(call, sender, valid_until)).hex()
    if arguments.kind == ENCLAVE_KEY:
        return "0x" + statement_hash(statement_for(call, sender, valid_until)).hex()
    return account_text(account_statement_for(call, valid_until, _note(arguments))).decode("ascii")


def _quote(arguments: argparse.Namespace, call: Call, sender: bytes, valid_until: int, now: int) -> Attestation:
    if arguments.quote is not None:
        collateral = read_collateral(arguments.collateral)
        check_collateral(collateral)
        return quote_attestation(read_quote(arguments.quote), collateral, valid_until)
    report_data = report_data_of(statement_for(call, sender, valid_until))
    simulated = simulate_quote(report_data, arguments.workload, now)
    return quote_attestation(simulated.quote, simulated.collateral_json, valid_until)


def _check_account_options(arguments: argparse.Namespace) -> str | None:
    if (arguments.threshold is None) != (not arguments.signatory):
        return "--threshold and --signatory belong together"
    if arguments.threshold is None and len(arguments.secret) != 1:
        return "--kind account needs one --secret, or --threshold and --signatory for a multisig"
    if arguments.threshold is not None and len(arguments.secret) != arguments.threshold:
        return f"a multisig with --threshold {arguments.threshold} needs as many --secret, got {len(arguments.secret)}"
    return None


def _note(arguments: argparse.Namespace) -> bytes:
    note: str = arguments.note
    return note.encode("utf-8", "surrogateescape")


def _secret(text: str) -> AccountSecret:
    name, _, digits = text.partition(":")
    if name not in SCHEMES:
        raise argparse.ArgumentTypeError("expected sr25519:HEX, ed25519:HEX or ecdsa:HEX")
    secret = AccountSecret(SCHEMES[name], hex_bytes(32)(digits))
    if name == "ecdsa" and not 0 < int.from_bytes(secret.secret, "big") < SECP256K1_ORDER:
        raise argparse.ArgumentTypeError("is not the ecdsa key of any account")
    return secret
