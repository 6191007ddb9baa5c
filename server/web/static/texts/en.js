// English. Every key has its like in each other file beside this one.

export const en = {
  app: {
    cancel: "Cancel",
    close: "Close",
    offline: "The server does not answer. Trying again …",
    skip: "Skip to the content",
    theme: "Light or dark",
    unreachable: "The server does not answer. Is it running?",
    views: "Views",
  },
  login: {
    enter: "Log in",
    failed: "That did not work. Try again.",
    key: "Key",
    title: "This server asks for a key",
    words: "It was set with --apikey when the server was started. This browser keeps you logged in for a week.",
    wrong: "That is none of this server's keys.",
  },
  views: { create: "Create", edit: "Edit", gallery: "Gallery", system: "System" },
  edit: {
    canvas: "The picture that is edited",
    drop: "Drop a picture here, paste one, or choose a file.",
  },
};
