// What came of a session of the TypeScript SDK's client, printed.
export async function session(client, transport) {
    await client.connect(transport);
    const { tools } = await client.listTools();
    const results = [];
    for (const [tool, name] of [
        ["service_status", "nginx.service"],
        ["service_restart", "nginx.service"],
        ["service_restart", "dbus.service"],
    ]) {
        // It holds what is structured against the output schema.
        const result = await client.callTool({ name: tool, arguments: { name } });
        results.push([result.isError, result.structuredContent]);
    }
    const version = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? null;
    console.log(JSON.stringify({ version, tools, results }));
    await client.close();
}
