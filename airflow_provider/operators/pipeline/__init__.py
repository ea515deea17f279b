"""From the operator's ``pipeline`` to a validated config with its templates rendered."""
