"""Real services on this host: an S3 server, a Spark cluster, a Spark Connect server."""
