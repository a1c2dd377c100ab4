"""`phal2 node`: one L2 node from the shell."""
