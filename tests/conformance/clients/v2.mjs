// The TypeScript SDK 2.x: `node v2.mjs "COMMAND ARGS…"|http://…/mcp legacy|auto|pin`
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { callEveryTool } from "./calls.mjs";

const [target, mode] = process.argv.slice(2);
const [command, ...args] = target.split(" ");
const transport = target.startsWith("http")
  ? new StreamableHTTPClientTransport(new URL(target))
  : new StdioClientTransport({ command, args, env: process.env });
const negotiation = { mode: mode === "pin" ? { pin: "2026-07-28" } : mode };
const client = new Client({ name: "conformance-v2", version: "1.0.0" }, { versionNegotiation: negotiation });
await client.connect(transport);
const count = await callEveryTool(client);
console.log(`${count} tools, all answered`);
await client.close();
