SELECT :version, :flag, :word, :code, :day, :rows, '{{ params.version }}', {{ params.rows }}
