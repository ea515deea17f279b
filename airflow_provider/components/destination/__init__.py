"""Where data are written: directories and tables, and how they are replaced as a whole."""
