    id, '{{ run_id }}' AS run
