"""The simulated TEE: quotes and collateral that are DCAP to the byte, under a root whose key is public."""
