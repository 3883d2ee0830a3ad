// The official TypeScript SDK's client, version 2: `legacy`, `auto`, or pinned to a revision.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { session } from "./session.mjs";

const [wanted, command, ...args] = process.argv.slice(2);
const mode = ["legacy", "auto"].includes(wanted) ? wanted : { pin: wanted };
const client = new Client({ name: "a test", version: "1" }, { versionNegotiation: { mode } });
await session(client, new StdioClientTransport({ command, args }));
