// The script of every page: the reader's time zone, relative times that go on, filters and choices.
// Pages can be read, and an incident acknowledged, without it.
"use strict";

const page = (() => {
  // The server's clock decides; the difference of the browser's is left out.
  let ahead = 0;
  const main = () => document.getElementById("main");
  const now = () => Date.now() / 1000 - ahead;

  function synchronize() {
    ahead = Date.now() / 1000 - Number(main().dataset.now || Date.now() / 1000);
  }

  // The first page of a browser is by the company's clock, and is loaded again by the reader's.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const isForeign = zone && zone !== document.body.dataset.zone && !document.cookie.includes(`zone=${zone}`);
  if (isForeign) document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;

  const UNITS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

  function duration(seconds) {
    let rest = Math.round(seconds);
    const parts = UNITS.map(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count ? `${count}${unit}` : "";
    });
    const first = parts.findIndex(Boolean);
    return parts.slice(first, first + 2).filter(Boolean).join(" ") || "0s";
  }

  function relative(seconds) {
    if (Math.abs(seconds) < 1) return "now";
    return seconds > 0 ? `in ${duration(seconds)}` : `${duration(-seconds)} ago`;
  }

  function tick() {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const text = relative(Date.parse(time.dateTime) / 1000 - now());
      if (time.textContent !== text) time.textContent = text;
    }
  }

  // Filters of long tables: rows that do not contain all words are hidden.
  function filter(input) {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const body of document.getElementsByClassName(input.dataset.filter)) {
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      const fold = body.closest("details");
      if (fold && words.length) fold.open = true;
    }
  }

  // Parts that need a script are hidden until it runs.
  function prepare() {
    for (const one of document.querySelectorAll("[data-filter][hidden], [data-choose-all][hidden]")) {
      one.hidden = false;
    }
    tick();
  }

  document.addEventListener("input", (event) => {
    if (event.target.dataset.filter) filter(event.target);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("form[data-auto] select")) event.target.form.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.matches("[data-choose-all]")) return;
    const boxes = [...event.target.form.querySelectorAll('input[type="checkbox"][name="id"]')];
    const all = boxes.every((box) => box.checked);
    for (const box of boxes) box.checked = !all;
    event.target.textContent = all ? "Choose all" : "Choose none";
  });

  synchronize();
  prepare();
  setInterval(tick, 1000);
  return { duration, isForeign, main, now, prepare, synchronize };
})();
