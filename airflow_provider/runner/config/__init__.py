"""What the author wrote, validated: pipelines, components, and how both are found and checked."""
