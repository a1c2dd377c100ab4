"""Attested transactions of one account on a devnet: making them, sending them, and hearing why they are refused."""

from dataclasses import dataclass
from typing import Any

import pytest
from chain_actions import mine, send_raw
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.exceptions import Web3RPCError

from phal2.contracts import decode_revert, encode_call, load_artefact
from phal2.devnet.process import DevnetProcess, Endpoint, RequestRefused
from phal2.devnet.tee.simulator import STANDARD_PLATFORM, SimulatedPlatform, SimulatedQuote, simulate_quote
from phal2.node.attestation.account_secrets import AccountSecret
from phal2.node.attestation.building import (
    Call,
    account_attestation,
    account_statement_for,
    enclave_key_attestation,
    multisig_attestation,
    quote_attestation,
    sign_attested,
    statement_for,
)
from phal2.node.attestation.presentation import evidence_as_hex
from phal2.node.attestation.statement import report_data_of
from phal2.node.attestation.substrate_signatures import ECDSA, ED25519, SR25519
from phal2.node.protocol import rlp
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.predeploys import ATTESTATION_CONTEXT, ENCLAVE_REGISTRY
from phal2.node.protocol.signatures import sign
from phal2.node.protocol.transactions import Attestation

ENVELOPE_FIELDS = 10
DAY = 86_400
INVALID = -32_000
WORKLOAD = "gate"
NOTE = b"open the gate"
ALICE = AccountSecret(SR25519, b"\xa1" * 32)
BOB = AccountSecret(ED25519, b"\xb0" * 32)
CAROL = AccountSecret(ECDSA, b"\xca" * 32)

CONTEXT = load_artefact("AttestationContext")
REGISTRY = load_artefact("EnclaveRegistry")
GATE = load_artefact("WorkloadGate")
ERRORS = (CONTEXT, REGISTRY, GATE)
READ_CONTEXT = encode_call(CONTEXT, "current", [])


@dataclass(frozen=True, slots=True)
class Attester:
    """An account that sends attested transactions, and what it needs for them."""

    l2: Endpoint
    web3: Web3
    account: LocalAccount

    @classmethod
    def of(cls, devnet: DevnetProcess, number: int) -> "Attester":
        """One of the devnet's own accounts."""
        web3 = Web3(Web3.HTTPProvider(devnet.l2.url))
        return cls(devnet.l2, web3, web3.eth.account.from_key(devnet.accounts[number]["privateKey"]))

    @property
    def sender(self) -> bytes:
        return bytes.fromhex(self.account.address[2:])

    def next_timestamp(self) -> int:
        """The timestamp of the block after the head."""
        head = self.web3.eth.get_block("latest")
        parent = self.web3.eth.get_block(head["number"] - 1)
        return int(2 * head["timestamp"] - parent["timestamp"])

    def call(
        self,
        to: bytes | str = ATTESTATION_CONTEXT,
        data: bytes = READ_CONTEXT,
        *,
        value: int = 0,
        nonce: int | None = None,
        gas_limit: int = 1_500_000,
        tip: int = 10**6,
    ) -> Call:
        """A call with the account's next nonce and fees that a few full blocks do not outgrow."""
        return Call(
            chain_id=self.l2.chain_id,
            nonce=self.web3.eth.get_transaction_count(self.account.address, "pending") if nonce is None else nonce,
            to=to if isinstance(to, bytes) else bytes.fromhex(to[2:]),
            value=value,
            data=data,
            gas_limit=gas_limit,
            max_priority_fee_per_gas=tip,
            max_fee_per_gas=3 * self.web3.eth.gas_price + tip,
        )

    def valid_until(self) -> int:
        return self.next_timestamp() + 3_600

    def simulated(
        self,
        call: Call,
        valid_until: int,
        *,
        workload: str = WORKLOAD,
        platform: SimulatedPlatform = STANDARD_PLATFORM,
        age: int = 0,
    ) -> SimulatedQuote:
        """A quote of the TEE simulator for the call, with collateral that is `age` seconds old."""
        report_data = report_data_of(statement_for(call, self.sender, valid_until))
        return simulate_quote(report_data, workload, self.next_timestamp() - age, platform)

    def quoted(self, call: Call, *, valid_until: int | None = None, **choices: Any) -> Attestation:
        """Kind 1: a quote of the TEE simulator for the call."""
        until = self.valid_until() if valid_until is None else valid_until
        simulated = self.simulated(call, until, **choices)
        return quote_attestation(simulated.quote, simulated.collateral_json, until)

    def enclave_signed(self, call: Call, enclave_key: bytes, *, valid_until: int | None = None) -> Attestation:
        """Kind 2: the call signed with an enclave's key."""
        until = self.valid_until() if valid_until is None else valid_until
        return enclave_key_attestation(statement_for(call, self.sender, until), enclave_key)

    def account_signed(
        self,
        call: Call,
        secret: AccountSecret = ALICE,
        *,
        valid_until: int | None = None,
        note: bytes = NOTE,
        wrap_in_bytes: bool = False,
    ) -> Attestation:
        """Kind 3 of one key."""
        until = self.valid_until() if valid_until is None else valid_until
        return account_attestation(account_statement_for(call, until, note), secret, wrap_in_bytes=wrap_in_bytes)

    def multisig_signed(
        self, call: Call, threshold: int, signatories: list[bytes], secrets: list[AccountSecret]
    ) -> Attestation:
        """Kind 3 of a multisig account."""
        statement = account_statement_for(call, self.valid_until(), NOTE)
        return multisig_attestation(statement, threshold, signatories, secrets)

    def sign(self, call: Call, attestation: Attestation) -> bytes:
        return sign_attested(call, attestation, bytes(self.account.key))

    def send(self, call: Call, attestation: Attestation) -> Any:
        """Send the call, have a block sealed, and return the receipt."""
        return send_raw(self.web3, self.sign(call, attestation))

    def register(self, enclave: bytes, *, valid_for: int = 30 * DAY, **choices: Any) -> Any:
        """Register an enclave's address with a quote; return the receipt."""
        call = self.call(ENCLAVE_REGISTRY, encode_call(REGISTRY, "register", [enclave, valid_for]))
        return self.send(call, self.quoted(call, **choices))

    def refusal(self, raw: bytes) -> str:
        """Send an envelope that must be refused; return why, after making sure that no block has it."""
        with pytest.raises(Web3RPCError) as refused:
            self.web3.eth.send_raw_transaction(raw)
        error = refused.value.rpc_response["error"]
        assert error["code"] == INVALID, error
        mine(self.web3)
        assert self.l2.request("eth_getTransactionByHash", f"0x{keccak256(raw).hex()}") is None
        return str(error["message"])

    def judged_refusal(self, raw: bytes) -> str:
        """As `refusal`, where the attestation is what does not hold: `attestation_verify` must say the same."""
        judgement = self.l2.request("attestation_verify", f"0x{raw.hex()}")
        message = self.refusal(raw)
        assert judgement["valid"] is False
        assert _without_time(judgement["reason"]) == _without_time(message)
        return message

    def call_object(self, call: Call, attestation: Attestation | None) -> dict[str, Any]:
        """The call as eth_call and eth_estimateGas take it."""
        request: dict[str, Any] = {
            "from": self.account.address,
            "to": f"0x{call.to.hex()}",
            "nonce": hex(call.nonce),
            "value": hex(call.value),
            "data": f"0x{call.data.hex()}",
        }
        if attestation is not None:
            request["attestation"] = {
                "kind": hex(attestation.kind),
                "validUntil": hex(attestation.valid_until),
                "evidence": evidence_as_hex(attestation.evidence),
            }
        return request

    def revert_reason(self, call: Call, attestation: Attestation | None) -> str:
        """Why a contract reverts the call, by eth_call."""
        with pytest.raises(RequestRefused) as refused:
            self.l2.request("eth_call", self.call_object(call, attestation), "latest")
        assert refused.value.code == 3, refused.value
        return decode_revert(ERRORS, bytes.fromhex(str(refused.value.data)[2:]))


def fields_of(raw: bytes) -> list[Any]:
    """The fields of an envelope's RLP, signature included."""
    return list(rlp.decode(raw[1:]))


def signed_fields(attester: Attester, fields: list[Any]) -> bytes:
    """An envelope of any RLP items in place of the fields before the signature, signed with the account's key."""
    payload = fields[:ENVELOPE_FIELDS]
    y_parity, r, s = sign(keccak256(b"\x54" + rlp.encode(payload)), bytes(attester.account.key))
    return b"\x54" + rlp.encode([*payload, *map(rlp.encode_uint, (y_parity, r, s))])


def enter(word: bytes = b"\x0e" * 32) -> bytes:
    """The call data of WorkloadGate.enter."""
    return encode_call(GATE, "enter", [word])


def workload_hash(workload: str = WORKLOAD) -> bytes:
    """The hash by which policies and contracts know a simulated workload."""
    return simulate_quote(bytes(64), workload, 0).workload


def _without_time(message: str) -> str:
    """Drop the block's timestamp, which may move between two questions."""
    return "".join(word for word in message.split() if not word.strip(";:,").isdigit())
