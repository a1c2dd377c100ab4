"""A rollup of fabricated blocks: L1 blocks with real transactions, L2 blocks that are a hash of their attributes.

Derivation never executes anything, so this is all it can see of the world.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from eth_abi import encode as abi_encode
from l1_headers import l1_header

from phal2.node.derivation.attributes import DerivedAttributes, prepare_attributes
from phal2.node.derivation.dropped import DropListener, Dropped, ignore_dropped
from phal2.node.derivation.pipeline import DerivationPipeline
from phal2.node.derivation.span_rules import SafeBlock
from phal2.node.derivation.system_config_updates import CONFIG_UPDATE_TOPIC, updated_system_config
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.blobs import encode_blob
from phal2.node.protocol.block_refs import BlockId, L2BlockRef
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.channels import ChannelWriter
from phal2.node.protocol.deposits import TRANSACTION_DEPOSITED_TOPIC
from phal2.node.protocol.forks import ALL_THROUGH_ISTHMUS
from phal2.node.protocol.frames import Frame, batcher_transaction_data
from phal2.node.protocol.headers import header_hash
from phal2.node.protocol.keccak import keccak256
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.ordered_trie import ordered_trie_root
from phal2.node.protocol.payload_attributes import PayloadAttributes
from phal2.node.protocol.receipts import EMPTY_BLOOM, Log, Receipt
from phal2.node.protocol.rollup_config import RollupConfig, SystemConfig, ecotone_scalar
from phal2.node.protocol.signatures import address_of_private_key, sign
from phal2.node.protocol.span_batches import SpanBatch, SpanBatchTerms, encode_span_batch, span_batch
from phal2.node.protocol.transaction_codec import encode_transaction, signing_hash
from phal2.node.protocol.transactions import BlobTransaction, DynamicFeeTransaction, LegacyTransaction

BATCHER_KEY = keccak256(b"batcher")
OTHER_BATCHER_KEY = keccak256(b"other batcher")
STRANGER_KEY = keccak256(b"stranger")
INBOX = bytes.fromhex("ff00000000000000000000000000000000020350")
PORTAL = b"\x10" * 20
SYSTEM_CONFIG_ADDRESS = b"\x11" * 20
GENESIS_TIME = 1_700_000_000

_FABRICATED: dict[bytes, SafeBlock] = {}
"""All L2 blocks ever fabricated, by their hashes."""

TRANSFER = encode_transaction(DynamicFeeTransaction(20350, 0, 1, 9, 21_000, b"\x07" * 20, 5, b"", (), 1, 2, 3))
"""An envelope as batches carry it. Derivation of singular batches looks at its first byte alone."""

SPAN_TERMS = SpanBatchTerms(GENESIS_TIME, 1, 20350)


def signed(key: bytes, data: bytes, to: bytes | None = INBOX, nonce: int = 0) -> bytes:
    """Return the envelope of a type 2 transaction."""
    unsigned = DynamicFeeTransaction(31337, nonce, 1, 10**9, 21_000, to, 0, data, (), 0, 1, 1)
    y_parity, r, s = sign(signing_hash(unsigned), key)
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))


def blob_transaction(key: bytes, data: Sequence[bytes], blobs: dict[bytes, bytes]) -> bytes:
    """Return the envelope of a blob transaction to the inbox; its blobs join `blobs`.

    Derivation takes the versioned hashes for names, which others have checked.
    """
    encoded = [encode_blob(piece) for piece in data]
    names = tuple(b"\x01" + keccak256(blob)[1:] for blob in encoded)
    blobs |= dict(zip(names, encoded, strict=True))
    unsigned = BlobTransaction(31337, 0, 1, 10**9, 21_000, INBOX, 0, b"no data", (), 1, names, 0, 1, 1)
    y_parity, r, s = sign(signing_hash(unsigned), key)
    return encode_transaction(replace(unsigned, y_parity=y_parity, r=r, s=s))


def transfer(random: Random) -> bytes:
    """Return an L2 envelope that a span batch can carry. Nobody recovers its sender here."""
    nonce, value = random.randrange(300), random.randrange(10**9)
    if random.random() < 0.2:
        v = random.choice([27, 35 + 2 * 20350])
        return encode_transaction(LegacyTransaction(nonce, 9, 21_000, b"\x07" * 20, value, b"", v, 2, value + 1))
    return encode_transaction(
        DynamicFeeTransaction(20350, nonce, 1, 9, 21_000, None, value, b"\x01", (), value % 2, 2, value + 1)
    )


def signed_legacy(key: bytes, data: bytes, to: bytes | None = INBOX) -> bytes:
    """Return the envelope of a legacy transaction that is not bound to a chain."""
    unsigned = LegacyTransaction(0, 10**9, 21_000, to, 0, data, 27, 1, 1)
    y_parity, r, s = sign(signing_hash(unsigned), key)
    return encode_transaction(replace(unsigned, v=27 + y_parity, r=r, s=s))


def deposit_log(sender: bytes, to: bytes, value: int, data: bytes = b"", mint: int = 0, gas: int = 100_000) -> Log:
    """Return the portal's log of a deposit."""
    opaque = mint.to_bytes(32, "big") + value.to_bytes(32, "big") + gas.to_bytes(8, "big") + b"\x00" + data
    topics = (TRANSACTION_DEPOSITED_TOPIC, sender.rjust(32, b"\x00"), to.rjust(32, b"\x00"), bytes(32))
    return Log(PORTAL, topics, abi_encode(["bytes"], [opaque]))


def config_log(update_type: int, content: bytes, version: int = 0) -> Log:
    """Return the SystemConfig contract's log of an update."""
    topics = (CONFIG_UPDATE_TOPIC, version.to_bytes(32, "big"), update_type.to_bytes(32, "big"))
    return Log(SYSTEM_CONFIG_ADDRESS, topics, abi_encode(["bytes"], [content]))


def receipt_of(logs: Sequence[Log], status: int = 1) -> Receipt:
    """Return a receipt with logs."""
    return Receipt(2, status, 21_000, EMPTY_BLOOM, tuple(logs))


def l1_block(
    parent: L1Block | None,
    timestamp: int,
    transactions: Sequence[bytes] = (),
    receipts: Sequence[Receipt] = (),
    salt: bytes = b"",
) -> L1Block:
    """Return an L1 block on `parent`."""
    header = l1_header(parent, timestamp, transactions_root=ordered_trie_root(transactions), salt=salt)
    return L1Block(header, header_hash(header), tuple(transactions), tuple(receipts))


def fabricated_block(attributes: PayloadAttributes, parent: L2BlockRef, origin: BlockId) -> L2BlockRef:
    """Return the reference to the L2 block that the attributes make: its hash stands for all of them."""
    begins_epoch = origin != parent.l1_origin
    ref = L2BlockRef(
        hash=keccak256(parent.hash + repr(attributes).encode()),
        number=parent.number + 1,
        parent_hash=parent.hash,
        timestamp=attributes.timestamp,
        l1_origin=origin,
        sequence_number=0 if begins_epoch else parent.sequence_number + 1,
    )
    _FABRICATED[ref.hash] = SafeBlock(ref, tuple(raw for raw in attributes.transactions if raw[:1] != b"\x7e"))
    return ref


def pipeline_on(
    config: RollupConfig,
    safe_head: L2BlockRef,
    system_config: SystemConfig,
    applied_through: int | None = None,
    dropped: DropListener = ignore_dropped,
) -> DerivationPipeline:
    """Return a pipeline that knows the fabricated blocks up to its safe head."""

    def safe_blocks(number: int) -> SafeBlock | None:
        found = _FABRICATED.get(pipeline._safe_head.hash)
        while found is not None and found.ref.number > number:
            found = _FABRICATED.get(found.ref.parent_hash)
        genesis = SafeBlock(genesis_ref(config), ())
        return genesis if number == genesis.ref.number else found

    pipeline = DerivationPipeline(config, safe_head, system_config, safe_blocks, applied_through, dropped)
    return pipeline


def rollup_config(l1_genesis: L1Block, **changes: object) -> RollupConfig:
    """Return a configuration whose genesis is `l1_genesis`, with short windows."""
    config = RollupConfig(
        l1_chain_id=31337,
        l2_chain_id=20350,
        l1_genesis=l1_genesis.ref.id,
        l2_genesis=BlockId(keccak256(b"l2 genesis"), 0),
        l2_genesis_time=l1_genesis.header.timestamp,
        genesis_system_config=SystemConfig(
            batcher_address=address_of_private_key(BATCHER_KEY),
            overhead=bytes(32),
            scalar=ecotone_scalar(1000, 2000),
            gas_limit=30_000_000,
        ),
        block_time=1,
        batch_inbox_address=INBOX,
        deposit_contract_address=PORTAL,
        l1_system_config_address=SYSTEM_CONFIG_ADDRESS,
        forks=ALL_THROUGH_ISTHMUS,
        sequencing_window_size=12,
    )
    return replace(config, **changes)


def genesis_ref(config: RollupConfig) -> L2BlockRef:
    """Return the reference to the L2 genesis block."""
    genesis = config.l2_genesis
    return L2BlockRef(genesis.hash, genesis.number, bytes(32), config.l2_genesis_time, config.l1_genesis, 0)


@dataclass(frozen=True, slots=True)
class L2Block:
    """A fabricated L2 block with what it was made of."""

    ref: L2BlockRef
    attributes: PayloadAttributes
    derived_from: int | None = None

    @property
    def batch(self) -> SingularBatch:
        """The batch that the sequencer publishes for the block."""
        sequenced = tuple(raw for raw in self.attributes.transactions if raw[:1] != b"\x7e")
        origin = self.ref.l1_origin
        return SingularBatch(self.ref.parent_hash, origin.number, origin.hash, self.ref.timestamp, sequenced)


class World:
    """An L1 chain and the sequencer's L2 chain over it."""

    def __init__(self, **changes: object) -> None:
        genesis = l1_block(None, GENESIS_TIME)
        self.config = rollup_config(genesis, **changes)
        self.l1 = [genesis]
        self.l2: list[L2Block] = []
        self.dropped: list[Dropped] = []

    @property
    def l2_head(self) -> L2BlockRef:
        """The sequencer's head."""
        return self.l2[-1].ref if self.l2 else genesis_ref(self.config)

    def mine(
        self,
        transactions: Sequence[bytes] = (),
        logs: Sequence[Log] = (),
        seconds: int = 2,
        blobs: Mapping[bytes, bytes] | None = None,
    ) -> L1Block:
        """Append an L1 block, `seconds` after the one before."""
        receipts = (receipt_of(logs),) if logs else ()
        block = l1_block(self.l1[-1], self.l1[-1].header.timestamp + seconds, transactions, receipts)
        self.l1.append(replace(block, blobs=blobs or {}))
        return self.l1[-1]

    def post(self, *frames: Frame, key: bytes = BATCHER_KEY) -> L1Block:
        """Append an L1 block with one batcher transaction that carries `frames`."""
        return self.mine([signed(key, batcher_transaction_data(frames))])

    def sequence(self, transactions: Iterable[bytes] = (), origin: L1Block | None = None) -> L2Block:
        """Append an L2 block with the given L1 origin, or the latest that may follow the head's."""
        parent = self.l2_head
        timestamp = parent.timestamp + self.config.block_time
        origin = origin or self.next_origin()
        system_config = self.system_config_at(parent.l1_origin.number)
        prepared = prepare_attributes(self.config, system_config, parent, origin, timestamp)
        attributes = replace(prepared, transactions=prepared.transactions + tuple(transactions))
        ref = fabricated_block(attributes, parent, origin.ref.id)
        self.l2.append(L2Block(ref, attributes))
        return self.l2[-1]

    def next_origin(self) -> L1Block:
        """Return the L1 origin that the next L2 block should have: one on from the head's as soon as time allows."""
        parent = self.l2_head
        following = parent.l1_origin.number + 1 - self.l1[0].header.number
        if following < len(self.l1):
            block = self.l1[following]
            if block.header.timestamp <= parent.timestamp + self.config.block_time:
                return block
        return self.l1[following - 1]

    def system_config_at(self, number: int) -> SystemConfig:
        """Return the system configuration of L2 blocks whose origin is the L1 block of that number."""
        config = self.config.genesis_system_config
        for block in self.l1[1 : number - self.l1[0].header.number + 1]:
            config = updated_system_config(config, block.receipts, SYSTEM_CONFIG_ADDRESS)
        return config

    def pipeline(self) -> DerivationPipeline:
        """Return a pipeline from genesis that has read nothing."""
        config = self.config
        return pipeline_on(config, genesis_ref(config), config.genesis_system_config, dropped=self.dropped.append)

    def derive(self) -> list[L2Block]:
        """Return the L2 chain that follows from the L1 chain."""
        return derive(self.pipeline(), genesis_ref(self.config), self.l1)


def derive(pipeline: DerivationPipeline, safe_head: L2BlockRef, l1_blocks: Iterable[L1Block]) -> list[L2Block]:
    """Feed L1 blocks to a pipeline and return the blocks that it derives on `safe_head`."""
    derived = []
    for block in l1_blocks:
        pipeline.add_l1_block(block)
        while (answer := pipeline.next_attributes(safe_head)) is not None:
            safe_head = apply(answer)
            derived.append(L2Block(safe_head, answer.attributes, answer.derived_from.number))
    return derived


def apply(answer: DerivedAttributes) -> L2BlockRef:
    """Return the block that derived attributes make."""
    return fabricated_block(answer.attributes, answer.parent, answer.l1_origin)


def channel(
    batches: Iterable[SingularBatch | SpanBatch],
    channel_id: bytes = b"channel-00000000",
    frame_size: int = 100_000,
    compression: Compression = Compression.ZLIB,
    terms: SpanBatchTerms | None = None,
) -> list[Frame]:
    """Return the frames of a channel that holds `batches`; span batches are written on `terms`."""
    writer = ChannelWriter(channel_id, frame_size, compression)
    for batch in batches:
        if isinstance(batch, SingularBatch):
            writer.add_batch(batch)
        else:
            writer.add_encoded_batch(encode_span_batch(batch, terms or SPAN_TERMS))
    return writer.close()


def span_of(blocks: Sequence[L2Block]) -> SpanBatch:
    """Return the span batch that the sequencer publishes for consecutive blocks."""
    block_time = blocks[1].ref.timestamp - blocks[0].ref.timestamp if len(blocks) > 1 else 1
    return span_batch([block.batch for block in blocks], blocks[0].ref.sequence_number == 0, block_time)
