"""Withdrawals from L2 to L1: how they stand, their proofs, and the steps on L1."""
