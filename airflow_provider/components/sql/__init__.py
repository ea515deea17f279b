"""Run SQL: one statement, with the same protection as a write."""
