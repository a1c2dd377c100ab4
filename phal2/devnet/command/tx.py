"""`phal2 tx attest`: builds, signs and sends attested transactions from the shell."""

import argparse
import asyncio
import json
from typing import Any, Final

from phal2.bridge.chain_access.options import address
from phal2.devnet.command.argument_types import hex_bytes, unsigned
from phal2.devnet.command.attestation_options import (
    add_attestation_options,
    check_attestation_options,
    make_attestation,
    statement_text,
)
from phal2.devnet.command.transaction_sending import Fees, SendingError, TransactionSender
from phal2.node.attestation.building import Call, sign_attested
from phal2.node.l1.json_rpc import JsonRpcClient
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.signatures import SECP256K1_ORDER, address_of_private_key

_ATTEST: Final = """\
Call a contract with an attestation: a DCAP quote, a registered enclave key, or a Substrate
account. What is attested is exactly this call; fees are outside of it.

Quotes come from the TEE simulator, or from files. For real hardware take two steps: the first
with --print-statement, --valid-until and --nonce prints the report data to be quoted; the
second with the same values and --quote and --collateral sends the transaction.

Examples:
  phal2 tx attest --rpc http://127.0.0.1:9545 --private-key 0x… --to 0x… --data 0x… \\
      --kind quote --workload gate
  phal2 tx attest … --kind enclave-key --enclave-key 0x…
  phal2 tx attest … --kind account --secret sr25519:0x… --wrapped --note "receive PHA at 0x…"
  phal2 tx attest … --kind account --threshold 2 --signatory 0x… --signatory 5Grw… --signatory 0x… \\
      --secret sr25519:0x… --secret ecdsa:0x… --note "…"
"""

_RECEIPT_SECONDS: Final = 60


def add_tx_parser(commands: Any) -> None:
    """Add the command `tx` to argparse's subparsers."""
    tx = commands.add_parser("tx", help="send attested transactions")
    actions = tx.add_subparsers(title="actions", metavar="ACTION", required=True)
    attest = actions.add_parser(
        "attest",
        help="build, sign and send an attested transaction",
        description=_ATTEST,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_call_options(attest)
    add_attestation_options(attest)
    _add_fee_options(attest)
    _add_output_options(attest)
    attest.set_defaults(run=_run_attest, parser=attest)


def _add_call_options(parser: argparse.ArgumentParser) -> None:
    call = parser.add_argument_group("the call")
    call.add_argument("--rpc", metavar="URL", required=True, help="JSON-RPC endpoint of an L2 node")
    call.add_argument(
        "--private-key", metavar="HEX", type=hex_bytes(32), required=True, help="key of the sender, who pays the gas"
    )
    call.add_argument("--to", metavar="ADDRESS", type=address, required=True, help="the contract")
    call.add_argument("--data", metavar="HEX", type=hex_bytes(), default=b"", help="calldata (default: empty)")
    call.add_argument("--value", metavar="WEI", type=unsigned(256), default=0, help="wei to send (default: 0)")
    call.add_argument("--nonce", metavar="N", type=unsigned(64), help="nonce (default: the sender's next)")


def _add_fee_options(parser: argparse.ArgumentParser) -> None:
    fees = parser.add_argument_group("fees")
    fees.add_argument("--gas-limit", metavar="GAS", type=unsigned(64), help="gas limit (default: the node's estimate)")
    fees.add_argument(
        "--max-fee-per-gas", metavar="WEI", type=unsigned(256), help="(default: twice the base fee, and the tip)"
    )
    fees.add_argument(
        "--max-priority-fee-per-gas", metavar="WEI", type=unsigned(256), help="the tip (default: the node's advice)"
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument("--json", action="store_true", help="print {transactionHash, receipt} as JSON")
    instead = output.add_mutually_exclusive_group()
    instead.add_argument("--raw", action="store_true", help="print the signed transaction instead of sending it")
    instead.add_argument(
        "--print-statement",
        action="store_true",
        help="print what must be attested: the report data (quote), the digest (enclave-key) or the text (account)",
    )
    output.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=unsigned(32),
        default=_RECEIPT_SECONDS,
        help="how long to wait for the receipt (default: %(default)s)",
    )


def _run_attest(arguments: argparse.Namespace) -> int:
    if not 0 < int.from_bytes(arguments.private_key, "big") < SECP256K1_ORDER:
        arguments.parser.error("argument --private-key: is not the key of any account")
    problem = check_attestation_options(arguments)
    if problem is not None:
        arguments.parser.error(problem)
    return asyncio.run(_attest(arguments))


async def _attest(arguments: argparse.Namespace) -> int:
    client = JsonRpcClient(arguments.rpc)
    try:
        return await _attest_through(TransactionSender(client), arguments)
    finally:
        await client.close()


async def _attest_through(node: TransactionSender, arguments: argparse.Namespace) -> int:
    sender = address_of_private_key(arguments.private_key)
    now = await node.latest_timestamp()
    valid_until = now + arguments.valid_for if arguments.valid_until is None else arguments.valid_until
    call = Call(
        chain_id=await node.chain_id(),
        nonce=await node.next_nonce(sender) if arguments.nonce is None else arguments.nonce,
        to=arguments.to,
        value=arguments.value,
        data=arguments.data,
        gas_limit=0,
        max_priority_fee_per_gas=0,
        max_fee_per_gas=0,
    )
    if arguments.print_statement:
        print(statement_text(arguments, call, sender, valid_until))
        return 0
    attestation = make_attestation(arguments, call, sender, valid_until, now)
    fees = Fees(arguments.gas_limit, arguments.max_priority_fee_per_gas, arguments.max_fee_per_gas)
    raw = sign_attested(await node.with_fees(call, sender, attestation, fees), attestation, arguments.private_key)
    if arguments.raw:
        print(json.dumps({"raw": "0x" + raw.hex()}) if arguments.json else "0x" + raw.hex())
        return 0
    await node.send(raw)
    receipt = await node.wait_for_receipt(keccak256(raw), arguments.timeout)
    _print_receipt(receipt, as_json=arguments.json)
    return 0 if receipt.get("status") == "0x1" else 1


def _print_receipt(receipt: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"transactionHash": receipt.get("transactionHash"), "receipt": receipt}))
        return
    try:
        block_number = int(receipt["blockNumber"], 16)
        gas_used = int(receipt["gasUsed"], 16)
    except (KeyError, TypeError, ValueError):
        raise SendingError("the node's receipt has no block number or gas used") from None
    outcome = "succeeded" if receipt.get("status") == "0x1" else "failed: the call reverted"
    print(f"transaction {receipt.get('transactionHash')}")
    print(f"{outcome} in block {block_number}, {gas_used} gas used")
