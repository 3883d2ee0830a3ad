"""What `sm-helper list --schema` prints, by dialect, held against what the clients' libraries check.

Standard input has one object: each dialect with its reply.
"""
import copy
import json
import re
import sys

from agents.strict_schema import ensure_strict_json_schema
from google.genai import types
from jsonschema import Draft202012Validator
from langchain_core.utils.function_calling import convert_to_openai_function, convert_to_openai_tool

replies = json.load(sys.stdin)
NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def filled(tool, **more):
    """The least that the tool takes, and more."""
    least = {key: "why" for key in tool["required"]}
    if "name" in tool["properties"]:
        least["name"] = tool["properties"]["name"]["enum"][0]
    return {**least, **more}


for dialect, reply in replies.items():
    assert reply["success"] and reply["$defs"].keys() == reply["operations"].keys(), dialect
    for key, tool in reply["$defs"].items():
        where = f"{dialect}: {key}"
        assert NAME.match(key) and tool["title"] == key, where
        assert all("type" in one for one in tool["properties"].values()), where
        # As it is, whoever it is for, it is a schema.
        Draft202012Validator.check_schema(tool)
        # LangChain takes the title for the name, by which its models' packages make their tools.
        function = convert_to_openai_function(copy.deepcopy(tool))
        assert function["name"] == key and function["description"] == tool["description"], where
        assert function["parameters"]["properties"].keys() == tool["properties"].keys(), where
        assert convert_to_openai_tool(copy.deepcopy(tool))["function"] == function, where

def about_earlier(tool):
    """Whether it asks what came of a request, and does nothing itself."""
    return tool["title"] in ("request_list", "request_result")


for key, tool in replies["json-schema"]["$defs"].items():
    if about_earlier(tool):
        continue
    valid = Draft202012Validator(tool).is_valid
    everything = filled(tool, reason="one line", timeout=1, dry_run=True)
    assert valid(everything), key
    for optional in set(tool["properties"]) - set(tool["required"]) - {"reason"}:
        assert valid({**everything, optional: None}), (key, optional)
    for reason in ["", " ", "two\nlines", "a\n", "\u202e", "x" * 501]:
        assert not valid({**everything, "reason": reason}), (key, reason)
    assert not valid({**everything, "operation": "x"}), key
    if "name" in tool["properties"]:
        assert not valid({**everything, "name": "no-such-name"}), key

for key, tool in replies["openai-strict"]["$defs"].items():
    # It would change what is not strict, and refuse what cannot be made so.
    assert ensure_strict_json_schema(copy.deepcopy(tool)) == tool, key
    if about_earlier(tool):
        continue
    valid = Draft202012Validator(tool).is_valid
    # All of them are required; null is what is left out.
    everything = {name: None for name in tool["properties"]} | {"reason": "why"}
    if "name" in tool["properties"]:
        everything["name"] = tool["properties"]["name"]["enum"][0]
    assert valid(everything), key
    assert not valid({**everything, "reason": " x"}), key

for key, tool in replies["gemini"]["$defs"].items():
    # It knows no other keyword, and no list of types.
    parameters = types.Schema.model_validate(tool)
    types.FunctionDeclaration(name=key, description=tool["description"], parameters=parameters)
    for name in set(tool["properties"]) - set(tool["required"]):
        assert parameters.properties[name].nullable, (key, name)

for key, tool in replies["anthropic"]["$defs"].items():
    text = json.dumps(tool)
    for keyword in ["minimum", "maximum", "minLength", "maxLength", "\"not\"", "\"if\""]:
        assert keyword not in text, (key, keyword)
    assert tool["additionalProperties"] is False, key

print("ok")
