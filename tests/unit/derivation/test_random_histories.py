"""Properties of derivation over random histories of L1, sequencer, batcher and strangers."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from plain_rules import PlainDerivation
from rollup_world import (
    BATCHER_KEY,
    OTHER_BATCHER_KEY,
    STRANGER_KEY,
    TRANSFER,
    L2Block,
    World,
    blob_transaction,
    channel,
    config_log,
    deposit_log,
    derive,
    fabricated_block,
    genesis_ref,
    pipeline_on,
    signed,
    span_of,
    transfer,
)

from phal2.node.derivation.start import derivation_start
from phal2.node.protocol.batches import SingularBatch
from phal2.node.protocol.blobs import BLOB_SIZE
from phal2.node.protocol.block_refs import L2BlockRef
from phal2.node.protocol.channel_compression import Compression
from phal2.node.protocol.frames import Frame, batcher_transaction_data
from phal2.node.protocol.receipts import Log
from phal2.node.protocol.signatures import address_of_private_key
from phal2.node.protocol.span_batch_transactions import UnsuitableTransaction, encode_transactions
from phal2.node.protocol.span_batches import SpanBatch, SpanBatchTerms

seeds = st.integers(0, 2**32 - 1)
histories = settings(max_examples=15, deadline=None)


def random_logs(random: Random) -> list[Log]:
    logs = []
    for _ in range(random.choice([0, 0, 0, 1, 3])):
        kind = random.randrange(4)
        if kind == 0:
            logs.append(Log(random.randbytes(20), (random.randbytes(32),), b""))
        elif kind == 1:
            logs.append(config_log(2, random.randrange(10**7, 10**8).to_bytes(32, "big")))
        else:
            logs.append(
                deposit_log(random.randbytes(20), random.randbytes(20), 1, random.randbytes(random.randrange(9)))
            )
    return logs


def random_world(random: Random, **changes: object) -> World:
    values = {"block_time": random.choice([1, 2, 2, 5]), "sequencing_window_size": random.randrange(8, 30)}
    return World(**(values | changes))


def grow_l2(world: World, random: Random) -> None:
    """Let the sequencer build up to the time of the last L1 block, sometimes a little less."""
    until = world.l1[-1].header.timestamp - random.choice([0, 0, 0, 4])
    while world.l2_head.timestamp + world.config.block_time <= until:
        world.sequence([transfer(random) for _ in range(random.randrange(3))])


def batches_of(blocks: list[L2Block], random: Random) -> list[SingularBatch | SpanBatch]:
    """Put consecutive blocks into batches, singular ones and spans as it comes."""
    batches: list[SingularBatch | SpanBatch] = []
    while blocks:
        count = random.choice([1, 1, 2, 5, len(blocks)])
        run = list(takewhile(fits_span, blocks[:count]))
        spans = len(run) > 1 or (len(run) == 1 and random.random() < 0.3)
        batches += [span_of(run)] if spans else [blocks[0].batch]
        blocks = blocks[len(run) if spans else 1 :]
    return batches


def fits_span(block: L2Block) -> bool:
    """Tell whether a span batch can carry a block. One of a corrupt singular batch may hold what is no transaction."""
    try:
        encode_transactions(block.batch.transactions, 20350)
    except UnsuitableTransaction:
        return False
    return True


def random_channel(world: World, batches: Sequence[SingularBatch | SpanBatch], random: Random) -> list[Frame]:
    """Return the frames of a channel of either compression."""
    return channel(
        batches,
        random.randbytes(16),
        random.choice([60, 200, 100_000]),
        random.choice(list(Compression)),
        SpanBatchTerms.of(world.config),
    )


def batcher_data(frames: list[Frame], random: Random) -> list[bytes]:
    """Put frames into transactions, one or several each."""
    data = []
    while frames:
        count = random.randrange(1, 4)
        data.append(batcher_transaction_data(frames[:count]))
        frames = frames[count:]
    return data


def carried(data: list[bytes], random: Random, blobs: dict[bytes, bytes], key: bytes = BATCHER_KEY) -> list[bytes]:
    """Return L1 transactions that carry batcher data in its order: call data, or blobs, which join `blobs`."""
    transactions = []
    while data:
        count = random.randrange(1, 4)
        if random.random() < 0.3:
            transactions.append(blob_transaction(key, data[:count], blobs))
            data = data[count:]
        else:
            transactions.append(signed(key, data[0]))
            data = data[1:]
    return transactions


def noise(random: Random, frames: list[Frame]) -> list[bytes]:
    """What strangers, and a batcher without care, may write to the inbox without any effect."""
    copied = batcher_transaction_data(frames) if frames else b"\x00"
    return [
        signed(STRANGER_KEY, copied),
        signed(STRANGER_KEY, random.randbytes(40)),
        signed(BATCHER_KEY, copied[:-1]),
        signed(BATCHER_KEY, b"\x00" + random.randbytes(30)),
        signed(BATCHER_KEY, b""),
        signed(BATCHER_KEY, copied, to=random.randbytes(20)),
        random.randbytes(60),
    ]


def post_honestly(world: World, random: Random, rounds: int) -> int:
    """Mine L1 blocks in which L2 blocks are published in time, beside noise; return how many L2 blocks."""
    posted = 0
    waiting: list[bytes] = []
    for _ in range(rounds):
        grow_l2(world, random)
        if not waiting and random.random() < 0.7:
            batches = batches_of(world.l2[posted:], random)
            posted = len(world.l2)
            waiting = batcher_data(random_channel(world, batches, random) if batches else [], random)
        # What waits goes out whole within two L1 blocks, so that no epoch's window can end before.
        count = len(waiting) if random.random() < 0.5 else random.randrange(len(waiting) + 1)
        now, waiting = waiting[:count], waiting[count:]
        blobs: dict[bytes, bytes] = {}
        transactions = carried(now, random, blobs)
        for extra in random.sample(noise(random, []), random.randrange(3)):
            transactions.insert(random.randrange(len(transactions) + 1), extra)
        world.mine(transactions, random_logs(random), random.choice([2, 2, 3, 12]), blobs)
        if len(waiting) and world.l1[-1].header.number % 2:
            world.mine([signed(BATCHER_KEY, data) for data in waiting], random_logs(random))
            waiting = []
    world.mine([signed(BATCHER_KEY, data) for data in waiting])
    return posted


@given(seeds)
@histories
def test_what_an_honest_batcher_posts_is_what_a_follower_derives(seed: int) -> None:
    random = Random(seed)
    world = random_world(random, sequencing_window_size=100)
    posted = post_honestly(world, random, 15)
    assert [block.ref for block in world.derive()] == [block.ref for block in world.l2[:posted]]


def check_rules(world: World, derived: list[L2Block]) -> None:
    """Check what must hold of every derived chain, whatever was posted."""
    config = world.config
    l1 = {block.hash: block for block in world.l1}
    parent = genesis_ref(config)
    for block in derived:
        ref = block.ref
        origin = l1[ref.l1_origin.hash]
        assert ref.parent_hash == parent.hash
        assert ref.timestamp == config.l2_timestamp(ref.number)
        assert origin.header.timestamp <= ref.timestamp
        assert origin.header.number - parent.l1_origin.number in (0, 1)
        deposits = [raw for raw in block.attributes.transactions if raw[:1] == b"\x7e"]
        expected = 1
        if origin.header.number != parent.l1_origin.number:
            expected += sum(log.address == config.deposit_contract_address for r in origin.receipts for log in r.logs)
        assert len(deposits) == expected
        assert block.attributes.transactions[: len(deposits)] == tuple(deposits)
        sequenced = len(block.attributes.transactions) > len(deposits)
        assert not sequenced or ref.timestamp <= origin.header.timestamp + config.sequencer_drift(0)
        assert block.derived_from is not None
        assert ref.l1_origin.number < block.derived_from <= ref.l1_origin.number + config.sequencing_window_size
        parent = ref
    # No epoch whose window has ended is left open.
    assert world.l1[-1].header.number - parent.l1_origin.number <= config.sequencing_window_size + 1


def spoiled(batch: SingularBatch | SpanBatch, random: Random) -> SingularBatch | SpanBatch:
    """Return a batch that says something else than the sequencer would."""
    if isinstance(batch, SingularBatch):
        return replace(batch, transactions=(random.choice([b"", b"\x7e", b"\x03", b"\x55", TRANSFER]),))
    kind = random.randrange(8)
    if kind == 0:
        return replace(batch, parent_check=random.randbytes(20))
    if kind == 1:
        return replace(batch, l1_origin_check=random.randbytes(20))
    if kind == 2:
        return replace(batch, timestamp=batch.timestamp + random.choice([-5, -1, 1, 2, 7]))
    if kind == 3:
        return replace(batch, last_epoch_number=batch.last_epoch_number + random.choice([-3, -1, 1, 2, 40]))
    if kind == 4:
        # A bit less or more moves the L1 origins of all blocks before it.
        flipped = bytearray(batch.origin_bits)
        index = random.randrange(batch.block_count)
        flipped[-1 - index // 8] ^= 1 << index % 8
        return replace(batch, origin_bits=bytes(flipped))
    if kind == 5:
        # Each block has an L1 origin of its own, the last ones perhaps of the future.
        count = batch.block_count
        bits = ((1 << count) - 1).to_bytes((count + 7) // 8, "big")
        return replace(batch, origin_bits=bits, last_epoch_number=batch.first_epoch_number + count - 1)
    counts = list(batch.transaction_counts)
    if kind == 6:
        random.shuffle(counts)
        return replace(batch, transaction_counts=bytes(counts))
    return replace(batch, transactions=tuple(transfer(random) for _ in batch.transactions))


def damaged(frames: list[Frame], random: Random) -> list[Frame]:
    """Repeat, drop, reorder, renumber or corrupt frames."""
    frames = list(frames)
    for _ in range(random.randrange(4)):
        if not frames:
            break
        index = random.randrange(len(frames))
        frame = frames[index]
        kind = random.randrange(6)
        if kind == 0:
            frames.insert(random.randrange(len(frames) + 1), frame)
        elif kind == 1:
            del frames[index]
        elif kind == 2:
            random.shuffle(frames)
        elif kind == 3:
            frames[index] = replace(frame, number=random.randrange(5))
        elif kind == 4 and frame.data:
            data = bytearray(frame.data)
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
            frames[index] = replace(frame, data=bytes(data))
        else:
            frames[index] = replace(frame, is_last=not frame.is_last)
    return frames


def hostile_world(seed: int) -> World:
    """An L1 chain whose batcher posts blocks in any state: damaged, late, from a fork of its own, or not at all."""
    random = Random(seed)
    world = random_world(random)
    for _ in range(random.randrange(10, 40)):
        grow_l2(world, random)
        transactions = []
        blobs: dict[bytes, bytes] = {}
        for _ in range(random.choice([0, 1, 1, 2])):
            derived = world.derive() if random.random() < 0.3 else []
            if derived and derived[-1].ref.hash not in {block.ref.hash for block in world.l2}:
                # The sequencer sees that L1 says otherwise, and goes on from there.
                world.l2 = list(derived)
                grow_l2(world, random)
            start = random.choice([len(derived), len(derived), random.randrange(len(world.l2) + 1)])
            batches = batches_of(world.l2[start : start + random.randrange(1, 30)], random)
            if batches and random.random() < 0.3:
                index = random.randrange(len(batches))
                # The honest batch may follow, so that it matters what becomes of the rest of the channel.
                batches[index : index + random.randrange(2)] = [spoiled(batches[index], random)]
            frames = damaged(random_channel(world, batches, random), random)
            transactions += carried(batcher_data(frames, random), random, blobs)
            transactions += random.sample(noise(random, frames), random.randrange(2))
        logs = random_logs(random)
        if random.random() < 0.05:
            key = random.choice([BATCHER_KEY, OTHER_BATCHER_KEY])
            logs.append(config_log(0, address_of_private_key(key).rjust(32, b"\x00")))
        if blobs and random.random() < 0.1:
            blobs[random.choice(list(blobs))] = random.choice([bytes(BLOB_SIZE), b"\x00\x01" + bytes(BLOB_SIZE - 2)])
        world.mine(transactions, logs, random.choice([2, 2, 2, 12]), blobs)
    return world


@given(seeds)
@histories
def test_whatever_is_posted_the_derived_chain_is_what_the_rules_say(seed: int) -> None:
    world = hostile_world(seed)
    derived = world.derive()
    check_rules(world, derived)
    assert derived == PlainDerivation(world).run()


@given(seeds)
@histories
def test_an_invalid_payload_is_replaced_by_its_deposits_wherever_it_comes_from(seed: int) -> None:
    def is_invalid(raw: bytes) -> bool:
        return raw[-1] % 8 == 0

    world = hostile_world(seed)
    pipeline = world.pipeline()
    head = genesis_ref(world.config)
    derived = []
    for block in world.l1:
        pipeline.add_l1_block(block)
        while (answer := pipeline.next_attributes(head)) is not None:
            if any(is_invalid(raw) for raw in answer.attributes.transactions if raw[:1] != b"\x7e"):
                answer = pipeline.reject_payload()
            head = fabricated_block(answer.attributes, answer.parent, answer.l1_origin)
            derived.append(L2Block(head, answer.attributes, answer.derived_from.number))
    assert derived == PlainDerivation(world, is_invalid).run()


@given(seeds)
@histories
def test_it_does_not_matter_how_many_l1_blocks_are_there_at_once_nor_how_often_it_pauses(seed: int) -> None:
    world = hostile_world(seed)
    pipeline = world.pipeline()
    for block in world.l1:
        pipeline.add_l1_block(block)
    derived = []
    head = genesis_ref(world.config)
    random = Random(seed)
    while (answer := pipeline.next_attributes(head, lambda: random.random() < 0.5)) is not None or pipeline.is_paused:
        if answer is None:
            continue
        head = fabricated_block(answer.attributes, answer.parent, answer.l1_origin)
        derived.append(L2Block(head, answer.attributes, answer.derived_from.number))
    assert derived == world.derive()


@given(seeds)
@histories
def test_a_new_pipeline_goes_on_as_the_former_one_would_have(seed: int) -> None:
    world = hostile_world(seed)
    config = world.config
    derived = world.derive()
    by_hash: dict[bytes, L2BlockRef] = {block.ref.hash: block.ref for block in derived}
    by_hash[config.l2_genesis.hash] = genesis_ref(config)
    random = Random(seed)
    for _ in range(4):
        applied_through = random.choice(world.l1).header.number
        done = [block for block in derived if block.derived_from is not None and block.derived_from <= applied_through]
        safe_head = done[-1].ref if done else genesis_ref(config)
        start = derivation_start(config, safe_head, by_hash.get, applied_through)
        system_config = world.system_config_at(start.l1_origin.number)
        pipeline = pipeline_on(config, safe_head, system_config, applied_through)
        blocks = world.l1[start.l1_origin.number - world.l1[0].header.number :]
        assert derive(pipeline, safe_head, blocks) == derived[len(done) :]
