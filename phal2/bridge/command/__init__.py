"""`phal2 bridge`: deposits and withdrawals from the shell."""
