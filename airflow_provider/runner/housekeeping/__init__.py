"""What people do with what runs have left: forget a run, and prune what has expired. No attempt comes here."""
