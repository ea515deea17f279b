"""Refuse a write that would destroy what the run still needs."""
