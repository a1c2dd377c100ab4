"""`phal2 tee`: quotes of the TEE simulator, and the verification of any quote."""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from phal2.bridge.quote_files import QuoteFileError, read_collateral, read_quote, read_root_certificate
from phal2.devnet.command.argument_types import hex_bytes, unsigned
from phal2.devnet.tee.measurements import DEFAULT_WORKLOAD
from phal2.devnet.tee.quote_report import QuoteReport, refused, report_on_quote
from phal2.devnet.tee.root import SIMULATOR_ROOT_CA_DER
from phal2.node.attestation.intel_root import INTEL_ROOT_CA_DER
from phal2.node.attestation.statement import REPORT_DATA_LENGTH

_QUOTE: Final = """\
Make a TDX quote as a program in a TD would get it, with the collateral that verifies it.

The bytes are those of real hardware in everything but the root certificate, which is the
simulator's: its key is public, so its quotes prove nothing outside of a test.
The same workload name always gives the same measurements and so the same workload hash.
"""

_VERIFY: Final = """\
Verify a DCAP quote (SGX or TDX) with its collateral, at a moment, under a root certificate.

QUOTE is binary, hex, or JSON with hex in its member "quote" (as dstack and `phal2 tee quote`
write it). COLLATERAL is dcap-qvl's JSON, or JSON with that in its member "collateral".
Exit code 0 where the quote is valid, 1 where it is not. TCB statuses are judged by nobody here:
a valid quote may be OutOfDate.

example, with the simulator's root, which a devnet names:
  phal2 devnet --json | jq -r .tee.rootCa > root.hex
  phal2 tee quote --report-data HEX --json > quote.json
  phal2 tee verify quote.json quote.json --root root.hex
"""

_SIMULATED: Final = (
    "the quote is the TEE simulator's, not of hardware under Intel's root; --root takes the simulator's root, which "
    "`phal2 devnet --json` gives as tee.rootCa"
)


def add_tee_parser(commands: Any) -> None:
    """Add the command `tee` to argparse's subparsers."""
    tee = commands.add_parser("tee", help="make quotes with the TEE simulator, verify quotes")
    actions = tee.add_subparsers(title="actions", metavar="ACTION", required=True)

    quote = actions.add_parser(
        "quote",
        help="make a simulated quote",
        description=_QUOTE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    quote.add_argument(
        "--report-data",
        metavar="HEX",
        type=hex_bytes(REPORT_DATA_LENGTH),
        required=True,
        help="the 64 bytes that the quote attests, as 128 hex digits",
    )
    quote.add_argument(
        "--workload",
        metavar="NAME",
        default=DEFAULT_WORKLOAD,
        help="name of what runs in the TD (default: %(default)s)",
    )
    quote.add_argument("--at", metavar="UNIX", type=unsigned(64), help="when the collateral is valid (default: now)")
    quote.add_argument("--json", action="store_true", help="print {quote, collateral, workload} as JSON")
    quote.set_defaults(run=_run_quote)

    verify = actions.add_parser(
        "verify",
        help="verify a quote with its collateral",
        description=_VERIFY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verify.add_argument("quote", metavar="QUOTE", type=Path, help="file with the quote")
    verify.add_argument("collateral", metavar="COLLATERAL", type=Path, help="file with the collateral")
    verify.add_argument("--at", metavar="UNIX", type=unsigned(64), help="judge at this moment (default: now)")
    verify.add_argument(
        "--root", metavar="FILE", type=Path, help="the root certificate as DER, PEM or hex (default: Intel's)"
    )
    verify.add_argument(
        "--json",
        action="store_true",
        help="print {valid, reason, tee, status, advisoryIds, workload, reportData, simulated} as JSON",
    )
    verify.set_defaults(run=_run_verify)


def _run_quote(arguments: argparse.Namespace) -> int:
    # It brings the certificates' library, which verifying does without.
    from phal2.devnet.tee.simulator import simulate_quote

    timestamp = int(time.time()) if arguments.at is None else arguments.at
    simulated = simulate_quote(arguments.report_data, arguments.workload, timestamp)
    if arguments.json:
        fields = {
            "quote": simulated.quote.hex(),
            "collateral": simulated.collateral,
            "workload": simulated.workload.hex(),
        }
        print(json.dumps(fields))
    else:
        print(f"workload   0x{simulated.workload.hex()}")
        print(f"quote      0x{simulated.quote.hex()}")
        print(f"collateral {simulated.collateral_json.decode()}")
    return 0


def _run_verify(arguments: argparse.Namespace) -> int:
    timestamp = int(time.time()) if arguments.at is None else arguments.at
    try:
        root = INTEL_ROOT_CA_DER if arguments.root is None else read_root_certificate(arguments.root)
        quote, collateral = read_quote(arguments.quote), read_collateral(arguments.collateral)
        report = report_on_quote(quote, collateral, root, timestamp)
        if arguments.root is None and report_on_quote(quote, collateral, SIMULATOR_ROOT_CA_DER, timestamp).valid:
            report = replace(report, reason=f"{_SIMULATED} ({report.reason})")
    except QuoteFileError as error:
        report = refused(str(error))
    if arguments.json:
        print(json.dumps(_report_fields(report)))
    else:
        _print_report(report)
    return 0 if report.valid else 1


def _report_fields(report: QuoteReport) -> dict[str, Any]:
    return {
        "valid": report.valid,
        "reason": report.reason,
        "tee": report.tee,
        "status": report.status,
        "advisoryIds": list(report.advisory_ids),
        "workload": None if report.workload is None else report.workload.hex(),
        "reportData": None if report.report_data is None else report.report_data.hex(),
        "simulated": report.simulated,
    }


def _print_report(report: QuoteReport) -> None:
    print("valid      yes" if report.valid else f"valid      no: {report.reason}")
    if report.tee is not None:
        print(f"tee        {report.tee}")
    if report.status is not None:
        print(f"status     {report.status} {' '.join(report.advisory_ids)}".rstrip())
    if report.workload is not None and report.report_data is not None:
        print(f"workload   0x{report.workload.hex()}")
        print(f"reportData 0x{report.report_data.hex()}")
    print(f"simulated  {'yes' if report.simulated else 'no'}")
