"""A recording's files come onto this machine, under names of ours, each with its sha256; only here is a foreign address opened.

A local file is linked or copied, `s3://` goes through the store, `https://` only to hosts allowed by name: its address is looked up
once, every answer must be a public one, and the connection goes to that very address. The source itself is never changed.
"""

import contextlib
import errno
import functools
import ipaddress
import os
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import httpx

from pipeline.child import Report, quiet
from pipeline.errors import Broken, Hindered, Refused
from pipeline.models import Fetched, MadeFile, Recording, SourceFile
from pipeline.stores import Store, open_store
from workers.places import Places, host_of, is_bucket_address, path_of
from workers.rooms import Root
from workers.scratch import must_have_room
from workers.sections import LimitSettings
from workers.settings import Settings

REDIRECTS = 3
# Room for the source, its decoded speech and the renditions.
FREE_FACTOR = 3
PICTURE_BYTES = 5 << 20
TIMEOUT = httpx.Timeout(30.0, connect=10.0)


def fetch(recording: Recording, root: Root, *, scratch: Path, settings: Settings, report: Report = quiet) -> tuple[Fetched, ...]:
    """The recording's files as bytes in `scratch`, in their order; what is there from an earlier try is not fetched again.

    Errors: `Refused` for a place that may not be read, a wrong sha256, too many bytes; `Broken` for what may still come.
    """
    limits = settings.limits
    if len(recording.files) > limits.tracks:
        raise Refused(f"{len(recording.files)} files are too many; limits.tracks allows {limits.tracks}", code="too_many_files")
    folder = scratch / "source"
    folder.mkdir(parents=True, exist_ok=True)
    bucket = _buckets(settings)
    sources = tuple(_source(root, file, settings, bucket) for file in recording.files)
    sizes = tuple(source.size_bytes() for source in sources)
    _check_size(sum(sizes), limits)
    _check_room(folder, sum(sizes), limits.free_bytes)
    fetched: list[Fetched] = []
    for n, (file, source) in enumerate(zip(recording.files, sources, strict=True)):
        made = _brought(source, folder / f"{n:03}", limits.fetch_bytes - sum(f.file.size_bytes for f in fetched))
        fetched.append(Fetched(source=file, file=_checked(made, file)))
        report((n + 1) / len(sources))
    return tuple(fetched)


def fetch_picture(path: str, root: Root, *, to: Path, most_s: float, settings: Settings) -> MadeFile:
    """A picture that the recording names, as it came. Errors: `Refused` for a place that may not be read and for more than 5 MB,
    `Broken` for what may still come."""
    source = _source(root, SourceFile(path=path), settings, _buckets(settings))
    if isinstance(source, WebSource):
        source = replace(source, most_s=min(most_s, source.most_s))
    if (size_bytes := source.size_bytes()) > PICTURE_BYTES:
        raise Refused(f"{path} has {size_bytes:,} bytes; a picture may have {PICTURE_BYTES:,}", code="too_large")
    to.parent.mkdir(parents=True, exist_ok=True)
    return _brought(source, to, PICTURE_BYTES)


def _buckets(settings: Settings) -> Callable[[str], Store]:
    """Buckets by name, each opened once."""
    return functools.cache(lambda name: open_store(f"s3://{name}", endpoint_url=settings.store.endpoint_url))


def _brought(source: "Source", to: Path, most_bytes: int) -> MadeFile:
    if source.comes_from_far and to.exists():
        return MadeFile.of(to)
    part = to.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        source.bring(part, most_bytes)
        part.replace(to)
    except OSError as error:
        raise _failed(source.name, part.parent, error) from error
    finally:
        part.unlink(missing_ok=True)
    return MadeFile.of(to)


def _checked(made: MadeFile, file: SourceFile) -> MadeFile:
    if file.sha256 and made.sha256 != file.sha256:
        made.path.unlink()
        told = f"sha256 {made.sha256[:12]}… where the recording says {file.sha256[:12]}…"
        raise Refused(f"{file.path} is not the file that was recorded: {told}; hand the recording in again", code="wrong_checksum")
    return made


def _check_size(size_bytes: int, limits: LimitSettings) -> None:
    if size_bytes > limits.fetch_bytes:
        figures = f"{size_bytes:,} bytes of recording; limits.fetch_bytes allows {limits.fetch_bytes:,}"
        raise Refused(f"the recording is too large: {figures}", code="too_large")


def _check_room(folder: Path, size_bytes: int, floor_bytes: int) -> None:
    """What the recording needs in all, less what of it lies here already."""
    here_bytes = sum(path.stat().st_size for path in folder.iterdir())
    must_have_room(folder, floor_bytes, max(0, FREE_FACTOR * size_bytes - here_bytes))


def _failed(name: str, folder: Path, error: OSError) -> Broken:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        free_bytes = shutil.disk_usage(folder).free
        return Hindered(
            f"{name} does not fit into {folder}, {free_bytes:,} bytes are free; make room or move data_dir", code="disk_full"
        )
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return Broken(f"{name} is not there (yet); it is looked for again", code="missing")
    return Broken(f"{name} cannot be read: {error.strerror}", code="unreadable")


# ---- where a file is


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSource:
    """A file of this machine; cheap to bring again, so that it is always the present one."""

    name: str
    path: Path
    comes_from_far = False

    def size_bytes(self) -> int:
        try:
            found = self.path.stat()
        except OSError as error:
            raise _failed(self.name, self.path.parent, error) from error
        if not stat.S_ISREG(found.st_mode):
            raise Refused(f"{self.name} is no file", code="bad_path")
        return found.st_size

    def bring(self, part: Path, most_bytes: int) -> None:  # noqa: ARG002 - its size was checked
        try:
            os.link(self.path, part, follow_symlinks=False)
        except OSError:  # another disk, or a file of somebody else
            shutil.copyfile(self.path, part, follow_symlinks=False)
        if not stat.S_ISREG(part.lstat().st_mode):  # exchanged since we looked, for one that may never end
            raise Refused(f"{self.name} is no file", code="bad_path")


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSource:
    """An object of an S3 bucket, read with our credentials."""

    name: str
    store: Store
    key: str
    comes_from_far = True

    def size_bytes(self) -> int:
        found = self.store.stat(self.key)
        if found is None:
            raise Broken(f"{self.name} is not there (yet); it is looked for again", code="missing")
        return found.size_bytes

    def bring(self, part: Path, most_bytes: int) -> None:  # noqa: ARG002 - its size was checked
        self.store.download(self.key, part)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSource:
    """A file behind an https address; how large it is turns out on the way."""

    name: str
    places: Places
    most_s: float
    floor_bytes: int
    comes_from_far = True

    def size_bytes(self) -> int:
        return 0

    def bring(self, part: Path, most_bytes: int) -> None:
        download(self.name, part, places=self.places, most_bytes=most_bytes, most_s=self.most_s, floor_bytes=self.floor_bytes)


Source = LocalSource | BucketSource | WebSource


def lies_here(root: Root, file: SourceFile) -> bool:
    """Whether the file is one of this machine, where whoever recorded it keeps it."""
    return _address(root, file).startswith("file://")


def _address(root: Root, file: SourceFile) -> str:
    return file.path if "://" in file.path else f"{root}/{file.path}"


def _source(root: Root, file: SourceFile, settings: Settings, bucket: Callable[[str], Store]) -> Source:
    address = _address(root, file)
    if is_bucket_address(address):
        name, _, key = address.removeprefix("s3://").partition("/")
        return BucketSource(name=address, store=bucket(name), key=key)
    if address.startswith("file://"):
        return LocalSource(name=file.path, path=_inside(root, file))
    places = Places.of(settings.hooks.roots, settings.hooks.allowed_hosts)
    name = file.path if "://" in file.path else f"{root}/{quote(file.path)}"
    limits = settings.limits
    return WebSource(name=name, places=places, most_s=limits.fetch_s, floor_bytes=limits.free_bytes)


def _inside(root: Root, file: SourceFile) -> Path:
    """The real path of the file, which lies below the root also when links are followed, where they lead anywhere."""
    folder = path_of(root)
    path = path_of(file.path) if "://" in file.path else folder and Path(os.path.realpath(folder / file.path))
    if folder is None or path is None or not path.is_relative_to(folder):
        raise Refused(f"{file.path} lies outside of the recording's folder", code="bad_path")
    return path


# ---- over https


def download(address: str, to: Path, *, places: Places, most_bytes: int, most_s: float, floor_bytes: int = 0) -> None:
    """Write what lies behind the address into a file. Errors: `Refused` for a forbidden place or too many bytes, `Broken` else."""
    ends_at = time.monotonic() + most_s
    with httpx.Client(follow_redirects=False, trust_env=False, verify=httpx.create_ssl_context(), timeout=TIMEOUT) as client:
        try:
            for _ in range(REDIRECTS + 1):
                with _asked(client, address, places) as response:
                    if not response.has_redirect_location:
                        told_bytes = _check_answer(response, address, most_bytes)
                        must_have_room(to.parent, floor_bytes, FREE_FACTOR * told_bytes)
                        _write(response, to, address, most_bytes, ends_at)
                        return
                    address = str(httpx.URL(address).join(response.headers["location"]))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Broken(f"{_plain(address)} cannot be fetched: {error or type(error).__name__}", code="unreachable") from error
    raise Refused(f"{_plain(address)} is behind more than {REDIRECTS} redirects", code="bad_address")


@contextlib.contextmanager
def _asked(client: httpx.Client, address: str, places: Places) -> Iterator[httpx.Response]:
    """The answer of the one address that the host's name was found to have; its certificate must still name the host."""
    host = host_of(address)
    if host not in places.hosts:
        raise Refused(f"{_plain(address)} may not be read; only https and the hosts in hooks.allowed_hosts may", code="bad_address")
    name, _, port = host.rpartition(":")
    target = httpx.URL(address).copy_with(host=_address_of(name, int(port), inside=places.hosts[host]), fragment=None)
    headers = {"Host": httpx.URL(address).netloc.decode(), "Accept-Encoding": "identity", "User-Agent": "Aircheck"}
    with client.stream("GET", target, headers=headers, extensions={"sni_hostname": name}) as response:
        yield response


def _address_of(name: str, port: int, *, inside: bool) -> str:
    """The host's first address; all of them must be public ones unless the host may be inside our own network."""
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Broken(f"{name} has no address: {error.strerror}", code="unreachable") from error
    addresses = [str(entry[4][0]) for entry in found]
    private = next((address for address in addresses if not is_public(address)), None)
    if private and not inside:
        raise Refused(
            f"{name} is {private}, inside a private network; allow it as {name}=private if it is meant", code="bad_address"
        )
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether it is an address of the open internet, also where another one is packed into it."""
    plain = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(plain, ipaddress.IPv6Address):
        packed = [plain.ipv4_mapped, plain.sixtofour, *(plain.teredo or ()), _nat64(plain)]
        if any(inner is not None and not inner.is_global for inner in packed):
            return False
    return plain.is_global and not plain.is_multicast


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    prefixes: Sequence[ipaddress.IPv6Network] = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if any(address in prefix for prefix in prefixes) else None


def _check_answer(response: httpx.Response, address: str, most_bytes: int) -> int:
    """How many bytes it says it has."""
    status = response.status_code
    if status in {404, 408, 409, 410, 425, 429} or status >= 500:
        raise Broken(f"{_plain(address)} answers {status}; it is asked again", code="missing" if status == 404 else "unreachable")
    if status != 200:
        raise Refused(
            f"{_plain(address)} answers {status}; hand the recording in again with an address that may be read", code="denied"
        )
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Refused(
            f"{_plain(address)} is sent in {response.headers['content-encoding']}, which nobody asked for", code="bad_answer"
        )
    told_bytes = int(response.headers.get("content-length", 0))
    if told_bytes > most_bytes:
        raise _too_much(address, most_bytes)
    return told_bytes


def _write(response: httpx.Response, to: Path, address: str, most_bytes: int, ends_at: float) -> None:
    written_bytes = 0
    with to.open("xb") as file:
        for chunk in response.iter_raw():
            written_bytes += len(chunk)
            if written_bytes > most_bytes:
                raise _too_much(address, most_bytes)
            if time.monotonic() > ends_at:
                raise Broken(
                    f"{_plain(address)} takes longer than it may (limits.fetch_s), {written_bytes:,} bytes in", code="too_slow"
                )
            file.write(chunk)


def _too_much(address: str, most_bytes: int) -> Refused:
    return Refused(f"{_plain(address)} has more than the {most_bytes:,} bytes it may have (limits.fetch_bytes)", code="too_large")


def _plain(address: str) -> str:
    """The address without its query, which may hold a signature."""
    return address.partition("?")[0][:200]
