// The MCP Apps conversation with the host (SEP-1865): JSON-RPC by postMessage, only with the window that holds us.

const PROTOCOL = "2026-01-26";

/** Connects; `on` has result, input, cancelled, context. Messages of other windows and origins are ignored. */
function connectHost(on) {
  const waiting = new Map();
  const host = { capabilities: {}, connected: false, origin: "*", request, notify, close };
  let next = 1;
  window.addEventListener("message", receive);
  return host;

  function send(message) {
    window.parent.postMessage({ jsonrpc: "2.0", ...message }, host.origin);
  }

  function notify(method, params) {
    send({ method, params });
  }

  function request(method, params) {
    const id = next++;
    send({ id, method, params });
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  }

  function receive(event) {
    const message = event.data;
    if (event.source !== window.parent || !message || message.jsonrpc !== "2.0") return;
    if (host.origin !== "*" && event.origin !== host.origin) return;
    if (message.method === undefined) return answered(message, event.origin);
    if (message.id !== undefined) return asked(message);
    const params = message.params || {};
    if (message.method === "ui/notifications/tool-result") on.result(params);
    else if (message.method === "ui/notifications/tool-input") on.input(params);
    else if (message.method === "ui/notifications/tool-cancelled") on.cancelled(params);
    else if (message.method === "ui/notifications/host-context-changed") on.context(params);
  }

  function answered(message, origin) {
    const promise = waiting.get(message.id);
    if (!promise) return;
    waiting.delete(message.id);
    // From its first answer on only this origin is spoken to; a sandboxed or local host has none.
    if (/^https?:/.test(origin)) host.origin = origin;
    if (message.error) promise.reject(new Error(String(message.error.message)));
    else promise.resolve(message.result || {});
  }

  function asked(message) {
    if (message.method === "ping") return send({ id: message.id, result: {} });
    if (message.method === "ui/resource-teardown") {
      send({ id: message.id, result: {} });
      return close();
    }
    return send({ id: message.id, error: { code: -32601, message: `Method not found: ${message.method}` } });
  }

  function close() {
    window.removeEventListener("message", receive);
    on.closed();
  }
}

async function introduce(host) {
  const answer = await host.request("ui/initialize", {
    protocolVersion: PROTOCOL, appInfo: { name: "posthog-mcp chart", version: "1.0.0" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  });
  host.capabilities = answer.hostCapabilities || {};
  host.connected = true;
  host.notify("ui/notifications/initialized", {});
  return answer.hostContext || {};
}

/** Theme, colours and fonts of the host; nothing that would load a picture. */
function applyTheme(context) {
  const root = document.documentElement;
  const dark = context.theme ? context.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "dark" : "light";
  const variables = (context.styles && context.styles.variables) || {};
  for (const [name, value] of Object.entries(variables)) {
    if (!/^--(?:color|font)-[a-z0-9-]+$/.test(name)) continue;
    if (typeof value === "string" && !/url|image|src|fade/i.test(value)) root.style.setProperty(name, value);
    else root.style.removeProperty(name);
  }
}
