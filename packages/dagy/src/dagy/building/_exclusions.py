"""What stays out of an archive by its name: junk, and files that hold secrets."""

from __future__ import annotations

from fnmatch import fnmatchcase

_NEVER = frozenset({".git", ".hg", ".svn", ".bzr", "__pycache__"})
_JUNK_DIRECTORIES = frozenset(
    {"build", "dist", "node_modules", "site-packages", "htmlcov", "lost+found"}
)
_JUNK_PATTERNS = ("*.egg-info", "*.pyc", "*.pyo", "*~", "*.swp", "*.swo", "#*#", "Thumbs.db")

_SECRET_NAMES = frozenset(
    (
        *(".env", ".envrc", ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf"),
        *(".htpasswd", ".git-credentials", ".dockercfg", ".vault-token", ".boto", ".s3cfg"),
        *("credentials", "credentials.json", "credentials.sealed.json", "credentials.toml"),
        *("credentials.yaml", "credentials.yml", "application_default_credentials.json"),
        *("secrets", "secrets.json", "secrets.toml", "secrets.yaml", "secrets.yml", "kubeconfig"),
        *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"),
    )
)
_SECRET_PATTERNS = (
    *(
        ".env.*",
        "*.env",
        "*.pem",
        "*.key",
        "*.p8",
        "*.p12",
        "*.pfx",
        "*.ppk",
        "*.jks",
        "*.keystore",
    ),
    *("*.kdbx", "*.asc", "*.gpg", "*.tfstate", "*.tfstate.*", "*.tfvars"),
    *("client_secret*.json", "service-account*.json", "service_account*.json"),
)
_SECRET_DIRECTORIES = frozenset({".ssh", ".aws", ".azure", ".gcloud", ".gnupg", ".kube", ".docker"})
_TEMPLATE_ENDINGS = (".example", ".sample", ".template", ".dist")


def is_never_packed(part: str) -> bool:
    """Tell whether what has this name stays out, even when it is asked for."""
    return part in _NEVER


def is_junk(part: str) -> bool:
    """Tell whether what has this name stays out unless it is asked for by this very name."""
    return (
        part.startswith(".")
        or part in _NEVER
        or part in _JUNK_DIRECTORIES
        or any(fnmatchcase(part, pattern) for pattern in _JUNK_PATTERNS)
    )


def may_hold_secrets(path: str) -> bool:
    """Tell whether files of this name are there to hold secrets."""
    *directories, name = path.lower().split("/")
    if not _SECRET_DIRECTORIES.isdisjoint(directories):
        return True
    if name.endswith((".py", *_TEMPLATE_ENDINGS)):  # of code, only the content tells
        return False
    return name in _SECRET_NAMES or any(fnmatchcase(name, each) for each in _SECRET_PATTERNS)
