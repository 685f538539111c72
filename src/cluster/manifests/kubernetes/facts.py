#!/usr/bin/env python3
"""Makes facts.txt: which kinds Kubernetes serves in each minor version, and the type of each of their fields.

    pip install kubernetes-validate==1.37.0
    python3 facts.py > facts.txt

Only facts are taken (names, types, versions), no descriptions. Their source is Kubernetes' own OpenAPI description
(api/openapi-spec/swagger.json of each release, Apache-2.0), as the package kubernetes-validate (Apache-2.0) carries it.
"""

import importlib.util
import json
import pathlib

MINORS = list(range(33, 38))
# What the API server reads in a way of its own: k8s.io/apimachinery (resource.Quantity, intstr.IntOrString, meta/v1.Time,
# runtime.RawExtension, meta/v1.FieldsV1) and apiextensions (JSON and its kin).
OWN = {
    "resource.Quantity": "quantity",
    "intstr.IntOrString": "int-or-string",
    "v1.Time": "time",
    "v1.MicroTime": "time",
    "runtime.RawExtension": "any",
    "v1.FieldsV1": "any",
    "v1.JSON": "any",
    "v1.JSONSchemaPropsOrArray": "any",
    "v1.JSONSchemaPropsOrBool": "any",
    "v1.JSONSchemaPropsOrStringArray": "any",
}
# Answers and questions of the API, which nobody applies.
NO_OBJECTS = {"DeleteOptions", "WatchEvent", "Status", "APIGroup", "APIVersions", "Scale", "Eviction", "TokenRequest"}


def short(name):
    return name.removeprefix("io.k8s.").removeprefix("api.").replace("apimachinery.pkg.apis.", "").replace(
        "apiextensions-apiserver.pkg.apis.", "").replace("kube-aggregator.pkg.apis.", "")


def type_of(schema, definitions):
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        known = OWN.get(".".join(name.split(".")[-2:]))
        return known or (short(name) if "properties" in definitions[name] else "any")
    kind = schema.get("type", "any")
    kind = kind if isinstance(kind, str) else next(entry for entry in kind if entry != "null")
    if kind == "array":
        return f"[{type_of(schema['items'], definitions)}]"
    if kind == "object":
        return "{%s}" % type_of(schema["additionalProperties"], definitions) if "additionalProperties" in schema else "any"
    return "bytes" if schema.get("format") == "byte" else kind


def versions(minors):
    first, last = min(minors), max(minors)
    assert sorted(minors) == list(range(first, last + 1)), minors
    if (first, last) == (MINORS[0], MINORS[-1]):
        return ""
    return f" {'' if first == MINORS[0] else first}-{'' if last == MINORS[-1] else last}"


def main():
    folder = pathlib.Path(importlib.util.find_spec("kubernetes_validate").origin).parent / "kubernetes-json-schema"
    kinds, types, present = {}, {}, {}
    for minor in MINORS:
        definitions = json.loads((folder / f"v1.{minor}.0-local" / "_definitions.json").read_text())["$defs"]
        for name, schema in definitions.items():
            for found in schema.get("x-kubernetes-group-version-kind", []):
                kind = found["kind"]
                if kind not in NO_OBJECTS and not kind.endswith("List"):
                    version = "/".join(filter(None, [found["group"], found["version"]]))
                    kinds.setdefault((version, kind, short(name)), []).append(minor)
            if ".".join(name.split(".")[-2:]) in OWN or "properties" not in schema:
                continue
            present.setdefault(short(name), []).append(minor)
            fields = types.setdefault(short(name), {})
            for field, inner in schema["properties"].items():
                fields.setdefault((field, type_of(inner, definitions)), []).append(minor)
    # Only what a kind reaches.
    reached, ahead = set(), [name for _, _, name in kinds]
    while ahead:
        name = ahead.pop()
        if name not in reached and name in types:
            reached.add(name)
            ahead += [kind.strip("[]{}") for _, kind in types[name]]
    print("# Made by facts.py beside it, from Kubernetes' OpenAPI descriptions (Apache-2.0). Do not edit it.")
    print("# `VERSION KIND TYPE`, then `TYPE` with ` FIELD TYPE` below it. At the end of a kind the minor versions that serve it,")
    print("# at the end of a field those that have it, where they are not all.")
    print("# Minor versions:", *MINORS)
    for (version, kind, name), minors in sorted(kinds.items()):
        print(f"{version} {kind} {name}{versions(minors)}")
    for name in sorted(reached):
        print(name)
        for (field, kind), minors in sorted(types[name].items()):
            print(f" {field} {kind}{versions(minors) if minors != present[name] else ''}")


main()
