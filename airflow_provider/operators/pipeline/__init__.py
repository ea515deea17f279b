"""From what the DAG author gave an operator to a validated config, with its templates rendered."""
