"""Joins the rooms into a node: heads, derivation and sequencing loops, resets, the clock."""
