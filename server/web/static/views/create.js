// Say what is wanted, and watch it come: the prompt, what is folded away under it, and the tasks beside it.

import { catalogPanels, composer } from "../create/composer.js";
import { createFeed } from "../create/feed.js";
import { restoreFrom } from "../shared/restore.js";
import { takesPictures } from "../shared/drop.js";

export function mount(root, app) {
  const feed = createFeed(app);
  const writing = composer(app, { onSent: () => feed.scroll() });
  root.append(writing.root, feed.root);
  takesPictures(root, (file) => restoreFrom(file, app));

  async function load() {
    try {
      writing.fill(await catalogPanels(app));
    } catch (error) {
      writing.complain(error);
    }
  }

  load();
  app.onBack(load);
  return {
    show() {
      feed.show();
      writing.show();
    },
    hide: feed.hide,
  };
}
