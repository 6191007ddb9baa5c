// What is on the desk, kept in the browser's own database, so that a reload loses nothing.

const KEY = "desk";

function database() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("gesso.edit", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function store(mode, work) {
  const opened = await database();
  try {
    return await new Promise((resolve, reject) => {
      const change = opened.transaction("kept", mode);
      const asked = work(change.objectStore("kept"));
      change.oncomplete = () => resolve(asked.result);
      change.onabort = () => reject(change.error);
    });
  } finally {
    opened.close();
  }
}

/** What was kept last, or undefined. Rejects where the browser keeps nothing (a private window, a full disk). */
export const kept = () => store("readonly", (table) => table.get(KEY));

export const keep = (state) => store("readwrite", (table) => table.put(state, KEY));
