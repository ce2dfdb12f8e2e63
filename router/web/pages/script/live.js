// Pages that stay current: a server-sent event about something on the page loads it again, and what
// changed is put in place. Input, open folds and the focus stay. Without a connection the page shows
// its age.
"use strict";

(() => {
  const SILENT = 40; // seconds without an event or a ping: the connection is lost
  const REST = 1; // seconds between two loads
  const STALE = 60; // seconds after which a page is loaded again without an event
  const shown = document.getElementById("live");
  if (!shown) return;

  const clock = () => performance.now() / 1000;
  let source = null;
  let heard = -Infinity;
  let loaded = clock();
  let loading = false;
  let signedOut = false;
  let planned = 0;

  const isEdited = (node) =>
    (node.matches?.("input[type=checkbox], input[type=radio]") && node.checked !== node.defaultChecked) ||
    (node.matches?.("input:not([type=checkbox], [type=radio], [type=hidden]), textarea") &&
      node.value !== node.defaultValue) ||
    (node.matches?.("select") &&
      [...node.options].some((option) => option.selected !== option.defaultSelected) &&
      node === document.activeElement);

  const callbacks = {
    beforeNodeMorphed: (old) => !(old.nodeType === Node.ELEMENT_NODE && isEdited(old)),
    beforeAttributeUpdated: (name, node) => !(name === "open" && node.matches("details")),
  };

  async function load() {
    if (loading || document.querySelector("dialog[open]")) return;
    loading = true;
    try {
      const options = { headers: { Accept: "text/html" }, redirect: "manual" };
      const answer = await fetch(location.href, options);
      // The page stays, with what was typed: the sign-in page never takes its place.
      signedOut = answer.status === 401 || answer.type === "opaqueredirect";
      if (!answer.ok || signedOut) return;
      const text = await answer.text();
      const fresh = new DOMParser().parseFromString(text, "text/html");
      const main = fresh.getElementById("main");
      // A notice is shown once: the page that is loaded again no longer has it.
      const notice = page.main().querySelector(".notice[data-once]");
      if (notice) main.querySelector("h1")?.after(notice.cloneNode(true));
      Idiomorph.morph(page.main(), main, { ignoreActiveValue: true, callbacks });
      document.querySelector("body > footer").replaceWith(fresh.querySelector("body > footer"));
      document.title = fresh.title;
      loaded = clock();
      page.synchronize();
      page.prepare();
    } catch {
      // The age is shown; the next event or look tries again.
    } finally {
      loading = false;
      show();
    }
  }

  function plan() {
    clearTimeout(planned);
    planned = setTimeout(load, Math.max(0.1, loaded + REST - clock()) * 1000);
  }

  function concerns(event) {
    const only = page.main().dataset.live;
    return !only || only === String(JSON.parse(event.data).incident);
  }

  function connect() {
    if (source || document.hidden) return;
    source = new EventSource("/api/v1/events");
    source.addEventListener("open", hear);
    source.addEventListener("ping", hear);
    source.addEventListener("timeline", (event) => {
      hear();
      if (concerns(event)) plan();
    });
    source.addEventListener("error", () => {
      heard = -Infinity;
      if (source?.readyState === EventSource.CLOSED) disconnect();
      show();
    });
  }

  // A browser opens few connections to one server, so a hidden page gives its own back.
  function disconnect() {
    source?.close();
    source = null;
    heard = -Infinity;
  }

  function hear() {
    const wasLost = heard === -Infinity;
    heard = clock();
    if (wasLost && clock() - loaded > 2) plan();
    show();
  }

  function show() {
    const connected = clock() - heard < SILENT;
    const age = clock() - loaded;
    const lost = !connected && age > 5;
    shown.classList.toggle("lost", lost || signedOut);
    const text = signedOut ? "Signed out" : lost ? `Connection lost: as of ${page.duration(age)} ago` : connected ? "Live" : "";
    if (shown.textContent !== text) shown.textContent = text;
  }

  if (page.isForeign) load();
  if (!("live" in page.main().dataset)) return;
  setInterval(() => {
    if (document.hidden) return;
    if (!source) connect();
    if (clock() - loaded > STALE) load();
    show();
  }, 5000);
  setInterval(show, 1000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return disconnect();
    connect();
    plan();
  });
  window.addEventListener("pagehide", disconnect);
  connect();
})();
