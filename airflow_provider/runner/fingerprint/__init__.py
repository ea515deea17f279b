"""What makes a result valid: hashes of everything that decides what a component does, and comparisons of them."""
