"""Attempts at a run as the tests make them, and what the attempts share: stores, records, directories."""
