"""The precompiled contracts, apart from any engine."""
