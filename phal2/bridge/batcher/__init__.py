"""The batcher: it posts L2 blocks to L1, so that everybody can derive the chain from L1 alone."""

from phal2.bridge.batcher.batcher import Batcher
from phal2.bridge.batcher.settings import BatcherSettings, DataAvailability

__all__ = ["Batcher", "BatcherSettings", "DataAvailability"]
