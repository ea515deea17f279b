"""What tells people and programs how a run goes: events, hooks, the log, tables and figures."""
