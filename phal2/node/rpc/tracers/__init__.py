"""The tracers of the namespace debug, as geth names them: what each notes of a transaction, and what it answers."""
