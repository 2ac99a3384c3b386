"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const player = one("#player"), audio = one("audio"), turns = all(".turn"), words = one("#transcript");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const secondOf = (link) => Number(link.hash.slice(3));
  const times = all(".turn > a").map(secondOf);

  // ---- reading: search, and a long transcript folded on small screens

  const paint = (name, ranges) => { if (window.Highlight) CSS.highlights.set(name, new Highlight(...ranges)); };
  const rangeOf = ({ node, start, end }) => {
    const range = new Range();
    range.setStart(node, start);
    range.setEnd(node, end);
    return range;
  };
  const fold = () => {
    const text = one(".text");
    if (!text || !matchMedia("(max-width: 720px)").matches || text.offsetHeight < 1600) return () => {};
    const top = text.getBoundingClientRect().top;
    const rest = [...text.children].filter((part) => part.getBoundingClientRect().top - top > 1180);
    const button = Object.assign(document.createElement("button"), { className: "more-words", textContent: "Read the whole transcript" });
    const unfold = () => { rest.splice(0).forEach((part) => part.removeAttribute("hidden")); button.remove(); };
    rest.forEach((part) => { part.setAttribute("hidden", "until-found"); part.addEventListener("beforematch", unfold); });
    button.addEventListener("click", unfold);
    text.after(button);
    return unfold;
  };
  const unfold = fold();

  const search = one(".search");
  if (search) {
    const input = one("input", search), said = one("output", search), steps = all("button", search);
    let hits = [], at = -1;
    const places = (needle) => turns.flatMap((turn) => {
      const node = turn.lastChild.firstChild, text = node.data.toLowerCase(), found = [];
      for (let i = text.indexOf(needle); i >= 0; i = text.indexOf(needle, i + needle.length)) {
        found.push(rangeOf({ node, start: i, end: Math.min(i + needle.length, node.length) }));
      }
      return found;
    });
    const show = () => {
      said.textContent = !input.value.trim() ? "" : hits.length ? `${at + 1} of ${hits.length}` : "Not said";
      steps.forEach((button) => { button.hidden = !hits.length; });
      paint("found", hits);
      paint("hit", at < 0 ? [] : [hits[at]]);
      if (at >= 0) scrollTo({ top: scrollY + hits[at].getBoundingClientRect().top - innerHeight / 3, behavior: calm ? "auto" : "smooth" });
    };
    const step = (by) => { if (hits.length) { at = (at + by + hits.length) % hits.length; follow = false; show(); } };
    input.addEventListener("input", () => {
      const needle = input.value.trim().toLowerCase();
      if (needle.length > 1) unfold();
      hits = needle.length > 1 ? places(needle) : [];
      at = hits.length ? 0 : -1;
      follow = false;
      show();
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
      if (event.key === "Escape") { input.value = ""; input.dispatchEvent(new Event("input")); input.blur(); }
    });
    steps.forEach((button) => button.addEventListener("click", () => step(Number(button.dataset.step))));
  }

  const copied = (button, text) => {
    const before = button.innerHTML;
    navigator.clipboard?.writeText(text).then(() => {
      button.textContent = "Copied";
      setTimeout(() => { button.innerHTML = before; tell(); }, 1600);
    });
  };
  all(".copy").forEach((button) => button.addEventListener("click", () => copied(button, button.dataset.copy)));
  let follow = true, tell = () => {};

  const side = one(".side");
  const settle = () => side.style.setProperty("--side", `${Math.min(32, innerHeight - side.offsetHeight - 96)}px`);
  new ResizeObserver(settle).observe(side);
  addEventListener("resize", settle);

  if (!player) return;

  // ---- time: the one clock, and the one scale between seconds and places

  audio.controls = false;
  const duration = Number(player.dataset.duration);
  const range = one("input[type=range]"), strip = one(".strip"), dock = one(".dock"), now = one(".tonow"), hover = one(".hover");
  const chapters = all(".chapters a").map((link) => ({ link, at: secondOf(link), title: one("span", link).textContent }));
  const labels = all(".labels li");
  const written = (s) => {
    s = Math.floor(Math.max(s, 0) + 1e-6);
    const two = (n) => String(n).padStart(2, "0"), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
    return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
  };
  const last = (list, s) => { let n = -1; while (n + 1 < list.length && list[n + 1] <= s) n++; return n; };
  const fit = (s) => Math.min(Math.max(s, 0), duration);
  const scale = () => {
    const drawn = all("svg[data-knots]", strip).find((svg) => svg.getClientRects().length);
    const flat = drawn ? drawn.dataset.knots.split(" ").map(Number) : [0, duration, 0, 1], sections = [];
    while (flat.length) sections.push(flat.splice(0, 4));
    return sections;
  };
  const placeOf = (s) => {
    const [from, to, left, right] = scale().findLast((section) => section[0] <= s) ?? [0, duration, 0, 1];
    return left + Math.min(Math.max((s - from) / (to - from), 0), 1) * (right - left);
  };
  const secondAt = (place) => {
    const [from, to, left, right] = scale().find((section) => place < section[3]) ?? [0, duration, 0, 1];
    return from + Math.min(Math.max((place - left) / (right - left), 0), 1) * (to - from);
  };

  // ---- the state, and what shows it

  const key = `aircheck:${player.dataset.guid}`;
  const kept = (name, value) => {
    try {
      if (value === undefined) return localStorage.getItem(name);
      if (value === null) localStorage.removeItem(name); else localStorage.setItem(name, value);
    } catch { /* a browser that keeps nothing still plays */ }
    return null;
  };
  const asked = (new URLSearchParams(location.search).get("t") ?? "").split(",").map((part) => {
    const [, h, m, s] = /^(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s?)?$/.exec(part) ?? [];
    return (h || 0) * 3600 + (m || 0) * 60 + Number(s || 0);
  });
  let wanted = fit(asked[0] || Number(kept(key)) || 0), until = asked[1] > asked[0] ? asked[1] : Infinity;
  let turn = -1, shown, started = wanted > 0;
  const at = () => (audio.readyState ? audio.currentTime : wanted);

  tell = () => {
    const s = at(), chapter = last(chapters.map((c) => c.at), s + 0.05), title = chapters[chapter]?.title ?? "";
    player.classList.toggle("started", started);
    document.body.classList.toggle("playing", !audio.paused);
    all(".now").forEach((place) => { place.textContent = written(s); });
    all(".here").forEach((place) => { place.textContent = title; });
    strip.style.setProperty("--p", placeOf(s));
    dock.style.setProperty("--done", s / duration);
    range.value = s;
    range.setAttribute("aria-valuetext", `${written(s)} of ${written(duration)}${title ? `, chapter ${chapter + 1}, ${title}` : ""}`);
    all(".play").forEach((button) => button.setAttribute("aria-label", audio.paused ? "Play" : "Pause"));
    chapters.forEach(({ link }, n) => { link.classList.toggle("on", started && n === chapter); if (n === chapter && started) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current"); });
    labels.forEach((label) => label.classList.toggle("on", started && label.textContent === title && title !== ""));
    if (started) read(s);
  };
  const read = (s) => {
    const next = last(times, s + 0.05);
    if (next !== turn) {
      turns[turn]?.classList.remove("on");
      turns[next]?.classList.add("on");
      turn = next;
      if (turns[turn]) dock.style.setProperty("--voice", getComputedStyle(turns[turn]).getPropertyValue("--b"));
      if (follow && !audio.paused && dock.classList.contains("up")) goToNow();
    }
    const word = wordAt(s);
    if (word !== shown) paint("now", word ? [rangeOf(word)] : []);
    shown = word;
    offerNow();
  };
  const inView = (part) => { const box = part.getBoundingClientRect(); return box.bottom > 0 && box.top < innerHeight - 64; };
  const goToNow = () => {
    if (turns[turn]?.hidden) unfold();
    turns[turn]?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  };
  const offerNow = () => {
    const part = turns[turn];
    now.hidden = !(part && !follow && !audio.paused && dock.classList.contains("up") && inView(words) && !inView(part));
  };

  // ---- word by word: starts travel as letters (pages/turns.py), ranges are made where they are needed

  const LETTERS = Array.from({ length: 92 }, (_, n) => String.fromCharCode(35 + n)).filter((c) => !"\\<&'\"".includes(c)).join("");
  const beats = one("#beats")?.textContent.split("\n") ?? [];
  const made = new Map();
  const wordsOf = (n) => {
    if (made.has(n)) return made.get(n);
    const node = turns[n].lastChild.firstChild, parts = [...node.data.matchAll(/\S+/g)], full = LETTERS.length - 1;
    let s = times[n], word = 0;
    const out = [];
    for (const letter of beats[n] ?? "") {
      const steps = LETTERS.indexOf(letter);
      s += steps / 10;
      if (steps === full) continue;
      if (parts[word]) out.push({ at: s, start: parts[word].index, end: parts[word].index + parts[word][0].length, node });
      word++;
    }
    made.set(n, out);
    return out;
  };
  const wordAt = (s) => {
    const list = turns[turn] ? wordsOf(turn) : [];
    return list[Math.max(last(list.map((word) => word.at), s + 0.02), 0)];
  };

  // ---- moving

  const seek = (s) => {
    wanted = fit(s);
    started = true;
    if (wanted < asked[0] || wanted >= until) until = Infinity;
    audio.currentTime = wanted;
    tell();
  };
  const play = () => audio.play().catch((error) => { if (error.name !== "AbortError") failed(); });
  const failed = () => {
    const place = one(".problem");
    place.textContent = "The sound could not be loaded. Check the connection and press play again.";
    place.hidden = false;
  };
  const toggle = () => { if (audio.paused) play(); else audio.pause(); };
  const chapterStep = (by) => {
    const n = last(chapters.map((c) => c.at), at() + 0.05), back = by < 0 && at() - (chapters[n]?.at ?? 0) > 3;
    const next = chapters[back ? n : n + by];
    if (next) seek(next.at); else if (by < 0) seek(0);
  };
  all(".play").forEach((button) => button.addEventListener("click", toggle));
  all("[data-skip]").forEach((button) => button.addEventListener("click", () => seek(at() + Number(button.dataset.skip))));
  all(".turn > a, .chapters a, .labels a, .part .at").forEach((link) => {
    const s = secondOf(link);
    link.href = `?t=${Math.floor(s)}`;
    link.addEventListener("click", (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      follow = true;
      seek(s);
      play();
    });
  });
  const speed = one(".speed");
  speed.value = kept("aircheck:speed") ?? "1";
  if (!speed.value) speed.value = "1";
  speed.addEventListener("change", () => { audio.playbackRate = Number(speed.value); kept("aircheck:speed", speed.value); });
  one(".share").addEventListener("click", (event) => {
    const url = new URL(one("link[rel=canonical]").href);
    url.searchParams.set("t", Math.floor(at()));
    copied(event.currentTarget, url.href);
  });

  const pointed = (event) => { const box = strip.getBoundingClientRect(); return secondAt((event.clientX - box.left) / box.width); };
  strip.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    strip.setPointerCapture(event.pointerId);
    seek(pointed(event));
  });
  strip.addEventListener("pointermove", (event) => {
    const s = pointed(event), chapter = chapters[last(chapters.map((c) => c.at), s + 0.05)];
    if (strip.hasPointerCapture(event.pointerId)) seek(s);
    hover.hidden = event.pointerType === "touch";
    hover.textContent = written(s) + (chapter ? ` · ${chapter.title}` : "");
    const box = strip.getBoundingClientRect(), half = hover.offsetWidth / 2;
    hover.style.left = `${Math.min(Math.max(event.clientX - box.left, half), box.width - half)}px`;
  });
  strip.addEventListener("pointerleave", () => { hover.hidden = true; });
  range.addEventListener("input", () => seek(Number(range.value)));
  range.addEventListener("keydown", (event) => {
    const by = { PageUp: 1, PageDown: -1 }[event.key];
    if (by) { event.preventDefault(); chapterStep(by); }
  });
  addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.target.closest("input:not([type=range]), select, textarea")) return;
    const pressed = event.key.toLowerCase(), onControl = event.target.closest("a, button");
    if (pressed === "k" || (pressed === " " && !onControl)) toggle();
    else if (pressed === "j") seek(at() - 15);
    else if (pressed === "l") seek(at() + 30);
    else if (pressed === "/" && search) one("input", search).focus();
    else return;
    event.preventDefault();
  });

  // ---- what the sound says

  audio.addEventListener("loadedmetadata", () => { audio.playbackRate = Number(speed.value); if (Math.abs(audio.currentTime - wanted) > 1) audio.currentTime = wanted; });
  audio.addEventListener("timeupdate", () => {
    if (audio.currentTime >= until) { audio.pause(); until = Infinity; }
    tell();
    keep(5);
  });
  let keptAt = 0;
  const keep = (every) => {
    if (Math.abs(at() - keptAt) < every) return;
    keptAt = at();
    kept(key, at() > 10 && at() < duration - 10 ? Math.floor(at()) : null);
  };
  let frame = 0;
  const beat = () => { if (turn >= 0) read(at()); frame = requestAnimationFrame(beat); };
  audio.addEventListener("play", () => { started = true; one(".problem").hidden = true; cancelAnimationFrame(frame); if (beats.length) beat(); tell(); announce(); });
  audio.addEventListener("pause", () => { cancelAnimationFrame(frame); keep(0); tell(); });
  audio.addEventListener("seeked", tell);
  audio.lastElementChild.addEventListener("error", failed);
  audio.addEventListener("error", failed);
  const announce = () => {
    if (!navigator.mediaSession) return;
    navigator.mediaSession.metadata = new MediaMetadata({
      title: player.dataset.title, artist: player.dataset.show, artwork: [{ src: "cover.jpg", sizes: "1400x1400", type: "image/jpeg" }],
    });
    const keys = {
      play, pause: () => audio.pause(), seekbackward: () => seek(at() - 15), seekforward: () => seek(at() + 30),
      seekto: (event) => seek(event.seekTime), previoustrack: () => chapterStep(-1), nexttrack: () => chapterStep(1),
    };
    for (const [name, act] of Object.entries(keys)) navigator.mediaSession.setActionHandler(name, act);
  };

  // ---- the dock, and leaving the reader alone

  new IntersectionObserver(([seen]) => {
    const up = !seen.isIntersecting && seen.boundingClientRect.top < innerHeight / 2;
    dock.classList.toggle("up", up);
    dock.inert = !up;
    offerNow();
  }).observe(one(".transport"));
  const leaves = () => { if (dock.classList.contains("up")) { follow = false; offerNow(); } };
  addEventListener("wheel", leaves, { passive: true });
  addEventListener("touchmove", leaves, { passive: true });
  addEventListener("keydown", (event) => { if (["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"].includes(event.key) && event.target !== range) leaves(); });
  now.addEventListener("click", () => { follow = true; goToNow(); offerNow(); });
  addEventListener("resize", () => tell());
  if (started) audio.currentTime = wanted;
  tell();
})();
