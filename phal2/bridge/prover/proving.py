"""Executes the L2 blocks of a request and returns the claim that holds of them, or says which check fails.

The checks are those of op-enclave's stateless execution and of derivation: what is not checked against the hash of a
block, against L1 headers linked by their parent hashes, or by executing it, is not believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Final

from phal2.bridge.prover.claim import Claim, config_hash
from phal2.bridge.prover.errors import BrokenRule, ExecutionFailed, WrongBlock, WrongL1Origin, WrongParent
from phal2.bridge.prover.l1_origins import linked_epochs
from phal2.bridge.prover.message_passer import output_root_of
from phal2.bridge.prover.proof_request import ClaimedBlock, ProofRequest
from phal2.node.derivation.attributes import epoch_attributes
from phal2.node.derivation.batch_rules import Verdict, judge_batch
from phal2.node.derivation.errors import DerivationError
from phal2.node.derivation.l1_traversal import Epoch
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.block_refs import L1BlockRef, L2BlockRef
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.headers import Header, encode_header, header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.l1_attributes import l2_block_ref, system_config_from_block
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig
from phal2.node.state.rules import L2Rules
from phal2.node.state.stateless import Witness, execute_statelessly, verified_witness

_NEVER: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class _Parent:
    """The last block that is known to be right; `epoch` is the index of its L1 origin."""

    header: Header
    ref: L2BlockRef
    epoch: int


def prove(config: RollupConfig, request: ProofRequest) -> Claim:
    """Execute the blocks of `request` and return the claim on them. Raises a `ProverError`."""
    parent_ref, parent_system_config = _checked_parent(config, request)
    previous_output_root = output_root_of(config, request.parent, parent_ref.hash, request.parent_message_passer_proof)
    epochs = linked_epochs(config, parent_ref.l1_origin, parent_system_config, request.l1_origins)
    witness = _witness(request)
    parent = _Parent(request.parent, parent_ref, 0)
    for block in request.blocks:
        parent = _proven_block(config, parent, block, epochs, witness)
    if parent.epoch != len(epochs) - 1:
        raise WrongL1Origin(f"{len(epochs)} L1 blocks are given, but the L2 blocks have {parent.epoch + 1} as origin")
    return Claim(
        config_hash=config_hash(config),
        l1_block_hash=parent.ref.l1_origin.hash,
        l1_block_number=parent.ref.l1_origin.number,
        l2_block_number=parent.ref.number,
        previous_output_root=previous_output_root,
        output_root=output_root_of(config, parent.header, parent.ref.hash, request.message_passer_proof),
    )


def _checked_parent(config: RollupConfig, request: ProofRequest) -> tuple[L2BlockRef, SystemConfig]:
    """Return the parent's reference and system configuration, both read from what its hash commits to."""
    header, block_hash = request.parent, header_hash(request.parent)
    if header.number < config.l2_genesis.number or (
        header.number == config.l2_genesis.number and block_hash != config.l2_genesis.hash
    ):
        raise WrongParent(
            f"L2 block {header.number} (0x{block_hash.hex()}) is not a block of the chain that begins with block "
            f"{config.l2_genesis.number} (0x{config.l2_genesis.hash.hex()})"
        )
    if header.timestamp != config.l2_timestamp(header.number):
        raise WrongParent(
            f"L2 block {header.number} has the time {header.timestamp}; "
            f"it must have {config.l2_timestamp(header.number)}"
        )
    root = _transactions_root(request.parent_transactions)
    if root != header.transactions_root:
        raise WrongParent(
            f"the transactions given for L2 block {header.number} have the root 0x{root.hex()}; its header states "
            f"0x{header.transactions_root.hex()}"
        )
    first = request.parent_transactions[0] if request.parent_transactions else None
    try:
        return l2_block_ref(config, header, block_hash, first), system_config_from_block(config, header, first)
    except Phal2Error as error:
        raise WrongParent(f"L2 block {header.number}: {error}") from error


def _transactions_root(envelopes: Sequence[bytes]) -> bytes:
    if not all(envelopes):
        raise WrongParent("one of the parent's transactions is empty")
    return ordered_trie_root(envelopes)


def _witness(request: ProofRequest) -> Witness:
    """Return the preimages by their hashes, with the headers of the blocks themselves, for BLOCKHASH."""
    headers = (encode_header(request.parent), *(encode_header(block.header) for block in request.blocks))
    return verified_witness({keccak256(preimage): preimage for preimage in (*request.preimages, *headers)})


def _proven_block(
    config: RollupConfig, parent: _Parent, block: ClaimedBlock, epochs: Sequence[Epoch], witness: Witness
) -> _Parent:
    number = parent.ref.number + 1
    index = parent.epoch + block.begins_epoch
    if index >= len(epochs):
        raise WrongL1Origin(f"L2 block {number} begins an epoch, but no further L1 block is given")
    _check_stated(parent, block.header)
    _check_batch(config, parent.ref, block, epochs[parent.epoch : parent.epoch + 2])
    attributes = _attributes(config, parent.ref, block, epochs[index])
    try:
        executed = execute_statelessly(L2Rules(config), parent.header, attributes, witness)
    except Phal2Error as error:
        raise ExecutionFailed(number, str(error)) from error
    _check_header(block.header, executed.block.header)
    header, block_hash = executed.block.header, executed.block.hash
    try:
        ref = l2_block_ref(config, header, block_hash, attributes.transactions[0])
    except Phal2Error as error:
        raise ExecutionFailed(number, str(error)) from error
    return _Parent(header, ref, index)


def _check_stated(parent: _Parent, header: Header) -> None:
    """Check the linkage before anything is executed; executing checks it once more."""
    if header.number != parent.ref.number + 1:
        raise BrokenRule(header.number, f"it is given as the block after {parent.ref.number}")
    if header.parent_hash != parent.ref.hash:
        raise BrokenRule(
            header.number, f"its parent is 0x{header.parent_hash.hex()}, expected 0x{parent.ref.hash.hex()}"
        )


def _check_batch(config: RollupConfig, parent: L2BlockRef, block: ClaimedBlock, epochs: Sequence[Epoch]) -> None:
    """Judge the block as derivation judges the batch that brings it.

    `epochs` are the parent's and, where it is given, the next one; the last L2 blocks of a request may not know it.
    """
    present = epochs[0].ref
    following = epochs[1].ref if len(epochs) > 1 else L1BlockRef(bytes(32), present.number + 1, present.hash, _NEVER)
    origin = following if block.begins_epoch else present
    batch = SingularBatch(parent.hash, origin.number, origin.hash, block.header.timestamp, block.sequenced)
    judgement = judge_batch(config, batch, parent, present, following, origin.number)
    if judgement.verdict is not Verdict.ACCEPT:
        raise BrokenRule(parent.number + 1, judgement.reason)


def _attributes(config: RollupConfig, parent: L2BlockRef, block: ClaimedBlock, epoch: Epoch) -> PayloadAttributes:
    timestamp = parent.timestamp + config.block_time
    try:
        attributes = epoch_attributes(config, epoch, parent, timestamp)
    except DerivationError as error:
        raise BrokenRule(parent.number + 1, str(error)) from error
    return replace(attributes, transactions=attributes.transactions + block.sequenced)


def _check_header(stated: Header, computed: Header) -> None:
    """Compare field by field: the first one that differs says most about what is wrong."""
    if stated == computed:
        return
    for field in fields(Header):
        ours, theirs = getattr(computed, field.name), getattr(stated, field.name)
        if ours != theirs:
            raise WrongBlock(computed.number, field.name, theirs, ours)
