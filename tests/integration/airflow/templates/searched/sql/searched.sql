SELECT '{{ task.task_id }}' AS task
