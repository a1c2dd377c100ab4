"""Registers a prover's key: its quote is verified off chain, approved by the verifier's owner, and registered.

The approval is the owner's word on what `node.attestation` finds: L1 checks no signature of a quote itself as long as
the ProverRegistry's verifier is the OwnerApprovedQuoteVerifier.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from phal2.bridge.chain_access.contract_views import Contract
from phal2.bridge.proposer.errors import InvalidQuote, NotRegistered
from phal2.bridge.proposer.prover_client import ProverClient
from phal2.bridge.proposer.transaction_sender import ContractCall, TransactionSender
from phal2.bridge.prover.prover import registration_report_data
from phal2.node.attestation.dcap import QuoteRefusal, check_quote
from phal2.node.attestation.errors import MalformedQuote
from phal2.node.attestation.quotes import parse_exact_quote
from phal2.node.l1.client import L1Client
from phal2.node.protocol.addresses import to_checksum_address
from phal2.node.protocol.keccak import keccak256

_LOGGER = logging.getLogger("phal2.proposer")

_ARTEFACTS: Final = ("ProverRegistry", "OwnerApprovedQuoteVerifier")

_AUTOMATA_STATUS: Final = (0, 1, 3, 2, 4, 5)
"""TCB statuses by this project's numbers (`attestation.tcb`) in Automata's, where two of them change places."""


@dataclass(frozen=True, slots=True)
class QuoteTrust:
    """What a quote is held against: a root certificate (DER), collateral (JSON), and a workload's 32-byte hash.

    `collateral` and `now` are asked when a quote is to be judged; `now` gives Unix seconds. With no workload, any is
    taken here, and the registry's list decides.
    """

    root_der: bytes
    collateral: Callable[[bytes], bytes]
    now: Callable[[], int]
    workload: bytes | None = None


def judged_tcb_status(quote: bytes, report_data: bytes, trust: QuoteTrust) -> int:
    """Return the quote's TCB status in Automata's numbers. Raises `InvalidQuote` where the quote does not hold."""
    try:
        report = parse_exact_quote(quote)
    except MalformedQuote as error:
        raise InvalidQuote(f"the prover's quote is malformed: {error}") from error
    if report.report_data != report_data:
        raise InvalidQuote(
            f"the prover's quote has the report data 0x{report.report_data.hex()}; for this key, chain and registry it "
            f"must be 0x{report_data.hex()}"
        )
    if trust.workload not in (None, report.workload):
        raise InvalidQuote(f"the prover's quote is of the workload 0x{report.workload.hex()}, not of the expected one")
    verdict = check_quote(quote, trust.collateral(quote), trust.root_der, trust.now())
    if isinstance(verdict, QuoteRefusal):
        raise InvalidQuote(f"the prover's quote does not hold: {verdict.reason}")
    return _AUTOMATA_STATUS[verdict.tcb_status]


class OwnerRegistrar:
    """Registers provers with the key of the quote verifier's owner."""

    def __init__(
        self, l1: L1Client, chain_id: int, prover_registry: bytes, owner: TransactionSender, trust: QuoteTrust
    ) -> None:
        self._l1 = l1
        self._chain_id = chain_id
        self._registry = Contract("ProverRegistry", prover_registry)
        self._owner = owner
        self._trust = trust

    async def register(self, prover: ProverClient) -> None:
        """Have the prover's key registered, or a new key where that one expired or was revoked.

        Raises `InvalidQuote`, `NotRegistered`, `CallRefused` where a contract refuses, and an `EndpointError`.
        """
        address = (await prover.description()).address
        if await self._registry.read(self._l1.call, "isValidProver", address):
            _LOGGER.info("the prover %s is registered already", to_checksum_address(address))
            return
        expiry = (await self._registry.read_values(self._l1.call, "provers", address))[1]
        if expiry != 0:
            if not await prover.renew():
                raise NotRegistered(
                    f"the prover's key {to_checksum_address(address)} expired or was revoked, and a key is registered "
                    "only once: start the prover again, so that it makes a new one"
                )
            _LOGGER.info("the prover's key %s counts no more; it makes a new one", to_checksum_address(address))
            address = (await prover.description()).address
        registry = self._registry.address
        quote = await prover.quote(registry)
        status = judged_tcb_status(quote, registration_report_data(self._chain_id, registry, address), self._trust)
        await self._require_allowed(parse_exact_quote(quote).workload, status)
        verifier = Contract("OwnerApprovedQuoteVerifier", await self._registry.read(self._l1.call, "quoteVerifier"))
        approval = (await verifier.read_values(self._l1.call, "approvals", keccak256(quote)))[:2]
        if approval != (True, status):
            await self._send("approving the prover's quote", verifier, "approve", keccak256(quote), status)
        await self._send("registering the prover", self._registry, "register", address, quote)
        _LOGGER.info("the prover %s is registered", to_checksum_address(address))

    async def _require_allowed(self, workload: bytes, status: int) -> None:
        """Have the registry's rules known before an approval is paid for, each time that this is tried."""
        if not await self._registry.read(self._l1.call, "allowedWorkloads", workload):
            raise NotRegistered(
                f"the ProverRegistry does not allow the prover's workload 0x{workload.hex()}: its owner has to "
                "(setWorkload)"
            )
        if not await self._registry.read(self._l1.call, "isTcbStatusAllowed", status):
            raise NotRegistered(
                f"the ProverRegistry does not allow the TCB status {status} of the prover's platform: update the "
                "platform, or have the registry's owner allow it (setAllowedTcbStatuses)"
            )

    async def _send(self, what: str, contract: Contract, function: str, *arguments: object) -> None:
        call = ContractCall(what, contract.address, contract.call_data(function, *arguments), _ARTEFACTS)
        await self._owner.send(call)
