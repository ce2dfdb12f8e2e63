// The script of every page: the reader's time zone, and relative times that go on.
// Pages can be read, and an incident acknowledged, without it.
"use strict";

(() => {
  // The server's clock decides; the difference of the browser's is left out.
  const ahead = Date.now() / 1000 - Number(document.body.dataset.now);
  const now = () => Date.now() / 1000 - ahead;

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && zone !== document.body.dataset.zone && !document.cookie.includes(`zone=${zone}`)) {
    document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  }

  const UNITS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

  function duration(seconds) {
    let rest = Math.round(seconds);
    const parts = UNITS.map(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count ? `${count}${unit}` : "";
    });
    const first = parts.findIndex(Boolean);
    return parts.slice(first, first + 2).filter(Boolean).join(" ");
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

  tick();
  setInterval(tick, 1000);
})();
