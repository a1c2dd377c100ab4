"""The filter of eth_getLogs, filters and subscriptions: addresses, topics, and a range of blocks or one block."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Final

from phal2.node.protocol.headers import Header
from phal2.node.protocol.receipts import Log, bloom_may_contain
from phal2.node.rpc.block_reference import BlockReference, parse_block_number
from phal2.node.rpc.block_views import BlockViews, FilterKey, LogView
from phal2.node.rpc.errors import SERVER_ERROR, InvalidArgument, RpcError, invalid_params
from phal2.node.rpc.hexadecimal import type_name
from phal2.node.rpc.parameter_types import ParameterType, parse_address, parse_hash

MAXIMUM_TOPICS: Final = 4
MAXIMUM_ALTERNATIVES: Final = 1_000


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which logs are meant. Empty `addresses` mean all; an empty set in `topics` means any topic at that position.

    Either `block_hash` is set or the range counts, whose ends are None where they were left out.
    """

    addresses: frozenset[bytes] = frozenset()
    topics: tuple[frozenset[bytes], ...] = ()
    from_block: BlockReference | None = None
    to_block: BlockReference | None = None
    block_hash: bytes | None = None

    @property
    def key(self) -> FilterKey:
        """What of the filter decides whether a log of a given block is meant."""
        return self.addresses, self.topics

    def may_be_in(self, header: Header) -> bool:
        """Tell from a header's bloom filter whether the block may have logs that match."""
        sets = [elements for elements in (self.addresses, *self.topics) if elements]
        return all(any(bloom_may_contain(header.bloom, element) for element in elements) for elements in sets)

    def matches(self, log: Log) -> bool:
        """Tell whether a log is meant."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        return all(not wanted or topic in wanted for wanted, topic in zip(self.topics, log.topics, strict=False))

    def logs_of(self, views: BlockViews, header: Header, block_hash: bytes, removed: bool = False) -> Iterator[LogView]:
        """Yield the logs of a block that are meant."""
        if self.may_be_in(header):
            for log, view in views.logs(block_hash, removed):
                if self.matches(log):
                    yield view


def parse_log_filter(value: Any) -> LogFilter:
    """Read {address, topics, fromBlock, toBlock} or {address, topics, blockHash}.

    Raises `InvalidArgument`, and `RpcError` for an end at the pending block, whose logs nobody knows, and for ends in
    the wrong order.
    """
    if not isinstance(value, dict):
        raise InvalidArgument(f"expected a filter object, got {type_name(value)}")
    first, last, block_hash = value.get("fromBlock"), value.get("toBlock"), value.get("blockHash")
    if block_hash is not None and (first is not None or last is not None):
        raise InvalidArgument("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
    from_block, to_block = _end(first), _end(last)
    numbers = [end.number for end in (from_block, to_block) if end is not None and end.number is not None]
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        raise invalid_params("invalid block range params")
    return LogFilter(
        addresses=_alternatives(value.get("address"), parse_address),
        topics=_topics(value.get("topics")),
        from_block=from_block,
        to_block=to_block,
        block_hash=parse_hash(block_hash) if block_hash is not None else None,
    )


ALL_LOGS: Final = LogFilter()

Filter = Annotated[LogFilter, ParameterType(parse_log_filter, {"title": "filter", "type": "object"})]


def _end(value: Any) -> BlockReference | None:
    # Some clients send an empty string for an end that they leave open.
    if value is None or value == "":
        return None
    end = parse_block_number(value)
    if end.tag == "pending":
        raise RpcError(SERVER_ERROR, "pending logs are not supported")
    return end


def _topics(value: Any) -> tuple[frozenset[bytes], ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidArgument(f"topics: expected an array, got {type_name(value)}")
    if len(value) > MAXIMUM_TOPICS:
        raise InvalidArgument("exceed max topics")
    return tuple(_alternatives(position, parse_hash) for position in value)


def _alternatives(value: Any, parse: Any) -> frozenset[bytes]:
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        return frozenset((parse(value),))
    if len(value) > MAXIMUM_ALTERNATIVES:
        raise InvalidArgument(f"array of {len(value)} items, at most {MAXIMUM_ALTERNATIVES} are allowed")
    if any(item is None for item in value):
        return frozenset()
    return frozenset(parse(item) for item in value)
