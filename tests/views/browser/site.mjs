// Two origins: the host's, and the proxy's, whose policy is the specification's default.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";

const POLICY = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-src 'self'; object-src 'none'; base-uri 'self'";

const PROXY = `<!doctype html><meta charset="utf-8"><style>html,body,iframe{margin:0;border:0;width:100%;height:100%;display:block}</style><body><script>
const inner = document.createElement("iframe");
inner.allow = "clipboard-write";
document.body.append(inner);
window.addEventListener("message", (event) => {
  if (event.source === window.parent) {
    if (event.data.method === "ui/notifications/sandbox-resource-ready") {
      inner.setAttribute("sandbox", event.data.params.sandbox);
      inner.contentDocument.open();
      inner.contentDocument.write(event.data.params.html);
      inner.contentDocument.close();
    } else inner.contentWindow.postMessage(event.data, "*");
  } else if (event.source === inner.contentWindow) window.parent.postMessage(event.data, "*");
});
window.parent.postMessage({ jsonrpc: "2.0", method: "ui/notifications/sandbox-proxy-ready", params: {} }, "*");
</script>`;

const HOST = '<!doctype html><meta charset="utf-8"><title>host</title><body><script src="/host.js"></script>';

/** {host, proxy, close}; every request that is not one of the three known ones is counted in `strangers`. */
export async function serve() {
  const strangers = [];
  const files = { "/": ["text/html", HOST], "/host.js": ["text/javascript", readFileSync("host.js", "utf8")] };
  const host = await listen((request, response) => {
    const file = files[request.url];
    if (!file) return missing(request, response);
    response.writeHead(200, { "content-type": `${file[0]}; charset=utf-8` }).end(file[1]);
  });
  const proxy = await listen((request, response) => {
    if (request.url !== "/proxy") return missing(request, response);
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY }).end(PROXY);
  });
  const missing = (request, response) => {
    if (request.url !== "/favicon.ico") strangers.push(request.url);
    response.writeHead(404).end();
  };
  return { host: `http://127.0.0.1:${host.address().port}/`, proxy: `http://localhost:${proxy.address().port}/proxy`, strangers,
    close: () => [host, proxy].forEach((server) => server.close()) };
}

function listen(handler) {
  const server = createServer(handler);
  return new Promise((resolve) => server.listen(0, () => resolve(server)));
}
