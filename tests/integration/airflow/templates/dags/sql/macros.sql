{% macro as_text(value) %}'{{ value }}'{% endmacro %}
