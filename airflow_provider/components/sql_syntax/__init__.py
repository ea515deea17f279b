"""SQL as text: statements, names, and what Spark says about a query."""
