"""The process that serves the web, with workers beside it or without."""

import contextlib
import gc
import resource
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from importlib.metadata import version
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from feeds.catalogue import find_episode
from feeds.web.app import WebConfig, create_app
from feeds.web.login import new_login
from pipeline.errors import Refused
from pipeline.models import Recording
from workers import ledger
from workers.desk import Desk
from workers.ending import told_to_end
from workers.hooks import HookConfig, hook_router
from workers.house import House
from workers.intake import Accepted, Arrival
from workers.logs import set_up
from workers.reception import Reception
from workers.rooms import Root
from workers.settings import load
from workers.wiring import open_house

GRACE_S = 5
# a burst of rooms is a burst of connections; the system's own limit (net.core.somaxconn) may be lower
CONNECTIONS_WAITING = 4096
log = structlog.get_logger(__name__)


def run(*, host: str, port: int, queues: Sequence[str]) -> None:
    """Serve, and work at those queues in the same process, until SIGTERM or Ctrl-C; running jobs are given back."""
    settings = load()
    set_up(secrets=settings.secrets)
    with told_to_end() as told, open_house(settings) as house, listening(host, port) as door, contextlib.ExitStack() as stack:
        if queues:
            from workers.working import working  # whoever only serves does without the bodies of jobs

            workers = stack.enter_context(working(house, queues))
            _when(told, workers.loop.stop)
        here = f"http://{host}:{door.getsockname()[1]}"
        if "://127.0.0.1" in settings.public_url and settings.public_url != here:
            log.warning(
                "address_differs", feeds_say=settings.public_url, next=f"set public_url to {here}, or where people reach it"
            )
        log.info("serving", url=here, studio=f"{here}/studio/", login="aircheck login", queues=list(queues))
        config = uvicorn.Config(
            app_of(house), access_log=False, log_config=None, server_header=False, timeout_graceful_shutdown=GRACE_S
        )
        server = _Server(config)
        _when(told, server.end)
        gc.freeze()  # what stands by now stays: the collector need not go through it again in every burst
        server.run(sockets=[door])


class _Server(uvicorn.Server):
    """A server that leaves the signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: uvicorn would raise them again when it has ended, and the process die before its jobs are given back."""
        yield

    def end(self) -> None:
        """Answer no more, within `GRACE_S`."""
        self.should_exit = True


def _when(told: threading.Event, do: Callable[[], object]) -> None:
    threading.Thread(target=lambda: told.wait() and do(), daemon=True).start()


def app_of(house: House) -> FastAPI:
    """The web app of that house, with the door for rooms."""
    settings, reception = house.settings, Reception.of(house)

    def take(recording: Recording, root: Root) -> Future[Accepted]:
        return reception.take(Arrival.of(recording, root, provider="hooks"))

    door = hook_router(take, lambda run: status_of(house, run), HookConfig.of(settings))
    config = WebConfig(
        public_url=settings.public_url, secure_cookies=settings.public_url.startswith("https://"), version=version("aircheck")
    )
    return create_app(
        catalogue=house.database.begin, reading=house.database.read, public=house.public, private=house.private,
        work=Desk(house=house), config=config, routers=[door],
    )  # fmt: skip


def status_of(house: House, run_id: str) -> dict[str, Any] | None:
    """What a platform is told of its run, or None."""
    with house.database.read() as session:
        run, episode = ledger.run(session, run_id), find_episode(session, run_id)
    if run is None:
        return None
    running = next((job.progress for job in run.jobs if job.state == "running"), None)
    return {
        "run": run.id, "state": run.state, "reason": run.reason, "stage": running.stage if running else "",
        "share_done": running.share if running else 0.0, "episode": run.episode_guid,
        "audible": bool(episode and episode.renditions), "published": bool(episode and episode.published_at),
        "page": house.address(f"{episode.prefix}index.html") if episode else "",
        "feed": house.address(f"{run.show_slug}/feed.xml") if run.show_slug else "",
    }  # fmt: skip


def login_address(house: House) -> str:
    """An address that opens the studio once."""
    with house.database.begin() as session:
        return f"{house.site.public_url.rstrip('/')}/studio/login/{new_login(session)}"


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens there; port 0 is any free one. Errors: `Refused` where it is taken."""
    _allow_files(2 * CONNECTIONS_WAITING)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((host, port))
        except OSError as error:
            raise Refused(f"cannot listen on {host}:{port}: {error.strerror}; choose another with --port", code="port") from error
        door.listen(CONNECTIONS_WAITING)
        yield door


def _allow_files(count: int) -> None:
    """Let this process have so many open, as far as it may decide that: the usual 1,024 are fewer than a burst has connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
