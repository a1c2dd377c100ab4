"""The state module: world state, tries, and the state transition of L1 and L2 blocks."""
