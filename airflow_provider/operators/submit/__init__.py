"""An attempt whose driver spark-submit starts: its options, its target, the call and the driver's report."""
