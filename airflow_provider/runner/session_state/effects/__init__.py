"""Evidence of what a component did outside the session, and whether it is known to be harmless."""
