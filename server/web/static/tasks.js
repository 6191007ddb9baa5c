// Tasks: sent once, followed to their end, remembered across reloads and tabs.

import { Watch } from "./watch.js";

const KEPT = "gesso.tasks";
const MOST = 30;

export function createTasks({ api }) {
  const watches = new Map();
  const listeners = new Set();
  // Told when another tab's change can be read here; a message would come before it now and then.
  addEventListener("storage", (event) => {
    if (event.key === KEPT || event.key === null) changed();
  });

  // Resolves to the task's id. Sent again where the line breaks: the key makes it one task.
  async function submit(request, { view = "create" } = {}) {
    const body = { ...request, async_process: true };
    const headers = { "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
    const send = () => api.post("v1/engine/generate/", body, { headers });
    const told = await send().catch((error) => {
      if (error.status !== 0) throw error;
      return send();
    });
    remember(told.task_id, view);
    return told.task_id;
  }

  // listener gets { id, state, progress, step, steps, image, images, message, preview, position, wait, results, seeds,
  // request, effective, report, warnings, error }, at once what is known, then each change. state: waiting, running,
  // finished, stopped, failed or gone. results: URLs, as the server tells them. wait: milliseconds, -1 = unknown.
  function watch(id, listener) {
    if (!watches.has(id)) watches.set(id, new Watch(id, api, () => watches.delete(id)));
    return watches.get(id).join(listener);
  }

  const control = (action, id) => api.post(`v1/engine/control?action=${action}&task_id=${id}`);

  // [{ id, view }], the newest first: what this browser has asked for and not put away.
  function remembered() {
    try {
      return JSON.parse(localStorage.getItem(KEPT)) ?? [];
    } catch {
      return [];
    }
  }

  function keep(list) {
    localStorage.setItem(KEPT, JSON.stringify(list.slice(0, MOST)));
    changed();
  }

  const remember = (id, view) => keep([{ id, view }, ...remembered().filter((one) => one.id !== id)]);
  const forget = (id) => keep(remembered().filter((one) => one.id !== id));

  function changed() {
    for (const listener of listeners) listener(remembered());
  }

  return {
    submit,
    watch,
    stop: (id) => control("stop", id),
    skip: (id) => control("skip", id),
    remember,
    forget,
    get remembered() {
      return remembered();
    },
    // Calls listener(remembered) when this or another tab adds or forgets one; returns how to leave.
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
