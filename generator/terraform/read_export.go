package terraform

import (
	"strconv"

	"strake/generator/diag"
)

// JSON is the root for policies, in the manner of Terraform's own
// `show -json`: values are plain, and what is unknown or sensitive is null and
// listed by its path with the reason. Ranges are path, line and column.
func (r *Root) JSON() map[string]any {
	out := map[string]any{
		"dir": r.Dir, "resources": resourcesJSON(r.Resources), "data": resourcesJSON(r.Data),
		"complete": r.Complete(),
	}
	if r.Backend != nil {
		out["backend"] = map[string]any{"type": r.Backend.Type, "config": bodyJSON(&r.Backend.Body), "range": rangeJSON(r.Backend.Range)}
	}
	out["required_version"] = plainJSON(r.RequiredVersion)
	providers := map[string]any{}
	for _, p := range r.RequiredProviders {
		providers[p.Name] = map[string]any{"source": plainJSON(p.Source), "version": plainJSON(p.Version), "range": rangeJSON(p.Range)}
	}
	out["required_providers"] = providers
	variables, outputs, modules := map[string]any{}, map[string]any{}, []any{}
	for _, v := range r.Variables {
		value := v.Value
		value.Sensitive = value.Sensitive || v.Sensitive
		variables[v.Name] = map[string]any{"value": plainJSON(value), "range": rangeJSON(v.Range)}
	}
	for _, o := range r.Outputs {
		value := o.Value
		value.Sensitive = value.Sensitive || o.Sensitive
		outputs[o.Name] = map[string]any{"value": plainJSON(value), "sensitive": value.Sensitive, "range": rangeJSON(o.Range)}
	}
	for _, m := range r.Modules {
		modules = append(modules, map[string]any{"address": m.Address, "source": m.Source, "version": plainJSON(m.Version), "dir": m.Dir, "range": rangeJSON(m.Range)})
	}
	out["variables"], out["outputs"], out["modules"] = variables, outputs, modules
	return out
}

func resourcesJSON(list []*Resource) []any {
	out := make([]any, 0, len(list))
	for _, r := range list {
		unknown, sensitive := map[string]any{}, []any{}
		lines := map[string]any{}
		r.Each(func(path string, v Value) {
			lines[path] = rangeJSON(v.Range)
			v.each(path, func(path string, part Value) {
				switch {
				case part.hidden(path):
					sensitive = append(sensitive, path)
				case part.Unknown():
					unknown[path] = part.Reason()
				}
			})
		})
		item := map[string]any{
			"address": r.Address, "type": r.Type, "name": r.Name, "module": r.Module, "provider": r.Provider,
			"values": bodyJSON(&r.Body), "unknown": unknown, "sensitive": sensitive, "ranges": lines, "range": rangeJSON(r.Range),
		}
		if r.Uncertain != "" {
			item["uncertain"] = r.Uncertain
		}
		if prevent, known := r.Lifecycle.PreventDestroy.Bool(); known {
			item["prevent_destroy"] = prevent
		}
		out = append(out, item)
	}
	return out
}

// each calls f with a value and all its parts.
func (v Value) each(path string, f func(string, Value)) {
	f(path, v)
	for i, item := range v.items {
		v.below(item).each(path+"."+strconv.Itoa(i), f)
	}
	for _, k := range v.Keys() {
		v.below(v.fields[k]).each(path+"."+k, f)
	}
}

// hidden reports whether a value is not handed to policies, which may print it:
// what Terraform calls sensitive, and texts whose name is that of a secret.
func (v Value) hidden(path string) bool {
	return v.Sensitive || (v.kind == String && secretName(lastStep(path)))
}

func lastStep(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '.' {
			return path[i+1:]
		}
	}
	return path
}

func bodyJSON(b *Body) map[string]any {
	out := map[string]any{}
	for _, name := range b.Attributes() {
		out[name] = namedJSON(name, b.attributes[name])
	}
	for _, kind := range b.BlockTypes() {
		blocks := []any{}
		for _, child := range b.blocks {
			if child.Type == kind && child.Uncertain == "" {
				blocks = append(blocks, bodyJSON(&child.Body))
			}
		}
		if _, taken := out[kind]; !taken {
			out[kind] = blocks
		}
	}
	return out
}

func plainJSON(v Value) any { return namedJSON("", v) }

func namedJSON(name string, v Value) any {
	if v.hidden(name) {
		return nil
	}
	switch v.kind {
	case String:
		return v.text
	case Number:
		if n, err := strconv.ParseFloat(v.text, 64); err == nil {
			return n
		}
		return v.text
	case Bool:
		return v.truth
	case List:
		out := make([]any, 0, len(v.items))
		for _, item := range v.items {
			out = append(out, namedJSON(name, item))
		}
		return out
	case Map:
		out := make(map[string]any, len(v.fields))
		for k, f := range v.fields {
			out[k] = namedJSON(k, f)
		}
		return out
	default:
		return nil
	}
}

func rangeJSON(r diag.Range) map[string]any {
	return map[string]any{"path": r.Path, "line": r.Start.Line, "column": r.Start.Column}
}
