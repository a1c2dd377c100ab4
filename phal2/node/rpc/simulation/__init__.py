"""eth_simulateV1: blocks of calls on a state and under rules of the client's choice (execution-apis)."""
