"""Attestations: what an attested transaction proves, verified from bytes and state alone (DESIGN section 4)."""
