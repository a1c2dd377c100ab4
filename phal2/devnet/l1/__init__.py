"""The embedded L1: an Ethereum chain of Prague rules in the devnet's own process."""

from phal2.devnet.l1.embedded_l1 import EmbeddedL1

__all__ = ["EmbeddedL1"]
