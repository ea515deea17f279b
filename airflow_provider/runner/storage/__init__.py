"""Files on any storage: one protocol and one module for each backend."""
