"""Building attested transactions: from a call to the bytes for `eth_sendRawTransaction`.

Each kind takes three steps: say what the call is, get the attestation for it, sign the envelope.

    statement = statement_for(call, sender, valid_until)
    quote = ...                                             # made in the enclave over report_data_of(statement)
    attestation = quote_attestation(quote, collateral, valid_until)         # kind 1, or
    attestation = enclave_key_attestation(statement, enclave_private_key)   # kind 2, or
    attestation = account_attestation(account_statement, secret)            # kind 3, or multisig_attestation(...)
    raw = sign_attested(call, attestation, private_key)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from phal2.node.attestation.account_secrets import AccountSecret, account_of, public_key_of, sign_message
from phal2.node.attestation.account_text import AccountStatement, account_text, wrapped
from phal2.node.attestation.errors import MultisigInvalid
from phal2.node.attestation.evidence import ENCLAVE_KEY, QUOTE, SUBSTRATE_ACCOUNT
from phal2.node.attestation.quotes import parse_quote
from phal2.node.attestation.statement import Statement, statement_hash
from phal2.node.attestation.substrate_signatures import MULTISIG
from phal2.node.protocol.rlp import encode_uint
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import AccessList, Attestation, AttestedTransaction


@dataclass(frozen=True, slots=True)
class Call:
    """What an attested transaction calls and may cost: amounts in wei, gas in units, `to` 20 bytes."""

    chain_id: int
    nonce: int
    to: bytes
    value: int
    data: bytes
    gas_limit: int
    max_priority_fee_per_gas: int
    max_fee_per_gas: int
    access_list: AccessList = ()


def statement_for(call: Call, sender: bytes, valid_until: int) -> Statement:
    """Return the statement that kinds 1 and 2 attest, for a call that the 20-byte `sender` will sign."""
    return Statement(call.chain_id, sender, call.nonce, call.to, call.value, call.data, valid_until)


def account_statement_for(call: Call, valid_until: int, note: bytes) -> AccountStatement:
    """Return the statement that a Substrate account signs for the call."""
    return AccountStatement(call.chain_id, call.to, call.data, valid_until, note)


def quote_attestation(quote: bytes, collateral: bytes, valid_until: int) -> Attestation:
    """Return an attestation of kind 1 from a raw DCAP quote and its collateral (JSON in UTF-8, as dcap-qvl writes it).

    Hosts pad quotes with zeros; the protocol takes them in their exact length, so what follows the quote is cut off.
    Raise `MalformedQuote` where there is no quote.
    """
    return Attestation(QUOTE, valid_until, (quote[: parse_quote(quote).length], collateral))


def enclave_key_attestation(statement: Statement, enclave_private_key: bytes) -> Attestation:
    """Return an attestation of kind 2: the statement signed with a registered enclave's 32-byte secp256k1 key."""
    y_parity, r, s = sign(statement_hash(statement), enclave_private_key)
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([y_parity])
    return Attestation(ENCLAVE_KEY, statement.valid_until, (address_of_private_key(enclave_private_key), signature))


def account_attestation(
    statement: AccountStatement, secret: AccountSecret, *, wrap_in_bytes: bool = False
) -> Attestation:
    """Return an attestation of kind 3 by one key; `wrap_in_bytes` signs <Bytes>…</Bytes>, as browser wallets do."""
    evidence = (
        encode_uint(secret.scheme),
        public_key_of(secret),
        sign_message(secret, _message(statement, wrap_in_bytes)),
        statement.note,
    )
    return Attestation(SUBSTRATE_ACCOUNT, statement.valid_until, evidence)


def multisig_attestation(
    statement: AccountStatement,
    threshold: int,
    signatories: Sequence[bytes],
    secrets: Sequence[AccountSecret],
    *,
    wrap_in_bytes: bool = False,
) -> Attestation:
    """Return an attestation of kind 3 by a multisig account: `secrets` of `threshold` of its 32-byte `signatories`.

    The order of signatories and secrets does not matter. Raise `MultisigInvalid` where a secret is no signatory's.
    """
    ordered = sorted(signatories)
    message = _message(statement, wrap_in_bytes)
    signatures = []
    for secret in secrets:
        account = account_of(secret)
        if account not in ordered:
            raise MultisigInvalid(f"account 0x{account.hex()} of a given secret is not among the signatories")
        signatures.append((ordered.index(account), secret.scheme, sign_message(secret, message)))
    evidence = (
        encode_uint(MULTISIG),
        encode_uint(threshold),
        tuple(ordered),
        tuple((encode_uint(index), encode_uint(scheme), signature) for index, scheme, signature in sorted(signatures)),
        statement.note,
    )
    return Attestation(SUBSTRATE_ACCOUNT, statement.valid_until, evidence)


def unsigned_transaction(call: Call, attestation: Attestation) -> AttestedTransaction:
    """Join call and attestation; the envelope's signature is zero."""
    return AttestedTransaction(
        chain_id=call.chain_id,
        nonce=call.nonce,
        max_priority_fee_per_gas=call.max_priority_fee_per_gas,
        max_fee_per_gas=call.max_fee_per_gas,
        gas_limit=call.gas_limit,
        to=call.to,
        value=call.value,
        data=call.data,
        access_list=call.access_list,
        attestation=attestation,
        y_parity=0,
        r=0,
        s=0,
    )


def sign_attested(call: Call, attestation: Attestation, private_key: bytes) -> bytes:
    """Return the signed envelope, 0x54 first, ready to be sent."""
    transaction = unsigned_transaction(call, attestation)
    y_parity, r, s = sign(signing_hash(transaction), private_key)
    return encode_transaction(replace(transaction, y_parity=y_parity, r=r, s=s))


def _message(statement: AccountStatement, wrap_in_bytes: bool) -> bytes:
    text = account_text(statement)
    return wrapped(text) if wrap_in_bytes else text
