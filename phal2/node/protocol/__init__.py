"""Pure codecs and rules of the rollup protocol. Nothing here does I/O."""
