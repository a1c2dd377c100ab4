"""The LMDB environment: a map that grows by itself under readers, and writes that are whole or not at all."""

import threading
from pathlib import Path

import pytest

from phal2.node.storage.environment import Environment, Transaction
from phal2.node.storage.tables import Table, number_key


@pytest.fixture
def environment(tmp_path: Path):
    opened = Environment(tmp_path, initial_map_size=1 << 16, durable=False)
    yield opened
    opened.close()


def test_the_map_grows_by_itself(environment: Environment):
    before = environment.map_size
    environment.write(lambda transaction: transaction.put(Table.CODES, b"large", bytes(10 << 20)))
    assert environment.map_size > before
    assert environment.get(Table.CODES, b"large") == bytes(10 << 20)


def test_readers_go_on_while_the_map_grows(environment: Environment):
    environment.write(lambda transaction: transaction.put(Table.CODES, b"key", b"value"))
    done = threading.Event()
    wrong: list[bytes | None] = []

    def read() -> None:
        while not done.is_set():
            value = environment.get(Table.CODES, b"key")
            if value != b"value":
                wrong.append(value)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(200):
        key = number_key(number)
        environment.write(lambda transaction, key=key: transaction.put(Table.NODES, key, bytes(50_000)))
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert environment.get(Table.NODES, number_key(199)) == bytes(50_000)


def test_a_write_that_raises_leaves_no_trace(environment: Environment):
    def fail(transaction: Transaction) -> None:
        transaction.put(Table.CODES, b"key", b"value")
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        environment.write(fail)
    assert environment.get(Table.CODES, b"key") is None


def test_present_content_keeps_its_value(environment: Environment):
    environment.write(lambda transaction: transaction.put_new(Table.NODES, [(b"b", b"1"), (b"a", b"2")]))
    environment.write(lambda transaction: transaction.put_new(Table.NODES, [(b"b", b"3"), (b"c", b"4")]))
    values = [environment.get(Table.NODES, key) for key in (b"a", b"b", b"c")]
    assert values == [b"2", b"1", b"4"]


def test_ascending_items_are_set_behind_and_between_others(environment: Environment):
    def put(*numbers: int) -> None:
        items = [(number_key(number), b"%d" % number) for number in numbers]
        environment.write(lambda transaction: transaction.put_ascending(Table.NODES, items))

    put(1, 2, 10)
    put(11, 12)
    put(3, 4, 20)
    put()
    found = environment.read(lambda transaction: list(transaction.items_between(Table.NODES, number_key(2), b"\xff")))
    assert found == [(number_key(number), b"%d" % number) for number in (2, 3, 4, 10, 11, 12, 20)]


def test_a_key_of_some_tables_has_several_values_in_their_order(environment: Environment):
    for value in (b"c", b"a", b"b", b"a"):
        environment.write(lambda transaction, value=value: transaction.put(Table.STATES, b"key", value))
    assert environment.read(lambda transaction: transaction.values(Table.STATES, b"key")) == [b"a", b"b", b"c"]
    environment.write(lambda transaction: transaction.delete(Table.STATES, b"key", b"b"))
    assert environment.read(lambda transaction: transaction.values(Table.STATES, b"key")) == [b"a", b"c"]
    assert environment.read(lambda transaction: transaction.values(Table.STATES, b"other")) == []


def test_the_newest_items_come_first(environment: Environment):
    items = [(number_key(number), b"value") for number in range(5)]
    environment.write(lambda transaction: transaction.put_ascending(Table.NODES, items))
    assert environment.read(lambda transaction: transaction.newest(Table.NODES, 2)) == [items[4], items[3]]
    assert environment.read(lambda transaction: transaction.newest(Table.CODES, 2)) == []


@pytest.mark.parametrize(("number", "found"), [(0, None), (1, 1), (2, 1), (5, 5), (6, 5), (99, 5)])
def test_the_last_item_up_to_a_key(environment: Environment, number: int, found: int | None):
    items = [(number_key(known), b"value") for known in (1, 5)]
    environment.write(lambda transaction: transaction.put_new(Table.CANONICAL, items))
    item = environment.read(lambda transaction: transaction.last_up_to(Table.CANONICAL, number_key(number)))
    assert item == (None if found is None else (number_key(found), b"value"))


def test_deleting_from_a_key_on(environment: Environment):
    items = [(number_key(number), b"value") for number in range(10)]
    environment.write(lambda transaction: transaction.put_new(Table.CANONICAL, items))
    environment.write(lambda transaction: transaction.delete_from(Table.CANONICAL, number_key(4)))
    left = [number for number in range(10) if environment.get(Table.CANONICAL, number_key(number))]
    assert left == [0, 1, 2, 3]
