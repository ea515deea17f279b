"""What the tests share: components, a harness for attempts at a run, and services."""
