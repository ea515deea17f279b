"""What the author wrote, validated: pipelines and components, and how to find and check both."""
