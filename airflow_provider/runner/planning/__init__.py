"""Pure functions from facts to decisions: what an attempt does with each component, and why."""
