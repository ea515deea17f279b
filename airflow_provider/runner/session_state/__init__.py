"""Session state: what a component leaves in the Spark session, saved and put back on the next attempt."""
