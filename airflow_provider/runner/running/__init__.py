"""An attempt: take the checkpoint over, look at the facts, and walk the plan."""
