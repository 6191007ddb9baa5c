// How a new area joins the mask: in its place ("new"), in addition ("add"), or taken from it ("remove").

/** Join `area`, bytes of the mask's own size, and close the change. False if nothing has changed. */
export function combine(mask, area, mode) {
  const { data } = mask;
  mask.change(mask.whole, () => {
    if (mode === "new") data.set(area);
    else if (mode === "add") for (let i = 0; i < data.length; i++) data[i] = Math.max(data[i], area[i]);
    else for (let i = 0; i < data.length; i++) data[i] = Math.min(data[i], 255 - area[i]);
  });
  return mask.commit();
}
