"""How chain data is shown in JSON: blocks, transactions, receipts, logs."""
