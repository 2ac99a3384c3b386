"""The S3 store in bad weather: whatever the road does, a put stands whole or is told, and no wrong byte is handed on."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bench.trial.proxy import HttpProxy
from bench.trial.weather import FAIR, ROUGH, Weather
from pipeline.errors import Broken, Hindered
from pipeline.stores import Store, open_store, s3

pytest_plugins = ["fakes_s3"]

# no seconds of latency here: what a late answer does is shown below
STORM = Weather(errors=0.2, cut_up=0.05, cut_down=0.05, wrong_up=0.05, wrong_down=0.05, refused=0.03)


@contextmanager
def behind(service: str, bucket: str, weather: Weather, seed: int = 0) -> Iterator[tuple[Store, HttpProxy]]:
    with HttpProxy(urlsplit(service).port or 0, weather, seed=seed) as proxy:
        yield open_store(f"s3://{bucket}", endpoint_url=f"http://127.0.0.1:{proxy.port}"), proxy


@dataclass
class Traffic:
    """Puts, gets and downloads as a day of publishing has them; tells what was meant to stand."""

    store: Store
    folder: Path
    meant: dict[str, bytes] = field(default_factory=dict)
    told: list[Broken] = field(default_factory=list)
    done: int = 0

    def goes_on(self, dice: random.Random, rounds: int) -> None:
        for n in range(rounds):
            key, content = f"show/{n % 4}.mp3", dice.randbytes(dice.choice([700, 200_000]))
            self._do(lambda key=key, content=content: self._put(key, content))
            self._do(lambda key=key: self._check(key, self.store.get(key)))
            self._do(lambda key=key: self._check(key, self._downloaded(key)))

    def _do(self, one: Callable[[], None]) -> None:
        try:
            one()
            self.done += 1
        except Broken as error:
            self.told.append(error)

    def _put(self, key: str, content: bytes) -> None:
        # until it returns nobody knows what lies there
        self.meant.pop(key, None)
        self.store.put(key, content, mime_type="audio/mpeg", cache_control="")
        self.meant[key] = content

    def _check(self, key: str, content: bytes | None) -> None:
        assert key not in self.meant or content == self.meant[key]

    def _downloaded(self, key: str) -> bytes:
        self.store.download(key, self.folder / "back")
        return (self.folder / "back").read_bytes()


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.timeout(900)
def test_in_a_storm_every_put_stands_whole_or_is_told_and_no_wrong_byte_comes_back(
    s3_bucket: str, s3_service: str, tmp_path: Path, seed: int
) -> None:
    with behind(s3_service, s3_bucket, STORM, seed) as (store, proxy):
        traffic = Traffic(store, tmp_path)
        traffic.goes_on(random.Random(seed), 12)
        assert proxy.counts["fair"] < proxy.counts.total()
    bare = open_store(f"s3://{s3_bucket}", endpoint_url=s3_service)
    assert {key: bare.get(key) for key in traffic.meant} == traffic.meant
    assert traffic.done >= 30, traffic.told
    assert all("\n" not in str(error) for error in traffic.told)


def requests_for(service: str, bucket: str, weather: Weather, folder: Path) -> int:
    """How many requests twenty puts, gets and downloads take in that weather."""
    with behind(service, bucket, weather, seed=5) as (store, proxy):
        traffic = Traffic(store, folder)
        traffic.goes_on(random.Random(5), 20)
        assert traffic.done >= 58, traffic.told
        return sum(proxy.counts[method] for method in ("GET", "HEAD", "PUT", "DELETE"))


def test_rough_weather_costs_less_than_three_times_the_requests(s3_bucket: str, s3_service: str, tmp_path: Path) -> None:
    rough = replace(ROUGH, latency_s=0.0)
    in_fair_weather = requests_for(s3_service, s3_bucket, FAIR, tmp_path)
    assert in_fair_weather < requests_for(s3_service, s3_bucket, rough, tmp_path) <= 3 * in_fair_weather


def test_a_large_file_gets_through_rough_weather_and_leaves_no_part_behind(s3_bucket: str, s3_service: str, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(random.Random(1).randbytes(60 << 20))
    with behind(s3_service, s3_bucket, replace(ROUGH, latency_s=0.0), seed=5) as (store, proxy):
        again(lambda: store.put("a.mp3", large, mime_type="audio/mpeg", cache_control=""))
        again(lambda: store.download("a.mp3", tmp_path / "back"))
        assert proxy.counts["fair"] < proxy.counts.total()
    assert (tmp_path / "back").read_bytes() == large.read_bytes()
    assert open_store(f"s3://{s3_bucket}", endpoint_url=s3_service).tidy(0.0) == 0


def again(one: Callable[[], object]) -> None:
    """As a job does that was hindered, a few times."""
    for _ in range(5):
        with suppress(Hindered):
            one()
            return
    one()


def test_a_service_a_second_away_is_no_trouble(s3_bucket: str, s3_service: str) -> None:
    with behind(s3_service, s3_bucket, Weather(latency_s=1.0)) as (store, _):
        store.put("feed.xml", b"<rss/>", mime_type="text/xml", cache_control="")
        assert store.get("feed.xml") == b"<rss/>"


def test_a_service_that_cannot_be_reached_hinders_and_is_there_again_when_it_can(
    s3_bucket: str, s3_service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "ANSWER_S", 0.5)
    monkeypatch.setattr(s3.store, "SOON_S", 1.0)
    with behind(s3_service, s3_bucket, FAIR) as (store, proxy):
        store.put("feed.xml", b"<rss/>", mime_type="text/xml", cache_control="")
        proxy.partition()
        with pytest.raises(Hindered, match="does not answer") as hindered:
            store.put("feed.xml", b"<rss></rss>", mime_type="text/xml", cache_control="")
        assert hindered.value.code == "store_away"
        proxy.heal()
        stat = store.put("feed.xml", b"<rss></rss>", mime_type="text/xml", cache_control="")
        assert store.stat("feed.xml") == stat
