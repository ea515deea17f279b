"""An attempt whose driver spark-submit starts: its options, its target, the call and what the driver reports."""
