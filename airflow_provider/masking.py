"""Decides in one place what looks like a secret: for the log, for errors, for the plan and for records.

Names are judged in two ways. A *setting* whose name only hints at a secret is hidden; at worst that costs a log line or
a replay. In *free text* the name has to end like that of a secret (``db.password=``, not ``password_hash=`` or
``token_counts=``), and only the value is masked, so that the message still makes sense.

Every pattern reads a text once, however long it is and whatever it contains.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

MASK = "***"

_WORDS = (
    "secret|password|passwd|passphrase|pwd|token|credentials?|signature|"
    "(?:access|account|api|encryption|master|private|service|shared|signing|storage)[-_.]?key"
)
_SETTING = re.compile(
    rf"(?i){_WORDS}|authorization|bearer|connection[-_.]?string|sas[.]|pass\b|(?<![a-z0-9])sig(?![a-z0-9])"
)
"""Spark's default of ``spark.redaction.regex``, and other usual names of secrets."""
_NAME = re.compile(rf"(?i)(?:{_WORDS}|authorization|connection[-_.]?string|(?<=[-_.])pass|(?<![a-z0-9])sig)(?=\.|$)")

_HEAD = re.compile(
    r"""(?<![\w.-])(?P<name>[\w.-]++)(?P<quote>\\{0,4}["'])?+[ \t]{0,3}(?P<sign>=(?![=>~])|:)[ \t]{0,3}"""
)
"""``name=`` and ``name: ``, the name with or without quotes, which may be escaped."""
_QUOTED = re.compile(
    r"""
      (?P<escaped>\\{1,4}["']) [^"'\n\\]*+
    | "(?:[^"\\\n]|\\.)*+
    | '(?:[^'\\\n]|\\.)*+
    """,
    re.VERBOSE,
)
_PLAIN = re.compile(r"[^\s&;]++")
_NO_VALUE = {"", MASK, "none", "null", "true", "false", "*********(redacted"}
"""Values that are empty or already masked; the last one is Spark's mask."""
_DIGIT = re.compile("[0-9]")

_WHOLE = re.compile(
    r"""
      -----BEGIN[ ][A-Z0-9 ]{0,40}PRIVATE[ ]KEY[A-Z ]{0,10}-----                    # PEM, also on one line or cut off
      [^"'<>{}]*?
      (?:-----END[ ][A-Z0-9 ]{0,40}PRIVATE[ ]KEY[A-Z ]{0,10}----- | (?=["'<>{}]) | \Z)
    | (?<![\w-])eyJ[\w-]{10,}+(?:\.[\w-]*+){2,4}                                    # JSON web token
    | (?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])                          # AWS key id, and its secret
      (?:[:,/ ]{1,3}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+]))?
    """,
    re.VERBOSE,
)
_AFTER = re.compile(
    r"""(?ix)
    (
      ://[^/\s:@"'<>]*:                                                             # ://user:password@
    | \bauthorization\\{0,4}["']?[ \t]{0,3}[:=][ \t]{0,3}\\{0,4}["']?
      (?:basic|bearer|digest|negotiate|token)[ \t]{1,3}
    | \bbearer[ \t]{1,3}(?=[a-z._~+/-]{0,200}[0-9])(?=[\w.~+/-]{16})
    )
    (?: (?<=:)[^/\s"'<>]+(?=@) | (?<=[ \t])[\w.~+/=-]+ )
    """
)

Redact = Callable[[str, str | None], str]
"""Takes a text, and its name if it is the value of one; returns the text without secrets."""

_redactors: list[Redact] = []


def add_redactor(redact: Redact) -> None:
    """Add a redactor that :func:`mask` and :func:`looks_secret` call from now on, such as Airflow's.

    :param redact: the redactor; adding it twice is the same as once
    """
    if redact not in _redactors:
        _redactors.append(redact)


def mask(text: str) -> str:
    """Return a text with ``***`` in place of the secrets in it.

    :param text: any text, such as an error's
    """
    for redact in _redactors:
        text = redact(text, None)
    return _mask_assigned(_AFTER.sub(rf"\1{MASK}", _WHOLE.sub(MASK, text)))


def looks_secret(key: str, value: str | None, settings: Mapping[str, str]) -> bool:
    """Return whether the value of a setting must be neither recorded nor logged.

    :param key: name of the setting
    :param value: its value
    :param settings: all settings of the session; their ``spark.redaction.regex`` counts, too
    """
    redacted = settings.get("spark.redaction.regex")
    return bool(
        _SETTING.search(key)
        or any(redact(value or "?", key) != (value or "?") for redact in _redactors)
        or (redacted and _matches(redacted, key, value))
        or (value and mask(value) != value)
    )


def _matches(regex: str, key: str, value: str | None) -> bool:
    """Return whether Spark would hide a setting, by its name or its value."""
    try:
        pattern = re.compile(regex.removeprefix("(?i)"), re.IGNORECASE)
    except re.error:
        return True  # a regular expression of Java's that Python cannot evaluate
    return bool(pattern.search(key) or (value and pattern.search(value)))


def _mask_assigned(text: str) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in _assigned(text):
        parts += [text[end:start], MASK]
        end = stop
    return "".join([*parts, text[end:]])


def _assigned(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each value that follows the name of a secret.

    After a colon the next word is usually part of a sentence. So there the value must be in quotes, as the name is, or
    have at least six characters, one of them a digit.
    """
    end = 0  # of what is masked
    dull = 0  # up to here there is no digit
    for head in _HEAD.finditer(text):
        if head.start() < end or not _NAME.search(head["name"]):
            continue
        sure = head["sign"] == "="
        if found := _QUOTED.match(text, head.end()):
            start, stop = head.end() + len(found["escaped"] or "'"), found.end()
            sure = sure or head["quote"] is not None
        elif not sure and head.end() < dull:
            continue
        elif found := _PLAIN.match(text, head.end()):
            start, stop = head.end(), head.end() + len(found[0].rstrip("\"'`,.:)]}>"))
        else:
            continue
        if not sure and not _DIGIT.search(text, start, stop):
            dull = max(dull, stop)
        elif (sure or stop - start >= 6) and text[start:stop].lower() not in _NO_VALUE:
            end = stop
            yield start, stop
