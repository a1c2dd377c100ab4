"""What L1's execution layer asks of its consensus layer (EIP-7685): deposits, withdrawals, consolidations.

Sources: EIP-6110, EIP-7002, EIP-7251.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from phal2.node.protocol.errors import InvalidBlock
from phal2.node.protocol.predeploys import CONSOLIDATION_REQUESTS, WITHDRAWAL_REQUESTS
from phal2.node.protocol.receipts import Log
from phal2.node.state.block_scope import BlockScope
from phal2.node.state.system_calls import SystemCallFailed, system_call

DEPOSIT_CONTRACT: Final = bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa")
DEPOSIT_EVENT_TOPIC: Final = bytes.fromhex("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")

DEPOSIT_REQUEST: Final = b"\x00"
WITHDRAWAL_REQUEST: Final = b"\x01"
CONSOLIDATION_REQUEST: Final = b"\x02"

_DEPOSIT_EVENT_LENGTH: Final = 576
_DEPOSIT_FIELDS: Final = ((160, 48), (256, 32), (320, 8), (384, 96), (512, 8))
"""Offset of each field's length word in the event's data, and the length that it must have."""


class MalformedDepositEvent(InvalidBlock):
    """An event of the deposit contract whose data does not have the layout that EIP-6110 fixes."""


def collect_requests(scope: BlockScope, logs: Iterable[Log]) -> tuple[bytes, ...]:
    """Return the block's requests, each its type and its data; call this after the transactions."""
    requests = []
    deposits = b"".join(
        _deposit_request(log.data)
        for log in logs
        if log.address == DEPOSIT_CONTRACT and log.topics[:1] == (DEPOSIT_EVENT_TOPIC,)
    )
    if deposits:
        requests.append(DEPOSIT_REQUEST + deposits)
    for kind, contract in (
        (WITHDRAWAL_REQUEST, WITHDRAWAL_REQUESTS),
        (CONSOLIDATION_REQUEST, CONSOLIDATION_REQUESTS),
    ):
        result = system_call(scope, contract, b"")
        if result is None:
            continue
        if result.error is not None:
            raise SystemCallFailed(contract, result.error)
        if result.output:
            requests.append(kind + result.output)
    return tuple(requests)


def requests_hash(requests: Sequence[bytes]) -> bytes:
    """Return the commitment to the requests that the header holds (EIP-7685)."""
    return hashlib.sha256(b"".join(hashlib.sha256(request).digest() for request in requests)).digest()


def _deposit_request(data: bytes) -> bytes:
    if len(data) != _DEPOSIT_EVENT_LENGTH:
        raise MalformedDepositEvent(f"deposit event of {len(data)} bytes, expected {_DEPOSIT_EVENT_LENGTH}")
    fields = []
    for index, (offset, length) in enumerate(_DEPOSIT_FIELDS):
        if int.from_bytes(data[32 * index : 32 * index + 32], "big") != offset:
            raise MalformedDepositEvent(f"deposit event whose field {index} is not at offset {offset}")
        if int.from_bytes(data[offset : offset + 32], "big") != length:
            raise MalformedDepositEvent(f"deposit event whose field {index} is not of {length} bytes")
        fields.append(data[offset + 32 : offset + 32 + length])
    return b"".join(fields)
