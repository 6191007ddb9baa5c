// Server-sent events with fetch: unlike EventSource it can go on after a given event, and tells why it broke.

// Calls told(event, id) for each; returns when the line ends. Throws where it breaks.
export async function follow(answer, told) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split(/\r?\n\r?\n/);
    rest = parts.pop();
    for (const part of parts) tell(part, told);
  }
}

function tell(part, told) {
  let id = "";
  let data = "";
  for (const line of part.split(/\r?\n/)) {
    const [, name, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    if (name === "id") id = value;
    if (name === "data") data += value;
  }
  if (data) told(JSON.parse(data), id);
}
