// A request as a command for a shell, and as a Python program.

const address = () => new URL("v1/engine/generate/", document.baseURI.split("#")[0]).href;

export function asCurl(request) {
  const body = JSON.stringify(request).replaceAll("'", "'\\''");
  return `curl -s '${address()}' -H 'Content-Type: application/json' -d '${body}'`;
}

export function asPython(request) {
  return [
    "import httpx",
    "",
    `request = ${python(request)}`,
    `answer = httpx.post(${JSON.stringify(address())}, json=request, timeout=None)`,
    "answer.raise_for_status()",
    'print(answer.json()["result"])',
    "",
  ].join("\n");
}

function python(value, indent = "") {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map((one) => python(one, indent)).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = `${indent}    `;
  const lines = Object.entries(value).map(([name, one]) => `${deeper}${JSON.stringify(name)}: ${python(one, deeper)},`);
  return lines.length ? `{\n${lines.join("\n")}\n${indent}}` : "{}";
}
