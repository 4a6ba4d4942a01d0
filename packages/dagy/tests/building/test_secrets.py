"""The secrets here are made up, and put together where they are used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagy.building._exclusions import may_hold_secrets
from dagy.building._secrets import Secret, SecretSearch

EXAMPLES = {
    "a private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "a key file of PuTTY": "PuTTY-User-" + "Key-File-3: ssh-ed25519",
    "an AWS access key id": "AKIA" + "Q7Z3" * 4,
    "an AWS secret access key": "aws_secret_access_key = " + "aB3/" * 10,
    "a GitHub token": "ghp_" + "a1B2" * 9,
    "a GitLab token": "glpat-" + "a1B2" * 5,
    "a Slack token": "xoxb-" + "1234567890-" * 2 + "abc",
    "a Slack webhook": "https://hooks.slack.com/services/" + "T01234567/B01234567/" + "a1B2" * 4,
    "a Stripe key": "sk_live_" + "a1B2" * 6,
    "a Google API key": "AIza" + "a1B2x" * 7,
    "a Google OAuth secret": "GOCSPX-" + "a1B2" * 7,
    "an Anthropic key": "sk-ant-" + "api03-" + "a1B2" * 10,
    "an OpenAI key": "sk-proj-" + "a1B2" * 10,
    "a SendGrid key": "SG." + "a" * 22 + "." + "b" * 43,
    "an npm token": "npm_" + "a1B2" * 9,
    "a PyPI token": "pypi-AgE" + "a1B2" * 20,
    "a Hugging Face token": "hf_" + "aB" * 17,
    "an Azure storage key": "AccountKey=" + "a1B/" * 21 + "ab==",
    "a Databricks token": "dapi" + "0a1b" * 8,
    "a Dagy token": "dagy_sk_" + "a1B2" * 8,
    "a JSON web token": "eyJ" + "a1B2" * 9 + ".eyJ" + "a1B2" * 20 + "." + "c" * 43,
    "a URL with a password": "postgresql://etl:" + "hunter2x@db.example.com/x",
}

HARMLESS = [
    "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']",
    "-----BEGIN PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----",
    "postgres://user:password@localhost/db",
    "postgres://{user}:{password}@{host}/db",
    "https://${USER}:${TOKEN}@github.com/x",
    "see https://example.com:8080/path and mail me@example.com",
    "sk_test_1234567890abcdef12345678",
    "def ghp_function_with_a_long_name(): ...",
    "npm_config_registry",
    "token = os.environ['DAGY_TOKEN']",
]


def found_in(content: bytes, *, piece: int = 1 << 20) -> Secret | None:
    search = SecretSearch()
    for start in range(0, len(content), piece):
        search.feed(content[start : start + piece])
    return search.found


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_known_form_of_secret_is_found_with_its_line(kind: str) -> None:
    """SEC-13."""
    content = f"first = 1\nsecond = '{EXAMPLES[kind]}'\n"
    assert found_in(content.encode()) == Secret(kind, 2)


@pytest.mark.parametrize("text", HARMLESS)
def test_placeholders_and_examples_are_no_secrets(text: str) -> None:
    assert found_in(f'value = "{text}"\n'.encode()) is None


@given(
    kind=st.sampled_from(sorted(EXAMPLES)),
    lines=st.integers(0, 3000),
    piece=st.integers(200, 40_000),
)
def test_it_is_found_wherever_the_pieces_of_a_file_meet(kind: str, lines: int, piece: int) -> None:
    content = b"x = 12345\n" * lines + EXAMPLES[kind].encode() + b"\n" + b"y = 6\n" * 2000
    assert found_in(content, piece=piece) == Secret(kind, lines + 1)


@pytest.mark.parametrize(
    "path",
    [
        *(".env", "a/.env", ".env.production", "prod.env", "server.pem", "a/tls.key", "id_rsa"),
        *(".netrc", ".npmrc", "credentials", "credentials.json", "Secrets.yaml", "x.p12"),
        *(".ssh/config", ".aws/anything", "client_secret_1.json", "terraform.tfstate"),
    ],
)
def test_files_made_for_secrets_are_known_by_name(path: str) -> None:
    assert may_hold_secrets(path)


@pytest.mark.parametrize(
    "path", ["etl.py", "secrets.py", "credentials.py", ".env.example", "keys.txt", "id_rsa.pub"]
)
def test_other_files_are_judged_by_their_content(path: str) -> None:
    assert not may_hold_secrets(path)
