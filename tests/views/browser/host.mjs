// The host page's script: the reference AppBridge over postMessage, driven from outside through `window.host`.
import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";

let bridge = null;
const seen = { sizes: [], downloads: [], errors: [] };

window.host = {
  seen,
  /** Shows the page in a frame within a proxy frame of another origin; resolves when it says it is initialised. */
  async mount({ html, proxy, context = {}, capabilities = {}, sandbox, width = 720 }) {
    document.body.replaceChildren();
    const frame = document.createElement("iframe");
    frame.id = "proxy";
    frame.style.cssText = `width:${width}px;height:500px;border:0`;
    frame.setAttribute("sandbox", sandbox);
    frame.allow = "clipboard-write";
    const ready = new Promise((resolve) => {
      window.addEventListener("message", function listen(event) {
        if (event.source !== frame.contentWindow || event.data?.method !== "ui/notifications/sandbox-proxy-ready") return;
        window.removeEventListener("message", listen);
        resolve();
      });
    });
    document.body.append(frame);
    frame.src = proxy;
    await ready;
    bridge = new AppBridge(null, { name: "test host", version: "1.0.0" }, capabilities, { hostContext: context });
    const initialised = new Promise((resolve) => (bridge.oninitialized = resolve));
    bridge.onsizechange = ({ width, height }) => {
      seen.sizes.push({ width, height });
      frame.style.height = `${height}px`;
    };
    bridge.ondownloadfile = async ({ contents }) => {
      seen.downloads.push(contents);
      return {};
    };
    const transport = new PostMessageTransport(frame.contentWindow, frame.contentWindow);
    await bridge.connect(transport);
    bridge.onerror = (error) => seen.errors.push(String(error));
    await bridge.sendSandboxResourceReady({ html, sandbox });
    await initialised;
  },
  input: (args) => bridge.sendToolInput({ arguments: args }),
  result: (result) => bridge.sendToolResult(result),
  cancelled: (reason) => bridge.sendToolCancelled({ reason }),
  context: (context) => bridge.setHostContext(context),
  ping: async () => bridge.request({ method: "ping" }),
  teardown: () => bridge.teardownResource({}),
  resize: (width) => (document.getElementById("proxy").style.width = `${width}px`),
};
