"""Deposits from L1 to L2: what to send, and how it arrives."""
