"""What comes in and goes out: the door for rooms, and mail."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import Hindered
from workers.doctor.findings import ANSWER_S, Finding, bad, well, worrying
from workers.settings import Settings


def hooks(settings: Settings) -> Iterator[Finding]:
    """Whether rooms can be handed in."""
    said = settings.hooks
    absent = [root for root in said.roots if not Path(root).is_dir()]
    if absent:
        yield bad("hooks", f"{', '.join(absent)} in hooks.roots is no folder", f"mkdir -p {' '.join(absent)}")
    elif said.secret.get_secret_value():
        yield well("hooks", f"POST /hooks/rooms is open, below {', '.join(said.roots) or 'no folder'}")
    elif said.roots:
        yield worrying("hooks", "POST /hooks/rooms is closed: no hooks.secret is set", "export AIRCHECK_HOOKS__SECRET=…")
    else:
        yield well("hooks", "POST /hooks/rooms is closed: no hooks.secret is set")


def mail(settings: Settings) -> Iterator[Finding]:
    """Whether alarms reach anybody."""
    from workers.mail import connected

    said = settings.mail
    if not said.host and not said.operator:
        yield well("mail", "not used: alarms stand in the log, the metrics and the studio")
    elif not said.host:
        yield worrying("mail", f"nothing reaches {said.operator}: no mail.host is set", "mail.host = your SMTP server")
    else:
        try:
            with connected(said, ANSWER_S) as server:
                server.noop()
        except Hindered as error:
            yield bad("mail", str(error), "start it, or correct mail.host, mail.port, mail.user and mail.password")
            return
        if said.operator:
            yield well("mail", f"{said.host}:{said.port} answers; alarms go to {said.operator}")
        else:
            yield worrying("mail", f"{said.host}:{said.port} answers, and nobody is told of alarms", "mail.operator = your address")
