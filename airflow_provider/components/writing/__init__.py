"""Write data: a view goes to a directory, a table or another sink."""
