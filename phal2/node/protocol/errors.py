"""The root of the error tree.

Every error that phal2 raises on purpose is a `Phal2Error`. Its text says what was wrong, what was expected and what
to do; the numbers it speaks of are attributes.
"""


class Phal2Error(Exception):
    """Root of all errors that phal2 raises on purpose."""


class InvalidEncoding(Phal2Error):
    """Bytes that are not the canonical encoding of what they should be."""


class InvalidTransaction(Phal2Error):
    """A transaction that may not be in a block, with the state unchanged. Refuse it and tell the sender why."""


class InvalidBlock(Phal2Error):
    """A block that breaks a consensus rule. It must not become part of the chain."""
