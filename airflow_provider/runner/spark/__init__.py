"""The Spark session and its JVM: opened, compared with what was asked for, watched, and lost."""
