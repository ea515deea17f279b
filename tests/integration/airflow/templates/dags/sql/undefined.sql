SELECT 1
  , '{{ dss }}' AS day
