"""The end of a block: requests, state root, header and hash (Yellow Paper 4.3; OP Stack "Isthmus")."""

from collections.abc import Mapping
from dataclasses import dataclass

from phal2.node.attestation.verified import VerifiedAttestation
from phal2.node.protocol.blob_base_fee import GAS_PER_BLOB
from phal2.node.protocol.forks import Fork
from phal2.node.protocol.headers import (
    EMPTY_OMMERS_HASH,
    EMPTY_REQUESTS_HASH,
    EMPTY_TRIE_ROOT,
    Block,
    Header,
    header_hash,
)
from phal2.node.protocol.predeploys import L2_TO_L1_MESSAGE_PASSER
from phal2.node.protocol.receipts import Receipt, encode_receipt, join_blooms
from phal2.node.protocol.transaction_codec import RecoveredTransaction
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.ordered_roots import RootCrew, begin_roots
from phal2.node.state.outcomes import ExecutedBlock
from phal2.node.state.requests import collect_requests, requests_hash
from phal2.node.state.rules import Revision


@dataclass(frozen=True, slots=True)
class BlockContent:
    """What was executed in a block. `attestations` are by index of the transaction."""

    transactions: tuple[RecoveredTransaction, ...]
    receipts: tuple[Receipt, ...]
    attestations: Mapping[int, VerifiedAttestation]
    gas_used: int
    blobs: int


def seal_block(scope: BlockScope, content: BlockContent, crew: RootCrew | None = None) -> ExecutedBlock:
    """Return the block with everything that is stored of it. A crew helps with the roots of its lists."""
    commitment = _requests_hash(scope, content)
    envelopes = tuple(transaction.raw for transaction in content.transactions)
    ordered_roots = begin_roots((envelopes, [encode_receipt(receipt) for receipt in content.receipts]), crew)
    update = scope.world.commit()
    environment = scope.environment
    cancun = scope.rules.revision >= Revision.CANCUN
    transactions_root, receipts_root = ordered_roots()
    header = Header(
        parent_hash=environment.parent_hash,
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=environment.coinbase,
        state_root=update.state_root,
        transactions_root=transactions_root,
        receipts_root=receipts_root,
        bloom=join_blooms(receipt.bloom for receipt in content.receipts),
        difficulty=0,
        number=environment.number,
        gas_limit=environment.gas_limit,
        gas_used=content.gas_used,
        timestamp=environment.timestamp,
        extra_data=environment.extra_data,
        prev_randao=environment.prev_randao,
        nonce=bytes(8),
        base_fee_per_gas=environment.base_fee_per_gas,
        withdrawals_root=_withdrawals_root(scope),
        blob_gas_used=content.blobs * GAS_PER_BLOB if cancun else None,
        excess_blob_gas=environment.excess_blob_gas,
        parent_beacon_block_root=environment.parent_beacon_block_root,
        requests_hash=commitment,
    )
    return ExecutedBlock(
        block=Block(header, header_hash(header), envelopes),
        receipts=content.receipts,
        senders=tuple(transaction.sender for transaction in content.transactions),
        attestations=dict(content.attestations),
        state_update=update,
        transaction_hashes=tuple(transaction.hash for transaction in content.transactions),
    )


def _requests_hash(scope: BlockScope, content: BlockContent) -> bytes | None:
    if scope.rules.revision < Revision.PRAGUE:
        return None
    if scope.rules.l2_fork is not None:
        return EMPTY_REQUESTS_HASH
    return requests_hash(collect_requests(scope, (log for receipt in content.receipts for log in receipt.logs)))


def _withdrawals_root(scope: BlockScope) -> bytes | None:
    if scope.rules.is_l2_fork(Fork.ISTHMUS):
        return scope.world.storage_root(L2_TO_L1_MESSAGE_PASSER)
    return EMPTY_TRIE_ROOT if scope.rules.revision >= Revision.SHANGHAI else None
