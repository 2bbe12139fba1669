package spec

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Schema is the JSON Schema (draft 2020-12) of the four kinds, for editors:
// environments/platform.schema.json. It accepts all that Load accepts, and says
// less: names, references and merged values are Load's.
func Schema() []byte {
	g := &schemaMaker{defs: map[string]any{}, docs: fieldDocs(), types: typeDocs()}
	var kinds []string
	var branches []any
	for _, k := range documentKinds() {
		kinds = append(kinds, k.kind)
		branches = append(branches, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"kind": map[string]any{"const": k.kind}}, "required": []string{"kind"}},
			"then": g.structure(shapeOf(k.typ), false),
		})
	}
	schema := map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "Strake " + apiVersion,
		"description": "The spec of Strake: Platform, Tenant, Release and Facts. Generated from the types of generator/spec.",
		"type":        "object",
		"required":    []string{"apiVersion", "kind", "metadata", "spec"},
		"properties":  map[string]any{"kind": map[string]any{"enum": kinds}},
		"allOf":       branches,
		"$defs":       g.defs,
	}
	out, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil // unreachable: maps, lists and strings always marshal
	}
	return append(out, '\n')
}

// schemaMaker collects the definitions that the documents share.
type schemaMaker struct {
	defs        map[string]any
	docs, types map[string]string
}

// structure is the schema of a map with known keys. In a partial one only name
// is required: merging completes it.
func (g *schemaMaker) structure(sh *shape, partial bool) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range sh.fields {
		property := g.value(f.shape, f.tag, partial || f.tag.partial)
		optional := partial && f.name != "name" || !f.tag.required || f.tag.group != ""
		if optional {
			property = orNull(property)
		} else {
			required = append(required, f.name)
		}
		property["description"] = g.docs[f.owner]
		if f.tag.hasDefault {
			property["default"] = typedDefault(f)
		}
		properties[f.name] = property
	}
	out := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if doc := g.types[sh.typ.Name()]; doc != "" {
		out["description"] = doc
	}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// reference names a shared definition, so that the schema stays small.
func (g *schemaMaker) reference(sh *shape, partial bool) map[string]any {
	name := strings.ToUpper(sh.typ.Name()[:1]) + sh.typ.Name()[1:]
	if partial {
		name = "Partial" + name
	}
	if _, made := g.defs[name]; !made {
		g.defs[name] = true // ends a recursion
		g.defs[name] = g.structure(sh, partial)
	}
	return map[string]any{"$ref": "#/$defs/" + name}
}

func (g *schemaMaker) value(sh *shape, t tag, partial bool) map[string]any {
	switch sh.kind {
	case structure:
		return g.reference(sh, partial)
	case dictionary:
		inner := t
		inner.keys, inner.items = t.items, ""
		return map[string]any{"type": "object", "additionalProperties": orNull(g.value(sh.elem, inner, partial))}
	case sequence:
		items := g.value(sh.elem, t, partial)
		if sh.named && partial {
			items = map[string]any{"anyOf": []any{items, removalSchema()}}
		}
		return map[string]any{"type": "array", "items": items}
	case integer:
		out := map[string]any{"type": []string{"integer", "string"}, "pattern": variablePattern}
		if t.hasMin {
			out["minimum"] = t.min
		}
		return out
	case boolean:
		return map[string]any{"type": []string{"boolean", "string"}, "pattern": variablePattern}
	case opaque:
		return map[string]any{}
	}
	switch {
	case len(t.enum) > 0:
		return map[string]any{"anyOf": []any{
			map[string]any{"enum": slices.Clone(t.enum)},
			map[string]any{"type": "string", "pattern": variablePattern},
		}}
	case t.format == "quantities":
		return map[string]any{"type": []string{"string", "number"}}
	}
	return map[string]any{"type": "string"}
}

// variablePattern is what a string must hold to stand for a number, a boolean
// or one of a few words.
const variablePattern = `\$\{`

func removalSchema() map[string]any {
	return map[string]any{
		"type": "object", "additionalProperties": false, "required": []string{"name", "$remove"},
		"properties": map[string]any{"name": map[string]any{"type": "string"}, "$remove": map[string]any{"const": true}},
	}
}

// orNull also accepts null, which removes an inherited value.
func orNull(schema map[string]any) map[string]any {
	if len(schema) == 0 {
		return schema
	}
	return map[string]any{"anyOf": []any{schema, map[string]any{"type": "null"}}}
}

func typedDefault(f field) any {
	switch f.shape.kind {
	case integer:
		number, _ := strconv.Atoi(f.tag.value) // a test reads every tag
		return number
	case boolean:
		return f.tag.value == "true"
	case sequence:
		return strings.Split(f.tag.value, ",")
	default:
		return f.tag.value
	}
}
