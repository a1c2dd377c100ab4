"""What `phal2 tee verify` says of a quote: dcap-qvl's verdict without any policy, and what the quote is about."""

import json
from dataclasses import dataclass

from dcap_qvl import QuoteCollateralV3, verify_with_root_ca

from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.attestation.dcap import one_line
from phal2.node.attestation.errors import MalformedQuote
from phal2.node.attestation.quotes import parse_report
from phal2.node.attestation.rust_panics import is_rust_panic


@dataclass(frozen=True, slots=True)
class QuoteReport:
    """The verdict. `reason` is None where valid; the other fields are None where the quote does not tell them.

    `status` is Intel's name of the TCB status; workload and report data are bytes of 32 and 64.
    """

    valid: bool
    reason: str | None
    tee: str | None
    status: str | None
    advisory_ids: tuple[str, ...]
    workload: bytes | None
    report_data: bytes | None
    simulated: bool


def report_on_quote(quote: bytes, collateral: bytes, root_der: bytes, timestamp: int) -> QuoteReport:
    """Verify a raw quote with its collateral (JSON) under a root certificate at a Unix time.

    `simulated` tells whether the root is the simulator's. Bytes behind the quote, with which hosts pad it, do not
    matter. Raises nothing on hostile input.
    """
    simulated = root_der == SIMULATOR_ROOT_CA_DER
    try:
        report = parse_report(quote)
    except MalformedQuote as error:
        return refused(str(error), simulated=simulated)
    verdict = _verdict(quote, collateral, root_der, timestamp)
    reason = verdict if isinstance(verdict, str) else None
    status, advisory_ids = (None, ()) if isinstance(verdict, str) else verdict
    return QuoteReport(
        valid=reason is None,
        reason=reason,
        tee=report.tee,
        status=status,
        advisory_ids=advisory_ids,
        workload=report.workload,
        report_data=report.report_data,
        simulated=simulated,
    )


def refused(reason: str, *, simulated: bool = False) -> QuoteReport:
    """Return the report on something that is not even a quote."""
    return QuoteReport(
        valid=False,
        reason=reason,
        tee=None,
        status=None,
        advisory_ids=(),
        workload=None,
        report_data=None,
        simulated=simulated,
    )


def _verdict(quote: bytes, collateral: bytes, root_der: bytes, timestamp: int) -> tuple[str, tuple[str, ...]] | str:
    """Return (status, advisory ids), or why the quote is refused."""
    try:
        parsed = QuoteCollateralV3.from_json(collateral.decode("utf-8"))
        verified = json.loads(verify_with_root_ca(quote, parsed, root_der, timestamp).to_json())
        return verified["status"], tuple(verified["advisory_ids"])
    except (ValueError, OverflowError) as error:
        return one_line(str(error))
    except BaseException as error:
        if not is_rust_panic(error):
            raise
        return "dcap-qvl could not process the quote"
