// The official TypeScript SDK's client, version 1, which begins with `initialize`.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { session } from "./session.mjs";

const [command, ...args] = process.argv.slice(2);
await session(new Client({ name: "a test", version: "1" }), new StdioClientTransport({ command, args }));
