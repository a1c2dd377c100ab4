"""What an attested transaction proves, verified from bytes and state alone (docs/attested-transactions.md)."""
