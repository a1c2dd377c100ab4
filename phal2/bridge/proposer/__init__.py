"""The proposer: it has L2's outputs proven and puts them on L1, so that withdrawals can be proven there."""
