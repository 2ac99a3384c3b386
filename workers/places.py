"""Which places a platform may name: folders below `hooks.roots`, buckets, and https hosts that are allowed by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from pipeline.errors import Refused
from workers.rooms import Root

HTTPS_PORT = 443


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`hosts` holds `host:port`; True where the host may have an address inside our own network."""

    roots: tuple[Path, ...] = ()
    hosts: Mapping[str, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, roots: Sequence[str], allowed_hosts: Sequence[str]) -> Self:
        """From the settings `hooks.roots` and `hooks.allowed_hosts` (`host`, `host:port`, `host=private`)."""
        hosts = {}
        for entry in allowed_hosts:
            host, _, inside = entry.lower().partition("=")
            if inside not in {"", "private"}:
                raise Refused(f"hooks.allowed_hosts: {entry!r} is not understood; write host, host:port or host=private")
            hosts[host if ":" in host else f"{host}:{HTTPS_PORT}"] = bool(inside)
        return cls(roots=tuple(Path(root).resolve() for root in roots), hosts=hosts)

    def allows(self, address: str) -> bool:
        """Whether that s3 or https address of a file or folder may be named."""
        return is_bucket_address(address) or host_of(address) in self.hosts

    def root(self, named: str) -> Root:
        """The root that a platform named; with "" the only folder of `hooks.roots`."""
        if not named and len(self.roots) == 1:
            return self.roots[0].as_uri()
        if named.startswith(("s3://", "https://")):
            if not self.allows(named):
                raise Refused(f"root {named[:120]!r} may not be read; its host is not in hooks.allowed_hosts", code="bad_root")
            return named.rstrip("/")
        path = path_of(named)
        if path is None or not any(path.is_relative_to(root) for root in self.roots):
            known = ", ".join(map(str, self.roots)) or "none is set"
            raise Refused(f"root {named[:120]!r} is not below a folder of hooks.roots ({known})", code="bad_root")
        return path.as_uri()


def path_of(named: str) -> Path | None:
    """The folder behind `/path` or `file:///path` once links are followed, or None where it is no absolute path."""
    plain = unquote(named.removeprefix("file://"), errors="surrogateescape") if named.startswith("file://") else named
    return Path(plain).resolve() if plain.startswith("/") and "\0" not in plain else None


def is_bucket_address(address: str) -> bool:
    """Whether it reads `s3://bucket/…`."""
    bucket = address.removeprefix("s3://").partition("/")[0]
    return address.startswith("s3://") and bool(bucket) and address.isprintable()


def host_of(address: str) -> str:
    """`host:port` of a plain https address, "" for anything else: with a name or password in it, or another scheme."""
    try:
        parts = urlsplit(address)
        port = parts.port or HTTPS_PORT
    except ValueError:
        return ""
    plain = (
        parts.scheme == "https" and "@" not in parts.netloc and address.isprintable() and " " not in address and "\\" not in address
    )
    return f"{(parts.hostname or '').lower()}:{port}" if plain else ""
