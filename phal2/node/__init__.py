"""The L2 node: everything that a follower needs, and nothing else."""
