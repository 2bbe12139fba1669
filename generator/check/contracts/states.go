package contracts

import (
	"fmt"
	"slices"
	"strings"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/terraform"
)

// states: where each root keeps what it knows, and who reads it.
func (r *run) states() {
	for i, t := range r.roots {
		if t.Backend == nil || t.Backend.Type != "gcs" {
			continue
		}
		for _, other := range r.roots[:i] {
			if key := stateKey(other); key != "" && key == stateKey(t) {
				r.find("state-prefix-shared", diag.Error, nil, prefixLine(&t.Backend.Body), "backend.prefix",
					fmt.Sprintf("%s and %s keep their state in the same place", other.Dir, t.Dir),
					"Give each root a prefix of its own: two states in one place delete what the other made.",
					related(prefixLine(&other.Backend.Body), "the same in "+other.Dir))
			}
		}
		r.statePrefix(t)
	}
	for _, t := range r.roots {
		for _, data := range t.Data {
			if data.Type == "terraform_remote_state" {
				r.remoteState(t, data)
			}
		}
	}
}

// prefixLine is where a backend says its prefix.
func prefixLine(b *terraform.Body) diag.Range {
	if v := b.Get("prefix"); !v.Range.IsZero() {
		return v.Range
	}
	return b.Range
}

// stateKey is where a root keeps its state, "" where that is not known.
func stateKey(t *root) string {
	if t.Backend == nil || t.Backend.Type != "gcs" {
		return ""
	}
	bucket, prefix := text(t.Backend.Get("bucket")), text(t.Backend.Get("prefix"))
	if bucket == "" || !bucket.known() || !prefix.known() {
		return ""
	}
	return string(bucket) + "/" + strings.Trim(string(prefix), "/")
}

// statePrefix: a place that does not name its environment is sooner or later
// that of two.
func (r *run) statePrefix(t *root) {
	key := stateKey(t)
	if key == "" || r.in.Environment == "" || r.in.Spec == nil || strings.Contains(key, r.in.Environment) {
		return
	}
	r.find("state-prefix-environment", diag.Warning, nil, prefixLine(&t.Backend.Body), "backend.prefix",
		fmt.Sprintf("the state of %s does not name the environment %s", t.Dir, r.in.Environment),
		"Put the environment into the prefix, or into the name of the bucket: the next environment copies this file.")
}

// remoteState: what is read is what another root of the environment writes, and
// has what is asked for.
func (r *run) remoteState(t *root, data *terraform.Resource) {
	if !text(data.Get("backend")).may("gcs") {
		return
	}
	bucket, prefix := data.Get("config.bucket"), data.Get("config.prefix")
	for _, v := range []terraform.Value{bucket, prefix} {
		if v.Unknown() {
			r.unknown(data, "config", v)
			return
		}
	}
	want := string(text(bucket)) + "/" + strings.Trim(string(text(prefix)), "/")
	var others []*root
	for _, other := range r.roots {
		if other == t {
			continue
		}
		others = append(others, other)
		if stateKey(other) == want {
			r.readsFrom(t, other, data)
			return
		}
	}
	if len(others) == 0 || slices.ContainsFunc(others, func(o *root) bool { return stateKey(o) == "" }) {
		return
	}
	nearest := others[0]
	for _, other := range others {
		if strings.HasPrefix(stateKey(other), string(text(bucket))+"/") || strings.HasSuffix(stateKey(other), "/"+strings.Trim(string(text(prefix)), "/")) {
			nearest = other
			break
		}
	}
	v := prefix
	if !text(nearest.Backend.Get("bucket")).is(string(text(bucket))) {
		v = bucket
	}
	r.find("remote-state-mismatch", diag.Error, data, line(data, v), "config",
		fmt.Sprintf("%s reads the state at %s, which no root of the environment writes", data.Address, want),
		fmt.Sprintf("%s writes to %s: both have to say the same.", nearest.Dir, stateKey(nearest)),
		related(prefixLine(&nearest.Backend.Body), "what "+nearest.Dir+" writes"))
}

func (r *run) readsFrom(t, other *root, data *terraform.Resource) {
	if t.layer == persistent && other.layer == ephemeral {
		r.find("persistent-depends-on-ephemeral", diag.Error, data, data.Range, "",
			fmt.Sprintf("%s is persistent and reads the state of %s", t.Dir, other.Dir),
			"Turn it round: what is kept must not need what may be destroyed.",
			related(prefixLine(&other.Backend.Body), "ephemeral"))
	}
	var outputs []string
	for _, o := range other.Outputs {
		outputs = append(outputs, o.Name)
	}
	address := "data." + data.Type + "." + data.Name
	for _, use := range t.StateReads {
		name := use.Output
		if use.Address != address || slices.Contains(outputs, name) {
			continue
		}
		detail := fmt.Sprintf("Declare output %q in %s, or read one that it has.", name, other.Dir)
		if near := diag.DidYouMean(name, outputs); near != "" {
			detail = fmt.Sprintf("Did you mean %s? ", near) + detail
		}
		at := diag.Range{Path: other.Dir}
		switch {
		case len(other.Outputs) > 0:
			at = other.Outputs[closest(name, outputs)].Range
		case other.Backend != nil:
			at = other.Backend.Range
		}
		r.find("remote-state-output", diag.Error, nil, use.Range, address+".outputs."+name,
			fmt.Sprintf("%s has no output %s", other.Dir, name), detail, related(at, "the outputs of "+other.Dir))
	}
}

// Claims are the states and the identities of an environment, of which no other
// environment may have the same.
func (*Checker) Claims(in *check.Input) []check.Claim {
	r := read(in)
	var out []check.Claim
	for _, t := range r.roots {
		if key := stateKey(t); key != "" {
			out = append(out, check.Claim{
				Rule: "state-prefix-shared", Key: key, Source: t.Dir, Range: prefixLine(&t.Backend.Body),
				Summary: "keep their state in the same place, " + key,
				Detail:  "Put the environment into the prefix: two states in one place delete what the other made.",
			})
		}
	}
	return append(out, r.identityClaims()...)
}
