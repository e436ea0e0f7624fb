// The page's API (../README.md): calls, and the stream of what happens.

const RETRY_MS = 500;

/** `code` is Slack's word for the trouble; `message` is a sentence for the person. */
export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export const get = (path, query) => call("GET", `${path}?${new URLSearchParams(query)}`);
export const post = (path, body) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = (path, body) => call("DELETE", path, body);

export async function upload(me, file) {
  const query = new URLSearchParams({ as: me, name: file.name });
  const answer = await request(`/lab/upload?${query}`, { method: "POST", body: file });
  return answer.file;
}

export const downloadAddress = (me, file) => `/lab/files/${encodeURIComponent(file.id)}?as=${encodeURIComponent(me)}`;

/** Calls `onEvent` for each event and `onUp(isUp)` when the stream opens or breaks. Returns a function that closes it. */
export function openStream(me, { onEvent, onUp }) {
  let source;
  let retry;
  const connect = () => {
    source = new EventSource(`/lab/stream?as=${encodeURIComponent(me)}`);
    source.onopen = () => onUp(true);
    source.onmessage = (event) => onEvent(JSON.parse(event.data));
    // The browser's own way back takes seconds, and ends for good at the first answer that is an error.
    source.onerror = () => {
      source.close();
      onUp(false);
      retry = setTimeout(connect, RETRY_MS);
    };
  };
  connect();
  return () => {
    clearTimeout(retry);
    source.close();
  };
}

const call = (method, path, body) =>
  request(`/lab/${path}`, {
    method,
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });

async function request(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new ApiError("unreachable", "The workspace does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new ApiError(answer.error || "failed", answer.message || `That did not work (HTTP ${response.status}).`);
  }
  return answer;
}
