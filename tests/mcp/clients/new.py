"""The official Python SDK's client, version 2, in the mode that is the first argument.

Prints what came of a session with the server that is the rest of the command line.
"""
import asyncio
import json
import sys

from mcp import Client
from mcp.client.stdio import StdioServerParameters


async def main():
    server = StdioServerParameters(command=sys.argv[2], args=sys.argv[3:])
    async with Client(server, mode=sys.argv[1]) as client:
        tools = (await client.list_tools()).tools
        status = await client.call_tool("service_status", {"name": "nginx.service"})
        changed = await client.call_tool("service_restart", {"name": "nginx.service"})
        denied = await client.call_tool("service_restart", {"name": "dbus.service"})
        listened = None
        if sys.argv[1] != "legacy":
            async with client.listen(tools_list_changed=True) as subscription:
                listened = subscription.honored.tools_list_changed
        print(json.dumps({
            "version": client.protocol_version,
            "tools": [tool.model_dump(by_alias=True, exclude_none=True) for tool in tools],
            "results": [[one.is_error, one.structured_content] for one in (status, changed, denied)],
            "listened": listened,
        }))


asyncio.run(main())
