// A drag over days of the calendar fills in the form of an override. A finger scrolls, so there a
// tap chooses one day. The form works without it.
"use strict";

(() => {
  let chosen = []; // the first and the last day, in the order of the drag
  const day = (event) => event.target.closest?.("td[data-from]");
  const days = (table) => [...table.querySelectorAll("td[data-from]")];

  function mark() {
    for (const one of document.querySelectorAll("td.chosen")) one.classList.remove("chosen");
    for (const one of range()) one.classList.add("chosen");
  }

  function range() {
    if (!chosen.length) return [];
    const all = days(chosen[0].closest("table"));
    const [first, last] = chosen.map((one) => all.indexOf(one)).sort((a, b) => a - b);
    return all.slice(first, last + 1);
  }

  function open() {
    const some = range();
    const form = document.getElementById(some[0].closest("table").dataset.form);
    form.closest("details").open = true;
    form.elements.from.value = some[0].dataset.from;
    form.elements.to.value = some.at(-1).dataset.to;
    form.scrollIntoView({ block: "center" });
    form.elements.contact.focus();
  }

  document.addEventListener("pointerdown", (event) => {
    const one = day(event);
    if (!one || event.button !== 0 || event.pointerType === "touch") return;
    event.preventDefault(); // no text is selected
    chosen = [one, one];
    mark();
  });
  document.addEventListener("pointerover", (event) => {
    const one = day(event);
    if (!chosen.length || one?.closest("table") !== chosen[0].closest("table")) return;
    chosen = [chosen[0], one];
    mark();
  });
  document.addEventListener("pointerup", () => {
    if (chosen.length) open();
    chosen = [];
  });
  document.addEventListener("click", (event) => {
    const one = day(event);
    if (!one || event.pointerType !== "touch") return;
    chosen = [one, one];
    mark();
    open();
    chosen = [];
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    chosen = [];
    mark();
  });
  document.getElementById("drag").hidden = false;
})();
