// Paint on a picture: says what to do until there is one.

export function mount(root, app) {
  const canvas = app.element("canvas", { class: "paper", "aria-label": app.text("edit.canvas") });
  root.append(app.element("h1", {}, app.text("views.edit")), canvas, app.element("p", {}, app.text("edit.drop")));
  return { show() {}, hide() {} };
}
