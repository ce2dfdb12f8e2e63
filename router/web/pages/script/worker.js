// The service worker: shows push messages, runs their buttons, and keeps the list of incidents.
"use strict";

const KEPT = "incidents-1";
const LIST = "/incidents";
const ON_DEVICE = location.origin;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil(show(event.data?.json() ?? {})));

async function show(message) {
  const before = await self.registration.getNotifications({ tag: message.tag });
  const repeated = before.some((shown) => shown.data?.id === message.id);
  await self.registration.showNotification(message.title || "alert-router", {
    body: message.body,
    tag: message.tag,
    // A repetition of the same message makes no second sound.
    renotify: Boolean(message.tag && message.loud && !repeated),
    silent: !message.loud,
    requireInteraction: Boolean(message.stays),
    icon: "/assets/icon.svg",
    data: message,
    actions: (message.actions || []).map(({ title }, number) => ({ action: String(number), title })),
  });
}

self.addEventListener("notificationclick", (event) => {
  const message = event.notification.data || {};
  const pressed = message.actions?.[Number(event.action)];
  event.notification.close();
  event.waitUntil(event.action && pressed ? answer(message, pressed) : open(message.url));
});

// The signed link answers in the name of the contact whose device this is.
async function answer(message, { title, url }) {
  const path = ours(url);
  const done = path && (await fetch(path, { method: "POST" }).catch(() => null));
  if (!done?.ok) {
    await self.registration.showNotification(`${title} did not work`, {
      body: "Open the incident, and answer there.",
      tag: `${message.tag}-failed`,
      data: { url: message.url },
    });
  }
}

function ours(url) {
  const { pathname, search } = new URL(url, ON_DEVICE);
  return pathname.startsWith("/act/") ? pathname + search : "";
}

async function open(url) {
  const path = url ? new URL(url, ON_DEVICE).pathname : LIST;
  const windows = await self.clients.matchAll({ type: "window" });
  return windows.length ? (await windows[0].navigate(path))?.focus() : self.clients.openWindow(path);
}

// Without a connection, the last list of incidents is shown; the page says how old it is.
self.addEventListener("fetch", (event) => {
  const { pathname, search } = new URL(event.request.url);
  const isList = event.request.mode === "navigate" && pathname === LIST && !search;
  const isAsset = pathname.startsWith("/assets/") || pathname === "/style.css";
  if (event.request.method === "GET" && (isList || isAsset)) event.respondWith(fresh(event.request));
});

async function fresh(request) {
  const kept = await caches.open(KEPT);
  try {
    const response = await fetch(request);
    if (response.ok) await kept.put(request, response.clone());
    return response;
  } catch (error) {
    const found = await kept.match(request, { ignoreVary: true });
    if (!found) throw error;
    return found;
  }
}
