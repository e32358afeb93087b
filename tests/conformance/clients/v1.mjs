// The TypeScript SDK 1.x: `node v1.mjs "COMMAND ARGS…"|http://…/mcp -`
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { callEveryTool } from "./calls.mjs";

const [target] = process.argv.slice(2);
const [command, ...args] = target.split(" ");
const transport = target.startsWith("http")
  ? new StreamableHTTPClientTransport(new URL(target))
  : new StdioClientTransport({ command, args, env: process.env });
const client = new Client({ name: "conformance-v1", version: "1.0.0" });
await client.connect(transport);
const count = await callEveryTool(client);
console.log(`${count} tools, all answered`);
await client.close();
