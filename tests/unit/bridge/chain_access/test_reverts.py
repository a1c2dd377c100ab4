import pytest

from phal2.bridge.chain_access.reverts import revert_data
from phal2.node.l1.errors import EndpointRefused


@pytest.mark.parametrize(
    ("code", "message", "data", "expected"),
    [
        (3, "execution reverted", "0x08c379a0", b"\x08\xc3\x79\xa0"),
        (-32000, "execution reverted", None, b""),
        (3, "reverted in its own words", None, b""),
        (-32000, "VM Exception", "0x", b""),
        (3, "execution reverted", "0xzz", None),
        (3, "execution reverted", "0x123", None),
        (-32000, "header not found", None, None),
        (-32000, "header not found", {"reason": "0x12"}, None),
    ],
)
def test_a_revert_is_told_from_another_refusal(code: int, message: str, data: object, expected: bytes | None) -> None:
    assert revert_data(EndpointRefused("http://127.0.0.1", "eth_call", code, message, data)) == expected
