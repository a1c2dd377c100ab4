"""What stands in the way of a withdrawal. Each text says what to do about it."""

from phal2.node.protocol.errors import Phal2Error


class WithdrawalError(Phal2Error):
    """Root of the errors of withdrawals."""


class NoWithdrawal(WithdrawalError):
    """A transaction that is not on L2, or from which no message to L1 went out."""


class NotYet(WithdrawalError):
    """A step that cannot be taken yet; later it can. `seconds` is about how long that takes, None where unknown."""

    def __init__(self, reason: str, seconds: int | None) -> None:
        self.reason = reason
        self.seconds = seconds
        about = "" if seconds is None else f", in about {seconds} s"
        super().__init__(f"not yet{about}: {reason}; run the command again then, or with --wait")


class WouldBeLost(WithdrawalError):
    """A message whose target on L1 would not take it now; the portal delivers it once, whatever becomes of it."""

    def __init__(self, withdrawal: bytes) -> None:
        self.withdrawal = withdrawal
        super().__init__(
            f"the target on L1 would not take the message of withdrawal 0x{withdrawal.hex()}, and as a message is "
            "delivered once, what it carries would be lost; wait until the target takes it, or have `phal2 bridge "
            "finalize` deliver it nonetheless with --force"
        )


class WrongProof(WithdrawalError):
    """What the L2 node gives as proof does not hold: the node is faulty, or lies. Nothing was sent."""


class StateNotKept(WithdrawalError):
    """The L2 node no longer has the state of the block that a game is about."""

    def __init__(self, block_number: int, reason: str) -> None:
        self.block_number = block_number
        super().__init__(
            f"the L2 node gives no proof at block {block_number}: {reason}; use a node that keeps old states, or wait "
            "for a game about a newer block"
        )


class ClaimIsAnother(WithdrawalError):
    """A game whose claim is not the output root that the L2 node has."""

    def __init__(self, game: int, block_number: int, claimed: bytes, computed: bytes) -> None:
        self.game = game
        self.block_number = block_number
        self.claimed = claimed
        self.computed = computed
        super().__init__(
            f"game {game} claims the output root 0x{claimed.hex()} for L2 block {block_number}, but the L2 node has "
            f"0x{computed.hex()}: one of them is wrong, and a proof against the game would not hold"
        )
