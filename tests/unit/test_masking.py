"""What looks like a secret: in settings, and in texts such as errors."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider import masking
from airflow_provider.errors import ComponentFailedError, describe
from airflow_provider.masking import add_redactor, looks_secret, mask

KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\nMIIE{KEY}\n{KEY}==\n-----END RSA PRIVATE KEY-----"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.sflKxwRJSM"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is asked unless the test says so."""
    monkeypatch.setattr(masking, "_redactors", [])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://a.blob.core.windows.net/c?sv=1&sig=aB%2Bc%3D&se=2", "https://a.blob.core.windows.net/c?sv=1&sig=***&se=2"),
        ("AccountName=me;AccountKey=aB+/c==;Suffix=x.net", "AccountName=me;AccountKey=***;Suffix=x.net"),
        ("Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=aB=", "Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=***"),
        ("SharedAccessSignature=sr=h&sig=aB&se=1", "SharedAccessSignature=***&sig=***&se=1"),
        (f"cannot read {PEM} as a key", "cannot read *** as a key"),
        (f'{{"private_key": "{PEM!r}", "x": 1}}', '{"private_key": "***", "x": 1}'),
        (f"'{PEM[:60]}' is cut off", "'***' is cut off"),
        (f"refused {TOKEN}, expired", "refused ***, expired"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ('"authorization": "Basic aHVudGVyMg=="', '"authorization": "***"'),
        ("curl -H bearer 0123456789abcdef0", "curl -H bearer ***"),
        ("AKIAIOSFODNN7EXAMPLE is unknown", "*** is unknown"),
        (f"s3n://AKIAIOSFODNN7EXAMPLE:{KEY}@bucket/x", "s3n://***@bucket/x"),
        ("jdbc:postgresql://me:p@ss@h:1/db", "jdbc:postgresql://me:***@h:1/db"),
        ("jdbc:mysql://h/db?user=me&password=hunter2: refused", "jdbc:mysql://h/db?user=me&password=***: refused"),
        ("spark.my.db.pwd=hunter2, spark.x=1", "spark.my.db.pwd=***, spark.x=1"),
        ("fs.azure.account.key.me.dfs.core.windows.net=aB==", "fs.azure.account.key.me.dfs.core.windows.net=***"),
        ("connect(password='it\\'s', user='me')", "connect(password='***', user='me')"),
        ("{'password': 'swordfish', 'n': 1}", "{'password': '***', 'n': 1}"),
        (r"{\"password\": \"swordfish\", \"n\": 1}", r"{\"password\": \"***\", \"n\": 1}"),
        ("password: hunter2", "password: ***"),
        ("invalid token: password=swordfish", "invalid token: password=***"),
    ],
)  # fmt: skip
def test_only_the_value_of_a_secret_is_masked(text: str, masked: str) -> None:
    """The rest of the message keeps its sense, and masking it once more changes nothing."""
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "component 'token_counts' (3 of 7) failed: TimeoutError: 30 s",
        "[UNRESOLVED_COLUMN] `password_hash` cannot be resolved; did you mean `password_salt`?",
        "the secret is that there is no secret",
        "token_counts=4, max_tokens=512, password_hash=x",
        "component 'load', field 'config.password': is missing",
        "Unexpected token: 'foo' at line 3",
        "cannot parse the token: expected a name",
        "bearer of bad news, basic authentication is off",
        "master spark://h:7077 and mail to me@example.com",
        "http://h:8080/api/x@y",
        "f(password=None, token='')",
        "WHERE token == 5 AND secret => 6",
        "password=*********(redacted)",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "compass=5, bypass=true, passed=7, config=9",
        "primary key: id, sort key=day",
    ],
)
def test_an_ordinary_message_stays_as_it_is(text: str) -> None:
    """A word such as "token" is no secret; only what stands behind it as its value may be one."""
    assert mask(text) == text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("my.db.pwd", "x"),
        ("my.dbPassword", "x"),
        ("fs.azure.account.key.me.dfs.core.windows.net", "x"),
        ("fs.s3a.encryption.key", "x"),
        ("my.sig", "x"),
        ("my.api.token", None),
        ("my.url", "https://a.blob.core.windows.net/c?sv=1&sig=aB%2Bc&se=2"),
        ("my.connection", "AccountName=me;AccountKey=aB=="),
        ("my.bus", "Endpoint=sb://x/;SharedAccessKey=aB="),
        ("my.signer", PEM),
        ("my.login", TOKEN),
        ("my.header", "Bearer 0123456789abcdef0"),
        ("my.user", "AKIAIOSFODNN7EXAMPLE"),
        ("my.bucket", "s3a://me:hunter2@bucket/x"),
    ],
)
def test_a_setting_is_secret_by_its_name_or_by_what_it_holds(key: str, value: str | None) -> None:
    """Also when it was unset: then its name alone decides."""
    assert looks_secret(key, value, {})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spark.sql.shuffle.partitions", "8"),
        ("my.table", "token_counts"),
        ("my.url", "s3a://bucket/x"),
        ("my.sigma", "2"),
    ],
)
def test_an_ordinary_setting_is_not_a_secret(key: str, value: str) -> None:
    """They are recorded, so that nothing is replayed for them."""
    assert not looks_secret(key, value, {})


@pytest.mark.parametrize(
    ("regex", "key", "value", "secret"),
    [
        ("(?i)hush", "my.Hush", "x", True),
        ("(?i)hush", "my.key", "hush-hush", True),
        ("(?i)hush", "my.key", "x", False),
        (r"\p{Alpha}+hush", "my.key", "x", True),
    ],
)
def test_sparks_own_rule_counts(regex: str, key: str, value: str, secret: bool) -> None:
    """It looks at name and value. A rule that only Java understands hides everything: nobody here can tell."""
    assert looks_secret(key, value, {"spark.redaction.regex": regex}) is secret


def test_an_added_redactor_masks_texts_and_settings() -> None:
    """About a text as about the name of a setting."""

    def other(text: str, name: str | None) -> str:
        return "***" if name == "my.hush" else text.replace("swordfish", "***")

    assert mask("it is swordfish") == "it is swordfish"
    add_redactor(other)
    add_redactor(other)
    assert masking._redactors == [other]
    assert mask("it is swordfish") == "it is ***"
    assert looks_secret("my.hush", "x", {})
    assert looks_secret("my.hush", None, {})
    assert looks_secret("my.word", "swordfish", {})
    assert not looks_secret("my.word", "x", {})


def test_an_error_is_described_without_secrets() -> None:
    """In the line about it, and in the error of the attempt, whose text may come from another process."""
    error = ConnectionError("jdbc:mysql://h/db?user=me&password=hunter2: refused\nmore")
    assert describe(error) == "ConnectionError: jdbc:mysql://h/db?user=me&password=***: refused"
    assert "hunter2" not in str(ComponentFailedError("p", "c", 1, 1, str(error), [str(error)]))
    assert "hunter2" not in str(ComponentFailedError("p", "c", 1, 1, "OSError: password=hunter2"))


def test_a_secret_of_many_lines_leaves_none_of_them() -> None:
    """Only the first line is shown, and that of a key would be one of its own."""

    def other(text: str, name: str | None) -> str:
        return text.replace("first\nsecond", "***")

    add_redactor(other)
    assert describe(ValueError("first\nsecond is wrong")) == "ValueError: *** is wrong"


PIECES = [
    *("a", "1", "é", " ", "\n", "=", ":", "'", '"', "\\", "&", ";", "-", ".", "@", "/", "{", ")", "None", "***"),
    *("token", "password", "sig", "eyJ", "eyJaaaaaaaaaaaa.", "-----BEGIN ", "PRIVATE KEY-----", "://", "bearer "),
    *("authorization: basic ", "AKIAIOSFODNN7EXAMPLE"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_what_is_masked_stays_so(text: str) -> None:
    """A text may pass through several hands that mask it."""
    assert mask(mask(text)) == mask(text)


def hostile() -> Iterator[str]:
    openers = ["token:", 'token:"token":', "token='", "token:\\", "bearer ", "://a", "eyJaaaaaaaaaaaa", "a"]
    for opener, piece in itertools.product(openers, PIECES):
        yield opener + piece
    yield from ("-----BEGIN PRIVATE KEY-----", "password='\\", 'token=\\\\\\\\\\"', "secret   =   ", "token.")


def test_a_long_text_is_read_once() -> None:
    """Whatever stands in it: a megabyte takes less than a hundred times what ten kilobytes take, give or take."""

    def cost(unit: str, size: int) -> float:
        text = unit * (size // len(unit))
        began = time.process_time()
        mask(text)
        return time.process_time() - began

    slow = [unit for unit in hostile() if cost(unit, 50_000) > 0.5]
    assert not slow  # where each character is looked at again for each other, it takes seconds
    assert cost("jdbc:mysql://h/db?user=me&password=hunter2 was refused; ", 1_000_000) < 5
    assert cost('token:"token":', 1_000_000) < 5
