"""Who needs what an earlier component left: what code and config of later components read."""
