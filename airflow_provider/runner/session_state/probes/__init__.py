"""How to look into a Spark session."""
