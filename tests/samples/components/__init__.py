"""Components that the tests name by class path."""
