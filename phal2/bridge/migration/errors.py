"""What can be wrong with the material of a migration. Every text names the place, what was expected and what to do."""

from phal2.node.protocol.errors import InvalidEncoding, Phal2Error


class MigrationError(Phal2Error):
    """Root of the migration's errors."""


class InvalidAccount(MigrationError, InvalidEncoding):
    """Text that is neither an SS58 address nor an account id in hex."""


class InvalidExport(MigrationError):
    """A state export that cannot be read, or that is not what a state export holds."""


class StateRootMismatch(MigrationError):
    """An export whose recomputed state root is not the expected one.

    `computed` maps each trie layout version that was tried to the root it gave.
    """

    def __init__(self, expected: bytes, computed: dict[int, bytes]) -> None:
        self.expected = expected
        self.computed = computed
        found = ", ".join(f"0x{root.hex()} (trie layout version {version})" for version, root in computed.items())
        super().__init__(
            f"the export's state root is {found}, but 0x{expected.hex()} was expected: "
            "the export is not the whole state of that block, or has been changed; export it again"
        )


class StateRootUnavailable(MigrationError):
    """An export from which values have been removed, so that it has no state root. `removed` names their keys."""

    def __init__(self, removed: tuple[bytes, ...]) -> None:
        self.removed = removed
        names = ", ".join(f"0x{key.hex()}" for key in removed)
        super().__init__(
            f"the export's state root cannot be recomputed, because the value of {names} has been removed from it; "
            "use a complete export, or leave out the expected root"
        )


class IssuanceMismatch(MigrationError):
    """Balances that do not add up to the total issuance; amounts in planks."""

    def __init__(self, issuance: int, balances: int, declared_difference: int) -> None:
        self.issuance = issuance
        self.balances = balances
        self.declared_difference = declared_difference
        declared = f", of which {declared_difference} was declared" if declared_difference else ""
        super().__init__(
            f"the total issuance is {issuance} planks, but the accounts hold {balances} "
            f"(difference {issuance - balances}{declared}): accounts are missing from the export or counted twice; "
            f"export again, or, if the chain itself is known to differ, declare it with --issuance-difference="
            f"{issuance - balances}"
        )


class InvalidStakes(MigrationError):
    """A file of staked amounts that cannot be read or does not fit the snapshot."""


class InvalidTree(MigrationError):
    """Leaves or a tree file that are not a valid migration tree."""


class UnknownLeaf(MigrationError):
    """An account that has no leaf in the tree."""

    def __init__(self, account_id: bytes) -> None:
        self.account_id = account_id
        super().__init__(
            f"account 0x{account_id.hex()} has no leaf in the tree: it held nothing in the snapshot, or has no key "
            "and is on the treasury list"
        )


class NodeError(MigrationError):
    """A Substrate node that cannot be reached or gives an answer that is not understood."""
