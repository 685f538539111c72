"""Holds Kubernetes objects against the schemas of a Kubernetes version, and of their definitions where they are no kinds of its own.

    validate.py VERSION FOLDER < OBJECTS

OBJECTS is a JSON list of [place, object]. FOLDER has the schemas of definitions, KIND.GROUP.json. A line is printed for each fault.
"""

import json
import pathlib
import sys

import jsonschema
import kubernetes_validate

VERSION, FOLDER = sys.argv[1:]


def faults(thing):
    """What is wrong with an object."""
    group = thing["apiVersion"].rpartition("/")[0]
    own = pathlib.Path(FOLDER, f"{thing['kind']}.{group}.json")
    if own.exists():
        schema = json.loads(own.read_text(encoding="utf-8"))
        for error in jsonschema.Draft202012Validator(schema).iter_errors(thing):
            yield f"{error.json_path}: {error.message}"
        # Names and labels are the server's to judge.
        thing = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": thing["metadata"]}
    try:
        kubernetes_validate.validate(thing, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{error.json_path}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError:
        yield f"nothing is known of {thing['kind']} of {thing['apiVersion']}: no schema in {FOLDER}"


for place, thing in json.load(sys.stdin):
    for fault in faults(thing):
        print(f"{place}: {fault[:300]}")
