"""What a component changed in the session: snapshots, their difference, and the check after a replay."""
