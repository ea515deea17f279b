"""Helpers of the components in ``reach``, modules away from them."""
