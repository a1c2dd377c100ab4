"""What can stop derivation. The class says what the driver must do."""

from phal2.node.protocol.errors import Phal2Error


class DerivationError(Phal2Error):
    """Root of the errors of derivation."""


class Temporary(DerivationError):
    """Something is missing for now. Ask again later; nothing has changed."""


class Reset(DerivationError):
    """L1 or the safe head is not what derivation built on. Find the common ancestor and start a new pipeline there."""


class Critical(DerivationError):
    """Derivation cannot go on by any rule. Stop the node and look at configuration and software."""
