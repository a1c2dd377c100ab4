"""The `phal2` command."""
