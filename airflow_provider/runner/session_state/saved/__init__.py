"""Temp views on storage."""
