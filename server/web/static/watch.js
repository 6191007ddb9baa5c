// One task, followed for as many listeners as there are: by its record while it waits, by its events while it runs.

import { follow } from "./events.js";
import { pause } from "./pause.js";

const STATES = { pending: "waiting", running: "running", finished: "finished", stop: "stopped", failed: "failed" };
const ENDS = ["finished", "stopped", "failed", "gone"];
const FIRST_MS = 250;
const LONGEST_MS = 4000;
const STEP = /step (\d+)\/(\d+), image (\d+)\/(\d+)/;
const SAVING = /^Saving image/;

export class Watch {
  #api;
  #over;
  #listeners = new Set();
  #leave = new AbortController();
  #told = null;
  #last = "";

  constructor(id, api, over) {
    this.id = id;
    this.#api = api;
    this.#over = over;
    this.#run();
  }

  // Returns how to stop listening; when nobody listens the line is cut.
  join(listener) {
    this.#listeners.add(listener);
    if (this.#told) listener(this.#told);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size) return;
      this.#leave.abort();
      this.#over();
    };
  }

  async #run() {
    let wait = FIRST_MS;
    while (!this.#leave.signal.aborted && !ENDS.includes(this.#told?.state)) {
      try {
        await this.#look();
        if (this.#told.state === "running") {
          await this.#listen();
          wait = FIRST_MS;
          await this.#look();
        }
      } catch (error) {
        if (error.status === 404) this.#tell({ state: "gone", results: [], warnings: [] });
        this.#last = ""; // a server that was started again counts its events anew
      }
      if (ENDS.includes(this.#told?.state)) break;
      await pause(wait, this.#leave.signal);
      wait = Math.min(wait * 1.5, LONGEST_MS);
    }
    this.#over();
  }

  async #look() {
    const record = await this.#api.get(`tasks/${this.id}`, { signal: this.#leave.signal });
    const preview = record.preview ? `data:image/png;base64,${record.preview}` : this.#told?.preview;
    const state = STATES[record.task_status];
    this.#tell({
      state,
      progress: record.progress,
      position: record.queue_position ?? 0,
      wait: record.estimated_wait_mills ?? -1,
      results: record.result,
      seeds: record.result_seeds,
      request: record.req_params,
      effective: record.effective_params,
      report: record.edit_report ?? [],
      warnings: record.warnings,
      error: record.error ?? "",
      queued: record.in_queue_mills,
      started: record.start_mills,
      ended: record.finish_mills,
      images: record.effective_params?.seeds?.length ?? 1,
      preview: ENDS.includes(state) ? null : preview,
    });
  }

  async #listen() {
    const headers = this.#last ? { "Last-Event-ID": this.#last } : {};
    const signal = this.#leave.signal;
    const answer = await this.#api.call("GET", `tasks/${this.id}/events`, { headers, signal });
    if (answer.status === 204) return;
    await follow(answer, (event, id) => {
      this.#last = id;
      const [, step, steps, image, images] = (STEP.exec(event.message) ?? []).map(Number);
      const at = steps ? { step, steps, image, images } : {};
      const preview = event.preview ?? this.#told.preview;
      this.#tell({ ...at, progress: event.progress, message: event.message, preview });
      if (SAVING.test(event.message)) setTimeout(() => this.#look().catch(() => {}), FIRST_MS);
    });
  }

  #tell(news) {
    this.#told = { id: this.id, progress: 0, step: 0, steps: 0, message: "", ...this.#told, ...news };
    for (const listener of this.#listeners) listener(this.#told);
  }
}
