"""Admission, ordering and block building. It knows blocks and state, not where blocks go."""
