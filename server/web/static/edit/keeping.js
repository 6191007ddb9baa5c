// What is on the desk, kept in the browser's own database, so that a reload loses nothing.

const DESK = "desk";
const written = new Set(); // the versions whose pictures are there already: those never change

let opened = null; // stays open: when the page is being left there is no time to open it

function database() {
  opened ??= new Promise((resolve, reject) => {
    const asked = indexedDB.open("gesso.edit", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  return opened;
}

async function store(mode, work) {
  const change = (await database()).transaction("kept", mode);
  const answer = work(change.objectStore("kept"));
  if (mode === "readwrite") change.commit();
  return new Promise((resolve, reject) => {
    change.oncomplete = () => resolve(answer());
    change.onabort = () => reject(change.error);
  });
}

/** What was kept last, or undefined. Rejects where the browser keeps nothing (a private window, a full disk). */
export function kept() {
  return store("readonly", (table) => {
    const [keys, values] = [table.getAllKeys(), table.getAll()];
    return () => {
      const found = new Map(keys.result.map((key, i) => [key, values.result[i]]));
      const state = found.get(DESK);
      for (const version of state?.versions ?? []) {
        written.add(version.id);
        Object.assign(version, found.get(version.id));
      }
      return state;
    };
  });
}

/** Keep a state; of its versions the pictures (thumbnail and blob) beside it, once. */
export function keep(state) {
  return store("readwrite", (table) => {
    const versions = state.versions.map(({ thumbnail, blob, ...version }) => {
      if (!written.has(version.id)) table.put({ thumbnail, blob }, version.id);
      return version;
    });
    const ids = new Set(versions.map(({ id }) => id));
    for (const id of written) if (!ids.has(id)) table.delete(id);
    table.put({ ...state, versions }, DESK);
    return () => {
      written.clear();
      for (const id of ids) written.add(id);
    };
  });
}
