"""The L1 client that believes nothing: what an endpoint says is held against hashes and roots."""
