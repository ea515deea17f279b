"""Check data: rules that the rows of a view must meet."""
