"""What all parts of the bridge need of a chain: keys, blocks, contract views, transactions, and their options."""
