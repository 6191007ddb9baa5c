// The server's HTTP API. What goes wrong is an ApiError with the server's own words.

export class ApiError extends Error {
  // status: 0 where the server did not answer. hint: the field that is to blame, or "". told: the whole answer.
  constructor(status, message, { hint = "", told = null } = {}) {
    super(message);
    Object.assign(this, { name: "ApiError", status, hint, told });
  }
}

export function createApi({ logIn, lost, text }) {
  async function call(method, path, { body, headers = {}, signal } = {}) {
    const asked = { method, signal, headers: { ...headers } };
    if (body instanceof FormData) asked.body = body;
    else if (body !== undefined) {
      asked.body = JSON.stringify(body);
      asked.headers["Content-Type"] = "application/json";
    }
    let answer;
    try {
      answer = await fetch(path.replace(/^\//, ""), asked);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      lost();
      throw new ApiError(0, text("app.unreachable"));
    }
    if (answer.ok) return answer;
    const failure = await refusal(answer);
    if (answer.status !== 403 || failure.message !== "Forbidden") throw failure;
    await logIn();
    return call(method, path, { body, headers, signal });
  }

  async function json(method, path, more) {
    const answer = await call(method, path, more);
    return answer.status === 204 ? null : answer.json();
  }

  return {
    call,
    get: (path, more) => json("GET", path, more),
    post: (path, body, more) => json("POST", path, { ...more, body }),
    del: (path) => json("DELETE", path),
    blob: async (url, more) => (await call("GET", here(url), more)).blob(),
    here,
  };
}

// The server's own pictures are told by whole URLs, whose host may be spelled otherwise than this page's: the way from here.
export function here(url) {
  const found = /\/((?:outputs|inputs|thumbnails)\/.*)$/.exec(url);
  return found ? found[1] : url;
}

async function refusal(answer) {
  const told = await answer.json().catch(() => null);
  const detail = told?.detail;
  if (Array.isArray(detail)) {
    const first = detail[0] ?? {};
    const field = (first.loc ?? []).filter((part) => part !== "body").join(".");
    return new ApiError(answer.status, first.msg ?? answer.statusText, { hint: field, told });
  }
  const words = typeof detail === "string" ? detail : answer.statusText || `HTTP ${answer.status}`;
  return new ApiError(answer.status, words, { hint: told?.field ?? "", told });
}
