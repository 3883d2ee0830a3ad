// The server behind HTTP, for the conformance suite, which speaks nothing else. Each session of an
// older revision has a process of its own; the requests of 2026-07-28 share one. Every message goes
// through as it is, apart from its id. Prints its address.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const [command, ...args] = process.argv.slice(2);

class Server {
    constructor() {
        this.open = new Map();
        this.process = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
        createInterface({ input: this.process.stdout }).on("line", (line) => this.take(JSON.parse(line)));
    }

    take(message) {
        const meta = message.params?._meta ?? {};
        const about = message.id ?? meta["io.modelcontextprotocol/subscriptionId"] ?? message.params?.progressToken;
        const request = this.open.get(about);
        if (!request) return;
        if (meta["io.modelcontextprotocol/subscriptionId"] !== undefined)
            meta["io.modelcontextprotocol/subscriptionId"] = request.id;
        if (message.params?.progressToken !== undefined) message.params.progressToken = request.token;
        if (message.method !== undefined) return request.tell(message);
        this.open.delete(about);
        request.end({ ...message, id: request.id });
    }

    // Many clients may have the same ids, and the same tokens.
    ask(message, tell, end) {
        const id = randomUUID();
        const token = message.params?._meta?.progressToken;
        this.open.set(id, { id: message.id, token, tell, end });
        const asked = { ...message, id };
        if (token !== undefined) asked.params = { ...asked.params, _meta: { ...asked.params._meta, progressToken: id } };
        this.send(asked);
        return id;
    }

    send(message) {
        this.process.stdin.write(JSON.stringify(message) + "\n");
    }
}

const stateless = new Server();
const sessions = new Map();

// What a revision that has its own status for an error wants (2026-07-28, Streamable HTTP).
function status(message, isModern) {
    if (!isModern || !message.error) return 200;
    return { "-32601": 404, "-32022": 400, "-32021": 400, "-32602": 400, "-32600": 400 }[message.error.code] ?? 200;
}

function answer(request, response, text) {
    let message;
    try {
        message = JSON.parse(text);
    } catch {
        message = null;
    }
    const reply = (code, body, more = {}) => {
        response.writeHead(code, { "content-type": "application/json", ...more });
        response.end(JSON.stringify(body));
    };
    const wrong = (code, number, text) =>
        reply(code, { jsonrpc: "2.0", id: message?.id ?? null, error: { code: number, message: text } });
    if (message === null || typeof message !== "object") return wrong(400, -32700, "not JSON");
    const version = request.headers["mcp-protocol-version"];
    const isModern = message.params?._meta?.["io.modelcontextprotocol/protocolVersion"] !== undefined || version >= "2026";
    let server = stateless;
    let more = {};
    // Where HTTP says the version twice, it must be the same (2026-07-28, Streamable HTTP).
    const told = message.params?._meta?.["io.modelcontextprotocol/protocolVersion"];
    if (told !== undefined && version !== told) return wrong(400, -32020, "another version in the header");
    if (message.method === "initialize" && !isModern) {
        server = new Server();
        more = { "mcp-session-id": randomUUID() };
        sessions.set(more["mcp-session-id"], server);
    } else if (!isModern) {
        server = sessions.get(request.headers["mcp-session-id"]);
        if (!server) return wrong(request.headers["mcp-session-id"] ? 404 : 400, -32600, "no such session");
    }
    if (message.id === undefined) {
        server.send(message);
        return response.writeHead(202).end();
    }
    const event = (one) => {
        if (!response.headersSent) response.writeHead(200, { "content-type": "text/event-stream", ...more });
        response.write(`event: message\ndata: ${JSON.stringify(one)}\n\n`);
    };
    const id = server.ask(message, event, (one) => {
        if (response.headersSent) {
            event(one);
            response.end();
        } else {
            reply(status(one, isModern), one, more);
        }
    });
    response.on("close", () => {
        if (server.open.delete(id))
            server.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } });
    });
}

const listener = createServer((request, response) => {
    // Against DNS rebinding, which is no matter of the server behind it.
    const isHere = (name) => !name || /^(https?:\/\/)?(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(name);
    if (!isHere(request.headers.host) || !isHere(request.headers.origin)) return response.writeHead(403).end();
    const session = request.headers["mcp-session-id"];
    if (request.method === "DELETE") {
        sessions.get(session)?.process.stdin.end();
        return response.writeHead(sessions.delete(session) ? 200 : 404).end();
    }
    if (request.method !== "POST") return response.writeHead(405).end();
    let text = "";
    request.on("data", (part) => (text += part)).on("end", () => answer(request, response, text));
});
listener.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${listener.address().port}/mcp`));
// Its standard input is closed when nobody needs it any more.
process.stdin.resume().on("end", () => process.exit(0));
