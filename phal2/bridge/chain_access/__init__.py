"""What all commands of the bridge need of a chain: keys, contract views, transactions, and their options."""
