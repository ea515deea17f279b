"""How Spark is reached: one module per way."""
