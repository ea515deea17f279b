"""Sources: what a component read, directly or through the views that it left, and whether that has changed since."""
