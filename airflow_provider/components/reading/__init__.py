"""Read data: files, tables and other sources become temp views."""
