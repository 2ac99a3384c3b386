"""Who holds a lease: a process, named so that a sister on the same machine can tell whether it still lives."""

import functools
import os
import socket
from pathlib import Path


def me() -> str:
    """This process as `host/place/pid/birth`: place is the pid namespace of one boot, birth tells a pid used again."""
    pid = os.getpid()
    return "/".join((socket.gethostname(), _place(), str(pid), _birth(pid)))


def host_and_pid(owner: str) -> tuple[str, str]:
    """The machine and the process of an owner, as people look for them."""
    host, _, rest = owner.partition("/")
    return host, [*rest.split("/"), "", ""][1]


def is_gone(owner: str) -> bool:
    """True only when the owner was a process of this machine and has ended; of others nothing is known."""
    host, place, pid, birth = (owner.split("/") + [""] * 4)[:4]
    if not place or not pid.isdigit() or (host, place) != (socket.gethostname(), _place()):
        return False
    return _birth(int(pid)) != birth


@functools.cache
def _place() -> str:
    """The boot and the pid namespace; "" where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        return f"{boot}-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _birth(pid: int) -> str:
    """Clock ticks from boot to the start of the process; "" when it has ended, even if its parent has not looked yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
