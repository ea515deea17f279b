SELECT '{{ task.task_id }}' AS task {% include 'sql/from.sql' %}
