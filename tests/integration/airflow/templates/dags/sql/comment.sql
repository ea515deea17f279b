SELECT 1
  , regexp_replace('a#b', '[{#]', '') AS x
