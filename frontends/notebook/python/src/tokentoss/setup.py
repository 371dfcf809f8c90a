"""Installs the OAuth client to sign in with."""

from __future__ import annotations

from pathlib import Path

from ._session import open_session

__all__ = ["configure", "configure_from_credentials", "configure_from_file", "get_config_path"]


def get_config_path() -> Path:
    """Returns where the OAuth client of the profile is, or would be: client_secrets.json."""
    return Path(open_session().opened()["client_file"])


def configure(
    client_id: str | None = None,
    client_secret: str | None = None,
    path: str | Path | None = None,
    project_id: str | None = None,
) -> Path:
    """Installs an OAuth client of the type "Desktop app".

    A secret that is written in a cell is saved with the notebook; ConfigureWidget asks for it without that.

    Parameters
    ----------
    client_id, client_secret
        The client, or
    path
        the client_secrets.json that Google's console gives.
    project_id
        The client's project, which is written into the file and is used for nothing else.

    Returns
    -------
    Path
        The file that the client is in now, in the form that Google's own libraries read, such as
        google_auth_oauthlib's InstalledAppFlow.from_client_secrets_file().

    Raises
    ------
    ValueError
        Neither was given, or what was given is not an OAuth client; ConfigurationError is one.
    FileNotFoundError
        There is no such file.
    StorageError
        The configuration directory cannot be written.
    """
    if path is not None:
        return configure_from_file(path)
    if client_id is not None and client_secret is not None:
        return configure_from_credentials(client_id, client_secret, project_id=project_id)
    raise ValueError("Provide either client_id and client_secret, or path to a client_secrets.json file.")


def configure_from_credentials(client_id: str, client_secret: str, project_id: str | None = None) -> Path:
    """Installs the OAuth client that has this ID and secret; as configure()."""
    if not client_id or not client_id.strip():
        raise ValueError("client_id cannot be empty")
    if not client_secret or not client_secret.strip():
        raise ValueError("client_secret cannot be empty")
    params = {"client_id": client_id.strip(), "client_secret": client_secret.strip()}
    if project_id and project_id.strip():
        params["project_id"] = project_id.strip()
    return open_session().configure(params)


def configure_from_file(source_path: str | Path) -> Path:
    """Installs the OAuth client of a client_secrets.json; as configure()."""
    path = Path(source_path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"Client secrets file not found: {path}")
    return open_session().configure({"file": str(path.absolute())})
