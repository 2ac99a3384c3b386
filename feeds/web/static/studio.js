// Everything here is a comfort: pages work without it.
"use strict";
const sound = new Audio();
sound.preload = "none";
let playing = ""; // the episode that `sound` holds
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// ---- times in the reader's own zone
const FORMS = {
  day: { day: "numeric", month: "short", year: "numeric" },
  moment: { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" },
};
function localise() {
  for (const time of all("time[data-as]")) {
    time.textContent = new Intl.DateTimeFormat(undefined, FORMS[time.dataset.as]).format(new Date(time.dateTime));
  }
}

// ---- playing
function written(seconds) {
  const s = Math.floor(seconds), two = (n) => String(n).padStart(2, "0");
  return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

// The one way between seconds and places on the strip, round the gaps at chapters: start, end (s), left, right (0 … 1) of each section.
function sections(range) {
  const numbers = (matchMedia("(max-width: 640px)").matches ? range.dataset.narrowKnots : range.dataset.knots).split(" ").map(Number);
  return numbers.flatMap((_, n) => (n % 4 ? [] : [numbers.slice(n, n + 4)]));
}
function placeOf(range, second) {
  const [start, end, left, right] = sections(range).findLast(([start]) => start <= second) ?? [0, 1, 0, 0];
  return left + Math.min((second - start) / (end - start), 1) * (right - left);
}
function secondAt(range, place) {
  const [start, end, left, right] = sections(range).find(([, , , right]) => place < right) ?? sections(range).at(-1);
  return start + Math.min(Math.max((place - left) / (right - left), 0), 1) * (end - start);
}

function paint() {
  for (const button of all("[data-play]")) {
    const on = button.dataset.play === playing && !sound.paused;
    button.classList.toggle("on", on);
    button.setAttribute("role", "button");
    button.setAttribute("aria-label", button.getAttribute("aria-label").replace(/^(Play|Pause)/, on ? "Pause" : "Play"));
  }
  const range = document.querySelector(".seek");
  if (!range) return;
  const now = sound.currentTime || 0;
  const line = document.querySelector(".head-line");
  range.hidden = false;
  line.hidden = !playing;
  line.style.left = `${placeOf(range, now) * 100}%`;
  range.value = now;
  range.setAttribute("aria-valuetext", `${written(now)} of ${written(range.max)}`);
  for (const clock of all("[data-now]")) clock.textContent = written(now);
}

function open(button) {
  if (playing === button.dataset.play) return;
  playing = button.dataset.play;
  sound.src = button.href;
}
function seek(second) {
  const button = document.querySelector(".bench [data-play]");
  if (!button) return;
  open(button);
  sound.currentTime = second;
  paint();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-play]");
  const chapter = event.target.closest("[data-seek]");
  if ((!button && !chapter) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (chapter) {
    seek(Number(chapter.dataset.seek));
    sound.play();
  } else if (button.dataset.play === playing && !sound.paused) {
    sound.pause();
  } else {
    open(button);
    sound.play();
  }
});
document.addEventListener("input", (event) => {
  if (event.target.matches(".seek")) seek(Number(event.target.value));
});
function follow(event) {
  if (!event.target.matches?.(".seek") || !event.buttons) return;
  event.preventDefault(); // the range itself knows nothing of the gaps
  const box = event.target.getBoundingClientRect();
  seek(secondAt(event.target, (event.clientX - box.left) / box.width));
}
document.addEventListener("pointerdown", follow);
document.addEventListener("pointermove", follow);
document.addEventListener("keydown", (event) => {
  if (event.key === " " && event.target.matches?.("[data-play]")) {
    event.preventDefault();
    event.target.click();
  }
});
for (const name of ["play", "pause", "timeupdate", "seeked", "ended"]) sound.addEventListener(name, paint);

// ---- what changes
const paused = document.getElementById("paused");
let isOpen = false; // the stream, as far as we know
let hasSpoken = false; // it has, once: nothing on the way holds it back
function refreshed() {
  localise();
  paint();
}
async function poll() {
  if (document.hidden) return;
  const frame = document.querySelector("#episodes, #episode");
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.status === 401) return location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(frame.id);
    if (fresh && fresh.outerHTML !== frame.dataset.seen) {
      await htmx.swap({ sourceElement: frame, target: frame, swap: "outerMorph", text: fresh.outerHTML });
      document.getElementById(frame.id).dataset.seen = fresh.outerHTML;
    }
    paused.hidden = true;
  } catch {
    paused.hidden = false;
  }
}
document.addEventListener("htmx:sse:after:connection", () => {
  isOpen = true;
  paused.hidden = true;
});
document.addEventListener("htmx:sse:after:message", () => {
  isOpen = hasSpoken = paused.hidden = true;
});
function lost() {
  isOpen = false;
  paused.hidden = false;
}
document.addEventListener("htmx:sse:error", (event) => (event.detail.status === 401 ? location.reload() : lost()));
addEventListener("offline", lost); // a stream may stand open for minutes on a line that is dead
addEventListener("online", poll);
document.addEventListener("htmx:after:swap", refreshed);
document.addEventListener("DOMContentLoaded", refreshed);
setInterval(() => (isOpen && hasSpoken) || poll(), 5000);
