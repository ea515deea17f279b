"""Plain data: what is kept of a run. Nothing here acts on it."""
