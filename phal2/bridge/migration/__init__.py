"""The migration of PHA balances from a Substrate chain: snapshot, tree and claims."""
