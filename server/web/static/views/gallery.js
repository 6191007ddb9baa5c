export function mount(root, app) {
  root.append(app.element("h1", {}, app.text("views.gallery")));
  return { show() {}, hide() {} };
}
