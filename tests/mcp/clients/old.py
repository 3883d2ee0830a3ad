"""The official Python SDK's client, version 1, which begins with `initialize`.

Prints what came of a session with the server that is the rest of the command line.
"""
import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main():
    told = []

    async def progress(done, total, message):
        told.append([done, total, message])

    server = StdioServerParameters(command=sys.argv[1], args=sys.argv[2:])
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        opened = await session.initialize()
        await session.send_ping()
        tools = (await session.list_tools()).tools
        # It holds what is structured against the output schema.
        status = await session.call_tool("service_status", {"name": "nginx.service"})
        changed = await session.call_tool("service_restart", {"name": "nginx.service"}, progress_callback=progress)
        denied = await session.call_tool("service_restart", {"name": "dbus.service"})
        print(json.dumps({
            "version": opened.protocolVersion,
            "tools": [tool.model_dump(exclude_none=True) for tool in tools],
            "results": [[one.isError, one.structuredContent] for one in (status, changed, denied)],
        }))


asyncio.run(main())
