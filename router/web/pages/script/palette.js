// The command palette and keyboard shortcuts. Single keys can be turned off in the dialog.
"use strict";

(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const input = dialog.querySelector("input[type=search]");
  const list = dialog.querySelector("[role=listbox]");
  const keys = dialog.querySelector("input[type=checkbox]");
  const REST = 100; // milliseconds after a key before the server is asked
  let asked = 0;
  let planned = 0;
  let at = 0;

  keys.checked = localStorage.getItem("keys") !== "off";
  keys.addEventListener("change", () => localStorage.setItem("keys", keys.checked ? "on" : "off"));

  function commands() {
    const buttons = [...page.main().querySelectorAll("button[data-key]")].map((button) => ({
      kind: "command",
      title: button.textContent,
      detail: `this incident, key ${button.dataset.key}`,
      run: () => button.click(),
    }));
    const links = [...document.querySelectorAll("#navigation a")].map((link) => ({
      kind: "page",
      title: link.textContent,
      detail: link.getAttribute("href"),
      path: link.href,
    }));
    return [...buttons, ...links];
  }

  async function results(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const own = commands().filter((one) =>
      words.every((word) => `${one.title} ${one.detail}`.toLowerCase().includes(word)),
    );
    try {
      const answer = await fetch(`/api/v1/search?q=${encodeURIComponent(text)}`);
      const found = answer.ok ? (await answer.json()).results : [];
      return text ? [...found.filter((one) => one.path), ...own] : [...own, ...found.filter((one) => one.path)];
    } catch {
      return own;
    }
  }

  function item(one, index) {
    const option = document.createElement("li");
    option.id = `palette-${index}`;
    option.setAttribute("role", "option");
    for (const [name, text] of [["badge plain", one.kind], ["", one.title], ["quiet", one.detail]]) {
      const part = document.createElement("span");
      part.className = name;
      part.textContent = text;
      option.append(part);
    }
    option.addEventListener("click", () => go(one));
    return option;
  }

  function go(one) {
    dialog.close();
    if (one.run) one.run();
    else location.assign(one.path);
  }

  function choose(index) {
    at = Math.max(0, Math.min(index, list.children.length - 1));
    [...list.children].forEach((one, number) => one.setAttribute("aria-selected", String(number === at)));
    input.setAttribute("aria-activedescendant", list.children.length ? `palette-${at}` : "");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  async function look() {
    const mine = ++asked;
    const found = await results(input.value.trim());
    if (mine !== asked) return;
    list.replaceChildren(...found.slice(0, 30).map(item));
    choose(0);
  }

  function open() {
    input.value = "";
    dialog.showModal();
    look();
  }

  input.addEventListener("input", () => {
    clearTimeout(planned);
    planned = setTimeout(look, REST);
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") choose(at + 1);
    else if (event.key === "ArrowUp") choose(at - 1);
    else if (event.key === "Enter" && event.target === input) list.children[at]?.click();
    else return;
    event.preventDefault();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  for (const opener of document.querySelectorAll("[data-palette]")) {
    opener.addEventListener("click", (event) => {
      event.preventDefault();
      open();
    });
  }

  const isTyping = (target) => target.matches("input:not([type=checkbox], [type=radio]), textarea, select");

  function move(step) {
    const links = [...page.main().querySelectorAll(".incidents .what a")];
    const current = links.indexOf(document.activeElement);
    links[Math.max(0, Math.min(current + step, links.length - 1))]?.focus();
  }

  const KEYS = {
    "/": open,
    "?": open,
    j: () => move(1),
    k: () => move(-1),
    x: () => document.activeElement.closest("tr")?.querySelector("input[type=checkbox]")?.click(),
    n: () => page.main().querySelector("textarea")?.focus(),
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "k") {
      event.preventDefault();
      open();
      return;
    }
    if (!keys.checked || event.ctrlKey || event.metaKey || event.altKey) return;
    if (dialog.open || isTyping(event.target)) return;
    const button = page.main().querySelector(`button[data-key="${CSS.escape(event.key)}"]`);
    const run = button ? () => button.click() : KEYS[event.key];
    if (!run) return;
    event.preventDefault();
    run();
  });
})();
