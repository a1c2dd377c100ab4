"""Everything between L1 and L2. It talks to nodes by JSON-RPC only."""
