"""A module whose import raises."""

raise RuntimeError("PASSWORD is not set\nset it in the environment")
