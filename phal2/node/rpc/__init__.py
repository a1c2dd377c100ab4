"""The JSON-RPC server: the protocol, the namespaces, and how chain data is shown."""
