// Person and place live in the address, so that a reload or a bookmark comes back to them:
// #/U0NILS/C0GENERAL, #/U0NILS/C0GENERAL/thread/1234.5678, #/U0NILS/D0000001/home

const TABS = ["home", "messages", "about"];

/** `{me, channel, tab, thread}`; what the address does not tell is null. */
export function parse(hash) {
  const [me, channel, ...rest] = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  const tab = TABS.includes(rest[0]) ? rest.shift() : null;
  const thread = rest[0] === "thread" && rest[1] ? rest[1] : null;
  return { me: me || null, channel: channel || null, tab, thread };
}

export function format({ me, channel, tab, thread }) {
  const parts = [me, channel, tab, ...(thread ? ["thread", thread] : [])];
  return "#/" + parts.filter(Boolean).map(encodeURIComponent).join("/");
}
