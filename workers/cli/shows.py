"""`aircheck show …`: make shows, list them, change what fills the silence of their rooms."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workers.cli import console

if TYPE_CHECKING:
    from workers.house import House

show = typer.Typer(help="Make, list and change shows.", no_args_is_help=True, rich_markup_mode=None)

Title = Annotated[str, typer.Option(help="The name people see; default: the slug in words.")]
Author = Annotated[str, typer.Option(help="Who makes it, for podcast apps.")]
Email = Annotated[str, typer.Option("--owner-email", help="Where directories write to; needed for podcast:locked.")]
Describe = Annotated[str, typer.Option("--description", help="A few sentences about the show.")]
Language = Annotated[str, typer.Option(help="BCP 47, such as en or pt-BR.")]
Category = Annotated[str, typer.Option(help="A category of Apple's list, such as 'Society & Culture'.")]
Access = Annotated[str, typer.Option(help="public, unlisted, members or private.")]
Consent = Annotated[str, typer.Option(help="notice (the host has told the room) or required (each speaker's own yes).")]
Distribution = Annotated[str, typer.Option(help="auto, review, timer or none: what happens to a finished episode.")]
Drafts = Annotated[str, typer.Option(help="private or public: whether draft words may be published, labelled.")]
Level = Annotated[str | None, typer.Option(help="even, natural, broadcast or original: how much voices are evened out.")]
TargetLufs = Annotated[float | None, typer.Option(min=-31, max=-9, help="Loudness of its episodes, EBU R128.")]
Denoise = Annotated[bool | None, typer.Option("--denoise/--no-denoise", help="Take steady noise out of every voice.")]
Trim = Annotated[bool | None, typer.Option("--trim/--no-trim", help="Cut dead air before the first word and after the last.")]
ShortenPauses = Annotated[bool | None, typer.Option("--shorten-pauses/--no-shorten-pauses", help="Shorten long pauses.")]
OriginalsDays = Annotated[
    int | None, typer.Option(min=0, help="Days that a recording fetched from elsewhere is kept as it came; 0: not at all.")
]
Voices = Annotated[bool | None, typer.Option("--voices/--no-voices", help="Keep each voice as a file of its own, in private.")]
KeepMaster = Annotated[bool | None, typer.Option("--keep-master/--no-keep-master", help="Keep a lossless master, in private.")]
Json = Annotated[bool, console.JSON]

ALLOWED = {
    "access": ("public", "unlisted", "members", "private"),
    "consent": ("notice", "required"),
    "distribution": ("auto", "review", "timer", "none"),
    "drafts": ("private", "public"),
    "level": ("even", "natural", "broadcast", "original"),
}


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.add_typer(show, name="show")


@show.command("add", epilog="Example: aircheck show add tuesday --title 'The Tuesday Room' --owner-email me@example.org")
def add(
    slug: Annotated[str, typer.Argument(help="Its part of every address: small letters, digits, dashes.")],
    title: Title = "", author: Author = "", owner_email: Email = "", description: Describe = "", language: Language = "en",
    category: Category = "Society & Culture", access: Access = "public", consent: Consent = "notice",
    distribution: Distribution = "auto", drafts: Drafts = "", level: Level = None, target_lufs: TargetLufs = None,
    denoise: Denoise = None, trim: Trim = None, shorten_pauses: ShortenPauses = None,
    originals_days: OriginalsDays = None, keep_master: KeepMaster = None, voices: Voices = None, as_json: Json = False,
) -> None:  # fmt: skip
    """Make a show. A name is enough; of its sound, what is not named is as the installation's settings `audio` say."""
    from feeds.catalogue import add_show
    from workers.ledger import feed_changed
    from workers.publishing import publish_due
    from workers.wiring import open_house

    fields = {
        "title": title, "author": author, "owner_email": owner_email, "description": description, "language": language,
        "category": _category(category), "access": access, "consent": consent, "distribution": distribution,
    }  # fmt: skip
    audio = _audio(
        level=level, target_lufs=target_lufs, denoise=denoise, trim=trim, shorten_pauses=shorten_pauses,
        originals_days=originals_days, keep_master=keep_master, voices=voices,
    )  # fmt: skip
    with open_house() as house:
        fields["drafts"] = drafts or house.settings.speech.drafts
        _check(fields)
        with house.database.begin() as session:
            made = add_show(session, slug, house.site.public_url, **fields, audio=audio)
            bells = feed_changed(session, made.id)
        publish_due(house, bells)
        feed_url = house.address(f"{made.slug}/feed.xml")
    if as_json:
        console.data({"slug": made.slug, "guid": made.guid, "title": made.title, "feed_url": feed_url})
    else:
        console.out(f"made {made.title}: {feed_url}")


@show.command("edit", epilog="Example: aircheck show edit tuesday --title 'Tuesdays' --drafts public")
def edit(
    slug: Annotated[str, typer.Argument(help="The show.")],
    title: Annotated[str | None, typer.Option()] = None, author: Annotated[str | None, typer.Option()] = None,
    owner_email: Annotated[str | None, typer.Option()] = None, description: Annotated[str | None, typer.Option()] = None,
    language: Annotated[str | None, typer.Option()] = None, category: Annotated[str | None, typer.Option()] = None,
    access: Annotated[str | None, typer.Option()] = None, consent: Annotated[str | None, typer.Option()] = None,
    distribution: Annotated[str | None, typer.Option()] = None, drafts: Annotated[str | None, typer.Option()] = None,
    level: Level = None, target_lufs: TargetLufs = None, denoise: Denoise = None, trim: Trim = None,
    shorten_pauses: ShortenPauses = None, originals_days: OriginalsDays = None, keep_master: KeepMaster = None,
    voices: Voices = None,
    intro: Annotated[Path | None, typer.Option(help="Music before the room, a minute at most.", dir_okay=False)] = None,
    outro: Annotated[Path | None, typer.Option(help="Music after it, a minute at most.", dir_okay=False)] = None,
    bed: Annotated[Path | None, typer.Option(help="Music under it, three minutes at most; it is repeated.", dir_okay=False)] = None,
    no_intro: Annotated[bool, typer.Option("--no-intro", help="No intro again.")] = False,
    no_outro: Annotated[bool, typer.Option("--no-outro", help="No outro again.")] = False,
    no_bed: Annotated[bool, typer.Option("--no-bed", help="No bed again.")] = False,
    plain_sound: Annotated[
        bool, typer.Option("--plain-sound", help="Of its sound, whatever is not named here is as the installation says again.")
    ] = False,
) -> None:  # fmt: skip
    """Change a show; what is not named stays. The options are those of `show add`.

    Another sound is that of rooms from now on, and of episodes that are edited.
    """
    from feeds.catalogue import ShowAudio
    from workers.changing import change_show
    from workers.cli.edits import made
    from workers.publishing import publish_due
    from workers.wiring import open_house

    named = {"title": title, "author": author, "owner_email": owner_email, "description": description, "language": language,
             "category": category and _category(category), "access": access, "consent": consent, "distribution": distribution,
             "drafts": drafts}  # fmt: skip
    fields = {key: value for key, value in named.items() if value is not None}
    _check(fields)
    audio = _audio(
        level=level, target_lufs=target_lufs, denoise=denoise, trim=trim, shorten_pauses=shorten_pauses,
        originals_days=originals_days, keep_master=keep_master, voices=voices,
    )  # fmt: skip
    unsaid = dict.fromkeys(field.name for field in dataclasses.fields(ShowAudio)) if plain_sound else {}
    with open_house() as house:
        audio |= {part: None for part, gone in {"intro": no_intro, "outro": no_outro, "bed": no_bed}.items() if gone}
        audio |= _music(house, slug, intro=intro, outro=outro, bed=bed)
        changed = house.database.patiently(lambda session: change_show(session, slug, **fields, audio={**unsaid, **audio}))
        publish_due(house, changed.bells)
        for episode in changed.episodes:
            made(house, episode)
    what = [*fields, *audio, *(["sound"] if plain_sound else [])]
    console.out(f"changed {', '.join(what) or 'nothing'} of {slug}")


@show.command("list", epilog="Example: aircheck show list --json")
def list_(as_json: Json = False) -> None:
    """List all shows with their feeds."""
    from feeds.catalogue import episodes, json_of, shows
    from workers.wiring import open_house

    with open_house() as house, house.database.read() as session:
        rows = [
            {"slug": s.slug, "title": s.title, "access": s.access, "episodes": len(episodes(session, s.slug)),
             "feed_url": house.address(f"{s.slug}/feed.xml"), "audio": json_of(s.audio)}
            for s in shows(session)
        ]  # fmt: skip
    if as_json:
        console.data({"shows": rows})
        return
    if not rows:
        console.err("no shows yet; make one: aircheck show add NAME")
    columns = {"slug": "show", "title": "title", "access": "access", "episodes": "episodes", "feed_url": "feed"}
    console.table([*columns.values()], [[str(row[key]) for key in columns] for row in rows])


def _audio(**said: object) -> dict[str, object]:
    """What is said of its sound."""
    named = {key: value for key, value in said.items() if value is not None}
    _check({key: value for key, value in named.items() if isinstance(value, str)})
    return named


def _music(house: "House", slug: str, **pieces: Path | None) -> dict[str, object]:
    """The pieces that are given, where the show has them from now on."""
    given = {part: path for part, path in pieces.items() if path}
    if not given:
        return {}
    from workers.show_music import kept

    return {**kept(house, slug, given)}


def _check(fields: dict[str, str]) -> None:
    for key, allowed in ALLOWED.items():
        if key in fields and fields[key] not in allowed:
            raise typer.BadParameter(f"{fields[key]!r} is none of {', '.join(allowed)}", param_hint=f"--{key}")


def _category(wanted: str) -> str:
    from feeds.categories import CATEGORIES, category_of

    if category_of(wanted) is None:
        raise typer.BadParameter(f"Apple knows no category {wanted!r}; it knows {', '.join(CATEGORIES)}", param_hint="--category")
    return wanted
