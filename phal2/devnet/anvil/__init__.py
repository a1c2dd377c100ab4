"""Foundry's anvil as the L1 of a devnet."""
