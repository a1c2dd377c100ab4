"""The rules of derivation a second time: all at once over a whole L1 chain, as the specification tells them.

No stages, no generators, nothing kept between calls. Only the codecs are shared with what is tested, and the making of
attributes. Sources: OP Stack "Derivation", "Holocene: Derivation", "Span Batches".
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from rollup_world import L2Block, World, fabricated_block, genesis_ref

from phal2.node.derivation.attributes import prepare_attributes
from phal2.node.protocol.batches import SingularBatch, decode_batch
from phal2.node.protocol.blobs import decode_blob
from phal2.node.protocol.block_refs import L2BlockRef
from phal2.node.protocol.channels import read_batches
from phal2.node.protocol.errors import Phal2Error
from phal2.node.protocol.frames import Frame, parse_batcher_data
from phal2.node.protocol.l1_block import L1Block
from phal2.node.protocol.span_batch_transactions import UnusableTransactions
from phal2.node.protocol.span_batches import SpanBatch, SpanBatchBlock, SpanBatchTerms, decode_span_batch
from phal2.node.protocol.transaction_codec import recover_transaction

CHANNEL_TIMEOUT = 50
DRIFT = 1800

ACCEPT, PAST, DROP, LEAVE_OUT = "accept", "past", "drop", "leave out"


class PlainDerivation:
    """Derives the whole chain of a world. `is_invalid` tells which sequenced transactions make an invalid payload."""

    def __init__(self, world: World, is_invalid: Callable[[bytes], bool] = lambda _: False) -> None:
        self.world = world
        self.config = world.config
        self.is_invalid = is_invalid
        self.chain: list[L2Block] = []
        self.open: list[Frame] = []
        self.opened_at = 0

    def run(self) -> list[L2Block]:
        for block in self.world.l1:
            for data in self.batcher_data(block):
                for frame in self.in_order(data):
                    channel = self.channel_after(frame, block.header.number)
                    if channel is not None:
                        self.read_channel(channel, block.header.number)
            while (batch := self.forced(block.header.number)) is not None:
                self.extend(batch, block.header.number)
        return self.chain

    @property
    def head(self) -> L2BlockRef:
        return self.chain[-1].ref if self.chain else genesis_ref(self.config)

    def l1(self, number: int) -> L1Block | None:
        index = number - self.world.l1[0].header.number
        return self.world.l1[index] if 0 <= index < len(self.world.l1) else None

    def batcher_data(self, block: L1Block) -> Iterator[bytes]:
        batcher = self.world.system_config_at(block.header.number).batcher_address
        for raw in block.transactions:
            try:
                recovered = recover_transaction(raw)
            except Phal2Error:
                continue
            transaction = recovered.transaction
            if transaction.to != self.config.batch_inbox_address or recovered.sender != batcher:
                continue
            if raw[0] >= 0xC0 or raw[0] in (1, 2):
                yield transaction.data
            elif raw[0] == 3:
                for name in transaction.blob_versioned_hashes:
                    try:
                        yield decode_blob(block.blobs[name])
                    except Phal2Error:
                        continue

    def in_order(self, data: bytes) -> list[Frame]:
        """Compare neighbours until no pair breaks a rule, as the specification words it."""
        try:
            frames = parse_batcher_data(data)
        except Phal2Error:
            return []
        changed = True
        while changed:
            changed = False
            for index in range(len(frames) - 1):
                one, two = frames[index], frames[index + 1]
                same = one.channel_id == two.channel_id
                if (same and (one.is_last or two.number != one.number + 1)) or (not same and two.number != 0):
                    del frames[index + 1]
                elif not same and not one.is_last:
                    del frames[index]
                else:
                    continue
                changed = True
                break
        return frames

    def channel_after(self, frame: Frame, origin: int) -> bytes | None:
        """Add a frame to the staging channel; return the channel where it is complete."""
        if self.open and self.opened_at + CHANNEL_TIMEOUT < origin:
            self.open = []
        if frame.number == 0:
            self.open, self.opened_at = [frame], origin
        elif self.open and self.open[0].channel_id == frame.channel_id and frame.number == len(self.open):
            self.open.append(frame)
        else:
            return None
        if not frame.is_last:
            return None
        channel, self.open = b"".join(one.data for one in self.open), []
        return channel

    def read_channel(self, channel: bytes, origin: int) -> None:
        """Apply the batches of a channel until it ends, or one is dropped with the rest."""
        batches = read_batches(channel)
        while True:
            try:
                encoded = next(batches)
                if encoded[:1] == b"\x01":
                    going_on = self.apply_span(decode_span_batch(encoded, SpanBatchTerms.of(self.config)), origin)
                else:
                    going_on = self.apply(decode_batch(encoded), origin)
            except UnusableTransactions:
                continue
            except (StopIteration, Phal2Error):
                return
            if not going_on:
                return

    def apply(self, batch: SingularBatch, origin: int) -> bool:
        """Extend the chain by a batch where it may; tell whether the channel goes on."""
        if self.head.l1_origin.number >= origin:
            return True
        verdict = self.judge(batch, origin)
        return self.extend(batch, origin) if verdict == ACCEPT else verdict != DROP

    def apply_span(self, span: SpanBatch, origin: int) -> bool:
        if self.head.l1_origin.number >= origin:
            return True
        verdict = self.judge_span(span, origin)
        if verdict != ACCEPT:
            return verdict != DROP
        for block in span.blocks():
            if block.timestamp > self.head.timestamp and not self.apply(self.singular(block), origin):
                return False
        return True

    def singular(self, block: SpanBatchBlock) -> SingularBatch:
        epoch = self.l1(block.epoch_number)
        epoch_hash = bytes(32) if epoch is None else epoch.hash
        return SingularBatch(self.head.hash, block.epoch_number, epoch_hash, block.timestamp, block.transactions)

    def judge(self, batch: SingularBatch, origin: int) -> str:
        head = self.head
        due = head.timestamp + self.config.block_time
        if batch.timestamp < due:
            return PAST
        epoch = self.l1(batch.epoch_number)
        following = self.l1(head.l1_origin.number + 1)
        if (
            batch.timestamp != due
            or batch.parent_hash != head.hash
            or origin > batch.epoch_number + self.config.sequencing_window_size
            or batch.epoch_number not in (head.l1_origin.number, head.l1_origin.number + 1)
            or epoch is None
            or epoch.header.number > origin
            or epoch.hash != batch.epoch_hash
            or due < epoch.header.timestamp
        ):
            return DROP
        if due > epoch.header.timestamp + DRIFT:
            assert following is not None
            stays = batch.epoch_number == head.l1_origin.number
            if batch.transactions or (stays and following.header.timestamp <= due):
                return DROP
        allowed = {1, 2, 4, 0x54, *range(0x80, 0x100)}
        return ACCEPT if all(raw and raw[0] in allowed for raw in batch.transactions) else DROP

    def judge_span(self, span: SpanBatch, origin: int) -> str:
        head, step = self.head, self.config.block_time
        due = head.timestamp + step
        blocks = list(span.blocks())
        first, last = blocks[0], blocks[-1]
        if first.timestamp > due:
            return DROP
        if last.timestamp < due:
            return PAST
        if (due - first.timestamp) % step:
            return DROP
        overlap = (due - first.timestamp) // step
        parent_number = head.number - overlap
        if parent_number < 0:
            return LEAVE_OUT
        parent = self.chain[parent_number - 1].ref if parent_number else genesis_ref(self.config)
        if (
            parent.hash[:20] != span.parent_check
            or origin > first.epoch_number + self.config.sequencing_window_size
            or first.epoch_number > parent.l1_origin.number + 1
        ):
            return DROP
        if not head.l1_origin.number <= last.epoch_number <= origin:
            return LEAVE_OUT
        end = self.l1(last.epoch_number)
        if end is None or end.hash[:20] != span.l1_origin_check or first.epoch_number < parent.l1_origin.number:
            return DROP
        for block, safe in zip(blocks[:overlap], self.chain[parent_number:], strict=True):
            sequenced = tuple(raw for raw in safe.attributes.transactions if raw[0] != 0x7E)
            if sequenced != block.transactions or safe.ref.l1_origin.number != block.epoch_number:
                return DROP
        return ACCEPT

    def forced(self, origin: int) -> SingularBatch | None:
        """Return the empty batch that is due when the window of the head's epoch, or of the next, has ended."""
        head = self.head
        due = head.timestamp + self.config.block_time
        following = self.l1(head.l1_origin.number + 1)
        if following is None or following.header.number > origin:
            return None
        stays = due < following.header.timestamp
        number = head.l1_origin.number if stays else following.header.number
        if origin < number + self.config.sequencing_window_size:
            return None
        epoch_hash = head.l1_origin.hash if stays else following.hash
        return SingularBatch(head.hash, number, epoch_hash, due, ())

    def extend(self, batch: SingularBatch, origin: int) -> bool:
        """Make the batch a block, with its deposits alone where the payload is invalid; tell whether it was not."""
        head = self.head
        epoch = self.l1(batch.epoch_number)
        assert epoch is not None
        system_config = self.world.system_config_at(head.l1_origin.number)
        deposits = prepare_attributes(self.config, system_config, head, epoch, batch.timestamp)
        is_valid = not any(map(self.is_invalid, batch.transactions))
        transactions = deposits.transactions + (batch.transactions if is_valid else ())
        attributes = replace(deposits, transactions=transactions)
        ref = fabricated_block(attributes, head, epoch.ref.id)
        self.chain.append(L2Block(ref, attributes, origin))
        return is_valid
