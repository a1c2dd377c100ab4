"""What a commit changes in a database: nodes that are new, and nodes that are no longer part of the state."""


class NodeChanges:
    """The nodes that one commit adds to a database and those that it supersedes.

    The new ones have the locations from `first_location` on. Superseded are stored nodes that the new tries no longer
    have; whoever has no use for the old ones can delete them.
    """

    __slots__ = ("first_location", "records", "superseded")

    def __init__(self, first_location: int) -> None:
        self.first_location = first_location
        self.records: list[bytes] = []
        self.superseded: list[int] = []

    def add(self, record: bytes) -> int:
        """Add a node; return its location."""
        self.records.append(record)
        return self.first_location + len(self.records) - 1

    def record(self, location: int) -> bytes | None:
        """Return the record of an added node, None where the location is not one of these."""
        index = location - self.first_location
        return self.records[index] if 0 <= index < len(self.records) else None

    def supersede(self, location: int) -> None:
        """Note that the node there is no longer part of the trie; 0, a node that is not stored by location, is none."""
        if location:
            self.superseded.append(location)
