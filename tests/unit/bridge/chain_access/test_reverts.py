import pytest

from phal2.bridge.chain_access.reverts import revert_data, revert_reason
from phal2.node.l1.errors import EndpointRefused


@pytest.mark.parametrize(
    ("code", "message", "data", "expected"),
    [
        (3, "execution reverted", "0x08c379a0", b"\x08\xc3\x79\xa0"),
        (-32000, "execution reverted", None, b""),
        (-32000, "Execution reverted", None, b""),
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


@pytest.mark.parametrize(
    ("message", "data", "expected"),
    [
        ("execution reverted", "0x031c6de4" + "54".rjust(64, "0"), "NoImplementation(gameType: 84)"),
        ("execution reverted", "0x12345678", "reverted with 0x12345678"),
        ("execution reverted: not the owner", None, "execution reverted: not the owner"),
        ("header not found", None, None),
    ],
)
def test_a_revert_says_why(message: str, data: object, expected: str | None) -> None:
    error = EndpointRefused("http://127.0.0.1", "eth_call", -32000, message, data)
    assert revert_reason(error, ("DisputeGameFactory",)) == expected
