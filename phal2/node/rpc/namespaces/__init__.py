"""The methods by namespace, one module for each group of methods that belong together."""
