{# a comment of Jinja's, with ds #}
{% from 'sql/macros.sql' import as_text %}
SELECT {{ as_text(params.token) }} AS token, '{{ "x" | shout }}' AS loud, {{ doubled(2) }} AS four,
{% include 'sql/columns.sql' %}
  FROM range(1);
