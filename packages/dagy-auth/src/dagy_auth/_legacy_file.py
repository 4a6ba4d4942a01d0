"""The file in which older tools kept an access token and nothing else."""

from __future__ import annotations

from pathlib import Path

from dagy_auth._private_file import damaged, read_private
from dagy_auth._secret import Secret


def read_legacy_token(path: Path) -> Secret | None:
    """Return the token that is all of the file's text; ``None`` when there is no file or text.

    The file is held to the same rules as one of `FileStore`, and is never written.

    Raises:
        CredentialStoreError: When it contains something else, or others can read it.
    """
    text = read_private(path)
    token = text and Secret(text.reveal().strip())
    if token is None or not token.reveal():
        return None
    if any(not "!" <= character <= "~" for character in token.reveal()):
        raise damaged(path)
    return token
