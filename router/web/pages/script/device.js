// Subscribes this browser to push messages when the form is sent.
"use strict";

(() => {
  const form = document.getElementById("subscribe");
  const able = "serviceWorker" in navigator && "PushManager" in window && isSecureContext;
  if (!form || !able) return;
  form.hidden = false;
  document.getElementById("unable").remove();

  form.addEventListener("submit", async (event) => {
    if (form.endpoint.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    try {
      await subscribe();
      form.submit();
    } catch (error) {
      say(error.name === "NotAllowedError" ? "Notifications are blocked: allow them in the browser's settings of this page." : String(error));
    }
  });

  async function subscribe() {
    const worker = await navigator.serviceWorker.register("/worker.js");
    await navigator.serviceWorker.ready;
    const key = form.dataset.key;
    const subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const found = subscription.toJSON();
    form.endpoint.value = found.endpoint;
    form.p256dh.value = found.keys.p256dh;
    form.auth.value = found.keys.auth;
    if (!form.elements.namedItem("name").value) form.elements.namedItem("name").value = navigator.userAgentData?.platform || navigator.platform || "";
  }

  function say(text) {
    const note = document.createElement("p");
    note.className = "notice bad";
    note.setAttribute("role", "alert");
    note.textContent = text;
    form.before(note);
  }
})();
