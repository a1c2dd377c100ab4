"""Benchmarks of the node, and of py-evm and anvil on the same work: `make bench`."""
