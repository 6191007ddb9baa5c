export function mount(root, app) {
  root.append(app.element("h1", {}, app.text("views.create")));
  return { show() {}, hide() {} };
}
