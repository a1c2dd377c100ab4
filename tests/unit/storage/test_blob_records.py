"""Blobs of blocks: found by versioned hash, once each, and gone when the last block that carried them is too old."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phal2.node.protocol.blob_sidecars import BYTES_PER_BLOB, BlobSidecar
from phal2.node.storage.blob_records import decode_blob, prune_blobs, write_blobs
from phal2.node.storage.environment import Environment
from phal2.node.storage.tables import Table
from phal2.node.storage.transaction import Transaction

SIDECARS = [BlobSidecar(bytes([n]) * BYTES_PER_BLOB, bytes([n]) * 48, bytes([n + 100]) * 48) for n in range(4)]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    environment = Environment(tmp_path_factory.mktemp("blobs") / "store", durable=False)
    yield environment
    environment.close()


def stored(environment: Environment) -> list[int]:
    found = [environment.get(Table.BLOBS, sidecar.versioned_hash) for sidecar in SIDECARS]
    for sidecar, record in zip(SIDECARS, found, strict=True):
        assert record is None or decode_blob(record) == sidecar
    return [index for index, record in enumerate(found) if record is not None]


@given(st.lists(st.sets(st.integers(0, 3)), max_size=12), st.integers(1, 5))
def test_a_blob_is_there_as_long_as_one_of_the_last_blocks_carried_it(
    environment: Environment, blocks: list[set[int]], retention: int
) -> None:
    def prune(below: int) -> None:
        environment.write(lambda transaction: prune_blobs(transaction, below))

    for number, carried in enumerate(blocks):

        def write(transaction: Transaction, number: int = number, carried: set[int] = carried) -> None:
            write_blobs(transaction, number, [SIDECARS[index] for index in carried])
            prune_blobs(transaction, number - retention + 1)

        environment.write(write)
        kept = blocks[max(0, number - retention + 1) : number + 1]
        assert stored(environment) == sorted(set().union(*kept))

    prune(len(blocks))
    assert stored(environment) == []
    assert environment.read(lambda transaction: transaction.is_empty(Table.BLOB_BLOCKS))


def test_much_that_is_old_goes_in_steps(environment: Environment) -> None:
    for number in range(70):
        environment.write(lambda transaction, number=number: write_blobs(transaction, number, SIDECARS[:1]))
    environment.write(lambda transaction: prune_blobs(transaction, 1_000))
    assert stored(environment) == [0]
    environment.write(lambda transaction: prune_blobs(transaction, 1_000))
    assert stored(environment) == []


def test_nothing_goes_before_there_are_enough_blocks(environment: Environment) -> None:
    environment.write(lambda transaction: write_blobs(transaction, 0, SIDECARS[:2]))
    environment.write(lambda transaction: prune_blobs(transaction, -5))
    assert stored(environment) == [0, 1]
    environment.write(lambda transaction: prune_blobs(transaction, 1))
