"""What the demo prints: links, files, loudness of every voice before and after, words, chapters, seconds by stage."""

from typing import Any

from feeds.catalogue import Episode
from pipeline.clock import written
from pipeline.models import VoiceLevel
from workers import ledger
from workers.cli.console import out
from workers.house import House
from workers.report import report


def tell_listen_now(house: House, run_id: str, took_s: float) -> None:
    """The moment that matters: it plays in any podcast app."""
    show, episode = house.episode_of(run_id)
    out(f"\nlisten now, {took_s:.1f} s after the room ended:")
    out(f"  page   {house.address(f'{episode.prefix}index.html')}")
    out(f"  feed   {house.address(f'{show.slug}/feed.xml')}")
    out(f"  audio  {house.address(f'{episode.prefix}episode.mp3')}\n")


def tell_complete(house: House, run_id: str, took_s: float) -> None:
    """Everything there is to know about the finished episode."""
    _, episode = house.episode_of(run_id)
    with house.database.read() as session:
        run = ledger.run(session, run_id)
    assert run
    told = report(house, run)
    out(f"\ncomplete, {took_s:.1f} s after the room ended: {episode.title}")
    _files(told)
    _voices(episode)
    _words(episode)
    out("\nchapters")
    for chapter in told["chapters"]:
        out(f"  {written(chapter['start_s']):>6}  {chapter['title']:<46} {chapter['source']}  {chapter['url']}")
    out("\nseconds by stage")
    for stage, seconds in told["timings_s"].items():
        out(f"  {stage:<12} {seconds:7.2f}")


def _files(told: dict[str, Any]) -> None:
    out("\nfiles")
    for made in told["renditions"]:
        loudness = f"{made['integrated_lufs']:.1f} LUFS, {made['true_peak_dbtp']:.1f} dBTP"
        out(f"  {made['path']}  {made['size_bytes'] / 1e6:.2f} MB  {written(made['duration_s'])}  {loudness}")
    for document in told["documents"]:
        out(f"  {document['path']}  {document['size_bytes'] / 1e3:.0f} kB")


def _voices(episode: Episode) -> None:
    assert episode.sound
    out("\nloudness of each voice, before and after")
    for voice in episode.sound.voices:
        out(f"  {voice.name:<20} {_lufs(voice.before_lufs)} -> {_lufs(voice.after_lufs)}   {_spoke(voice)}")


def _lufs(value: float | None) -> str:
    return "  silent  " if value is None else f"{value:5.1f} LUFS"


def _spoke(voice: VoiceLevel) -> str:
    return f"spoke {written(voice.speech_s)}"


def _words(episode: Episode) -> None:
    words = episode.words
    if words is None or words.quality == "none":
        out(f"\nno words: {words.why if words else ''}")
        return
    label = " (a draft: this demo's show allows drafts to be seen, labelled)" if words.quality == "draft" else ""
    out(f"\nwords: {words.count} by {words.engine}{label}")
