"""`phal2 migration claim`."""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Final

from phal2.bridge.chain_access.clients import open_client
from phal2.bridge.chain_access.options import add_sending_options, address, report_errors, report_progress, sending_key
from phal2.bridge.command.arguments import add_arrival_option, add_contract_options, open_chains
from phal2.bridge.migration.arguments import timestamp
from phal2.bridge.migration.claim_options import (
    add_account_options,
    check_account_options,
    claiming_account,
    claiming_signer,
)
from phal2.bridge.migration.forced_claim import ForcedClaim, force_claim
from phal2.bridge.migration.relay import PaidClaim, PreparedClaim, claim, prepare_claim
from phal2.bridge.migration.report import format_pha
from phal2.bridge.migration.ss58 import encode_address
from phal2.bridge.migration.status import utc_time
from phal2.bridge.migration.tree_file import read_tree
from phal2.node.protocol.addresses import to_checksum_address

FORCED_ARRIVAL_SECONDS: Final = 86_400
"""Longer than a sequencing window of 3,600 blocks of Ethereum."""

_CLAIM: Final = """\
Claim the PHA of a Substrate account for an address on L2.

The account signs a text that a person can read; it names the receiver and the call, and holds
until a time. Whoever sends the transaction (--private-key) pays the gas and can change nothing,
so this need not be the receiver or the account's owner. An account is paid once.

With the secret at hand, in one step:
  phal2 migration claim --l2 URL --tree tree.json --receiver 0x… \\
      --secret alice.seed --private-key-file relayer.key

With the key in a wallet (such as the Polkadot extension), in two steps:
  phal2 migration claim --l2 URL --tree tree.json --receiver 0x… --public-key 5Grw… --print-text
      prints the text on stdout, exactly as it is to be signed, and on stderr until when it holds;
      wallets sign it as bytes, with <Bytes>…</Bytes> around it, which is as good
  phal2 migration claim --l2 URL --tree tree.json --receiver 0x… --public-key 5Grw… \\
      --valid-until 1750003600 --signature 0x… --private-key-file relayer.key

A multisig account, 2 of 3 (--signature instead of --secret works as above):
  phal2 migration claim --l2 URL --tree tree.json --receiver 0x… --threshold 2 \\
      --signatory 5Grw… --signatory 5FHn… --signatory 5FLS… \\
      --secret sr25519:alice.seed --secret ed25519:bob.seed --private-key-file relayer.key

Where L2's sequencer does not take the claim, or is away, L1 forces it: --force-through-l1 sends it
as a deposit there, which every L2 node includes, at the latest when the sequencing window ends.
--l2 may then be any follower, the sender pays gas on L1, and none on L2:
  phal2 migration claim --l2 URL-OF-A-FOLLOWER --tree tree.json --receiver 0x… \\
      --secret alice.seed --private-key-file relayer.key --force-through-l1 URL-OF-L1

Whether the claim will be paid is checked before anything is sent: launched, the tree is the one
that L2 pays under, not claimed yet, within the deadline, a right signature.

With --json prints one object: accountId, receiver, free, staked, amount, relayer,
transactionHash, blockNumber, gasUsed (and with --force-through-l1 l1TransactionHash,
l1BlockNumber); with --print-text: text, accountId, receiver, free, staked,
note, validUntil.
"""


def add_claim_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Register `claim`."""
    parser = commands.add_parser(
        "claim",
        help="claim an account's PHA on L2",
        description=_CLAIM,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--l2", required=True, metavar="URL", help="JSON-RPC of L2")
    parser.add_argument(
        "--tree", type=Path, required=True, metavar="FILE", help="what `phal2 migration tree` wrote: the claims"
    )
    parser.add_argument(
        "--receiver", type=address, required=True, metavar="ADDRESS", help="who gets the PHA on L2: 0x and 40 digits"
    )
    parser.add_argument(
        "--valid-until",
        type=timestamp,
        metavar="UNIX",
        help="last second at which the signed text holds, at most 30 days ahead (default: in an hour; with "
        "--force-through-l1 in 2 days, for --print-text in 7, or at the deadline for claims)",
    )
    parser.add_argument(
        "--print-text", action="store_true", help="print what the account has to sign, and send nothing"
    )
    add_account_options(parser)
    add_sending_options(parser, owner="the account that sends the transaction and pays the gas")
    forcing = parser.add_argument_group("forcing the claim through L1")
    forcing.add_argument(
        "--force-through-l1",
        dest="l1",
        metavar="URL",
        help="JSON-RPC of L1: send the claim there, so that L2 has to include it",
    )
    add_contract_options(forcing)
    add_arrival_option(forcing, FORCED_ARRIVAL_SECONDS)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a report")
    parser.set_defaults(run=report_errors(run_claim), usage_error=parser.error)


def run_claim(arguments: argparse.Namespace) -> int:
    """Carry out `claim`. Raises Phal2Error."""
    wrong = check_account_options(arguments)
    if wrong is not None:
        arguments.usage_error(wrong)
    if arguments.l1 is None and (arguments.contracts or arguments.rollup_config or arguments.rollup_node):
        arguments.usage_error("--contracts, --rollup-config and --rollup-node go with --force-through-l1")
    if arguments.print_text:
        _print_text(asyncio.run(_prepare(arguments)), as_json=arguments.json)
        return 0
    if arguments.l1 is not None:
        forced = asyncio.run(_force(arguments))
        print(json.dumps(_forced_to_json(forced)) if arguments.json else _describe_forced(forced))
        return 0
    paid = asyncio.run(_claim(arguments))
    print(json.dumps(_paid_to_json(paid)) if arguments.json else _describe_paid(paid))
    return 0


async def _prepare(arguments: argparse.Namespace) -> PreparedClaim:
    tree = read_tree(arguments.tree)
    async with open_client(arguments.l2) as l2:
        return await prepare_claim(
            l2, tree, claiming_account(arguments), arguments.receiver, valid_until=arguments.valid_until
        )


async def _claim(arguments: argparse.Namespace) -> PaidClaim:
    tree = read_tree(arguments.tree)
    signer = claiming_signer(arguments)
    private_key = sending_key(arguments)
    async with open_client(arguments.l2) as l2:
        return await claim(
            l2,
            tree,
            signer,
            arguments.receiver,
            private_key,
            valid_until=arguments.valid_until,
            timeout_seconds=arguments.timeout,
            report=report_progress,
        )


async def _force(arguments: argparse.Namespace) -> ForcedClaim:
    tree = read_tree(arguments.tree)
    signer = claiming_signer(arguments)
    private_key = sending_key(arguments)
    async with open_chains(arguments) as chains:
        return await force_claim(
            chains.l1,
            chains.l2,
            chains.contracts,
            tree,
            signer,
            arguments.receiver,
            private_key,
            report_progress,
            valid_until=arguments.valid_until,
            timeout_seconds=arguments.timeout,
            arrival_seconds=arguments.arrival_timeout,
        )


def _print_text(prepared: PreparedClaim, *, as_json: bool) -> None:
    statement = prepared.statement
    if as_json:
        shown = {"text": prepared.text} | _leaf_to_json(prepared)
        print(json.dumps(shown | {"note": statement.note.decode("ascii"), "validUntil": statement.valid_until}))
        return
    # Byte for byte what is signed, so that it can go into a file or a pipe: no line feed follows.
    sys.stdout.write(prepared.text)
    sys.stdout.flush()
    lead = "\n\n" if sys.stdout.isatty() else ""
    report_progress(
        f"{lead}to be signed by {encode_address(prepared.leaf.account_id)} until {utc_time(statement.valid_until)}, "
        f"then sent with --valid-until {statement.valid_until} --signature 0x…"
    )


def _describe_paid(paid: PaidClaim) -> str:
    leaf = paid.leaf
    return "\n".join(
        (
            f"paid         {paid.amount} ({format_pha(paid.amount)})",
            f"  free       {format_pha(leaf.free)}",
            f"  staked     {format_pha(leaf.staked)}",
            f"account      {encode_address(leaf.account_id)} (0x{leaf.account_id.hex()})",
            f"receiver     {to_checksum_address(paid.receiver)}",
            f"transaction  0x{paid.transaction_hash.hex()} in block {paid.block_number}",
        )
    )


def _paid_to_json(paid: PaidClaim) -> dict[str, Any]:
    return _leaf_to_json(paid) | {
        "amount": str(paid.amount),
        "relayer": to_checksum_address(paid.relayer),
        "transactionHash": f"0x{paid.transaction_hash.hex()}",
        "blockNumber": paid.block_number,
        "gasUsed": paid.gas_used,
    }


def _describe_forced(forced: ForcedClaim) -> str:
    sent = f"through      0x{forced.l1_transaction_hash.hex()} in L1 block {forced.l1_block_number}"
    return f"{_describe_paid(forced.paid)}\n{sent}"


def _forced_to_json(forced: ForcedClaim) -> dict[str, Any]:
    return _paid_to_json(forced.paid) | {
        "l1TransactionHash": f"0x{forced.l1_transaction_hash.hex()}",
        "l1BlockNumber": forced.l1_block_number,
    }


def _leaf_to_json(claimed: PreparedClaim | PaidClaim) -> dict[str, Any]:
    return {
        "accountId": f"0x{claimed.leaf.account_id.hex()}",
        "receiver": to_checksum_address(claimed.receiver),
        "free": str(claimed.leaf.free),
        "staked": str(claimed.leaf.staked),
    }
