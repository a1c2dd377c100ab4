"""The little of DER (ITU-T X.690) that Intel's certificate extension needs."""


def sequence(*elements: bytes) -> bytes:
    """Return a SEQUENCE of encoded elements."""
    return _tagged(0x30, b"".join(elements))


def integer(value: int) -> bytes:
    """Return a non-negative INTEGER."""
    return _tagged(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def enumerated(value: int) -> bytes:
    """Return a non-negative ENUMERATED value."""
    return _tagged(0x0A, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(value: bool) -> bytes:
    """Return a BOOLEAN."""
    return _tagged(0x01, b"\xff" if value else b"\x00")


def octet_string(value: bytes) -> bytes:
    """Return an OCTET STRING."""
    return _tagged(0x04, value)


def object_identifier(dotted: str) -> bytes:
    """Return an OBJECT IDENTIFIER from its dotted decimal form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    return _tagged(0x06, b"".join(_base128(arc) for arc in (40 * first + second, *rest)))


def _base128(arc: int) -> bytes:
    groups = [arc & 0x7F]
    while arc := arc >> 7:
        groups.append(arc & 0x7F | 0x80)
    return bytes(reversed(groups))


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    length_bytes = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length_bytes)]) + length_bytes + content
