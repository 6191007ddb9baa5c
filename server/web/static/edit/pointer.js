// What fingers, pens, mice and keys do on the stage: painting with the chosen tool, panning, pinching, zooming.

const WHEEL = 0.0016; // zoom a wheel's pixel
const STEP = 8; // CSS pixels that an arrow key moves

/** Lead a stage's events to `desk.view` and `desk.tool`. Returns { key, space } for the keyboard, see below. */
export function pointer(stage, ring, desk) {
  const down = new Map(); // pointers that pan or pinch: id → place
  let painting = null; // the id of the pointer that paints, or "keys"
  let using = null; // the tool that it paints with
  let pens = false; // a pen has been used: fingers pan then
  let held = false; // the space bar is down
  let cursor = null; // where the keyboard is, in the picture

  const point = (event) => ({
    ...desk.view.toPicture(event.clientX, event.clientY),
    pen: event.pointerType === "pen",
    pressure: event.pressure,
  });

  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button, input, select, [role=slider], .edit-over")) return;
    stage.focus({ preventScroll: true });
    stage.classList.add("by-pointer"); // which shows where it is without a frame
    if (event.pointerType === "pen") pens = true;
    if (painting === "keys") cancel();
    const pans = held || event.button === 1 || desk.tool.pans || (pens && event.pointerType === "touch");
    if (event.button > 1 || !desk.ready) return;
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    cursor = null;
    if (event.pointerType === "touch" && painting !== null) {
      using.cancel?.(); // a second finger: what the first one has begun was meant as a pinch
      down.set(painting, desk.at);
      painting = null;
    }
    if (pans || down.size || desk.locked) {
      down.set(event.pointerId, { x: event.clientX, y: event.clientY });
      stage.classList.toggle("panning", pans);
      return;
    }
    painting = event.pointerId;
    desk.at = { x: event.clientX, y: event.clientY };
    using = desk.tool;
    using.down(point(event), event);
  });

  stage.addEventListener("pointermove", (event) => {
    circle(event.clientX, event.clientY, event.pointerType === "touch" && painting === null);
    if (event.pointerId === painting) {
      desk.at = { x: event.clientX, y: event.clientY };
      const all = event.getCoalescedEvents?.() ?? [];
      using.move((all.length ? all : [event]).map(point), event);
    } else if (down.has(event.pointerId)) {
      drag(event);
    }
  });

  for (const kind of ["pointerup", "pointercancel"]) {
    stage.addEventListener(kind, (event) => {
      down.delete(event.pointerId);
      stage.classList.remove("panning");
      if (event.pointerId !== painting) return;
      painting = null;
      if (kind === "pointerup") using.up(event);
      else using.cancel?.();
    });
  }

  stage.addEventListener("pointerleave", () => (ring.hidden = true));
  stage.addEventListener("wheel", wheel, { passive: false });
  stage.addEventListener("blur", () => {
    held = false;
    stage.classList.remove("by-pointer");
  });

  /** One finger pans, two pan and zoom. */
  function drag(event) {
    const before = [...down.values()];
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const after = [...down.values()];
    const middle = (places) => ({
      x: places.reduce((sum, place) => sum + place.x, 0) / places.length,
      y: places.reduce((sum, place) => sum + place.y, 0) / places.length,
    });
    const [from, to] = [middle(before), middle(after)];
    desk.view.pan(to.x - from.x, to.y - from.y);
    if (after.length !== 2) return;
    const apart = ([a, b]) => Math.hypot(a.x - b.x, a.y - b.y) || 1;
    const box = stage.getBoundingClientRect();
    desk.view.zoom(apart(after) / apart(before), { x: to.x - box.left, y: to.y - box.top });
  }

  function wheel(event) {
    if (event.target.closest(".edit-over") || !desk.ready) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const box = stage.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    if (event.shiftKey && !event.ctrlKey) desk.view.pan(-(event.deltaX || event.deltaY) * lines, 0);
    else desk.view.zoom(Math.exp(-event.deltaY * lines * WHEEL * (event.ctrlKey ? 5 : 1)), at);
  }

  /** The brush's outline where the pointer is; clientX and clientY are the window's. */
  function circle(clientX, clientY, away = false) {
    ring.hidden = away || !desk.ready || !desk.tool.ring || held || desk.locked;
    if (ring.hidden) return;
    const box = stage.getBoundingClientRect();
    const across = Math.max(4, desk.brush.size * desk.view.scale);
    ring.style.width = ring.style.height = `${across}px`;
    ring.style.transform = `translate(${clientX - box.left - across / 2}px, ${clientY - box.top - across / 2}px)`;
  }

  /** Arrows move a cursor of the keyboard's, Enter presses there and lets go. True if the key was for the stage. */
  function key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!desk.ready || document.activeElement !== stage || event.ctrlKey || event.metaKey) return false;
    if (!moves && event.key !== "Enter") return false;
    const { view } = desk;
    stage.classList.remove("by-pointer");
    cursor ??= { x: view.width / 2, y: view.height / 2, pen: false, pressure: 0 };
    if (moves) {
      const far = ((event.shiftKey ? 8 : 1) * STEP) / view.scale;
      const within = (at, most) => Math.min(most, Math.max(0, at));
      cursor = { ...cursor, x: within(cursor.x + moves[0] * far, view.width), y: within(cursor.y + moves[1] * far, view.height) };
      if (painting === "keys") using.move([cursor], event);
    } else if (painting === "keys") {
      painting = null;
      using.up(event);
    } else if (painting === null && !desk.locked && !desk.tool.pans) {
      painting = "keys";
      using = desk.tool;
      using.down(cursor, event);
    }
    const box = stage.getBoundingClientRect();
    const at = view.toStage(cursor);
    circle(at.x + box.left, at.y + box.top);
    desk.cross(at);
    return true;
  }

  return {
    key,
    /** Tell that the space bar went down or up. */
    space(isDown) {
      held = isDown;
      stage.classList.toggle("hand", isDown || Boolean(desk.tool.pans));
      if (isDown) ring.hidden = true;
    },
    cancel,
    hide: () => (ring.hidden = true),
  };

  /** Give up what is being painted. False if nothing is. */
  function cancel() {
    if (painting === null) return false;
    painting = null;
    using.cancel?.();
    return true;
  }
}
