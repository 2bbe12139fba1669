package exception

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"strake/generator/diag"
)

// baselineVersion changes when a field of the file changes its meaning.
const baselineVersion = 1

// Baseline is the findings that a repository had on the day it was written.
// There is no line in it: code that moves keeps its entry. It only shrinks.
type Baseline struct {
	entries map[string]*entry
}

// entry is one fingerprint. What stands beside the fingerprint is for people.
type entry struct {
	Fingerprint string `json:"fingerprint"`
	Rule        string `json:"rule"`
	Path        string `json:"path"`
	Object      string `json:"object,omitempty"`
	Field       string `json:"field,omitempty"`
	// Environments in which the finding held. Another environment is news.
	Environments []string `json:"environments,omitempty"`
	// Count is how many findings had the fingerprint. One more is news.
	Count int `json:"count"`
}

type baselineFile struct {
	Version  int     `json:"version"`
	Findings []entry `json:"findings"`
}

// ReadBaseline reads what Marshal wrote.
func ReadBaseline(data []byte) (*Baseline, error) {
	var f baselineFile
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return nil, fmt.Errorf("this is no baseline: %w", err)
	}
	if f.Version != baselineVersion {
		return nil, fmt.Errorf("the baseline has version %d: this binary reads version %d", f.Version, baselineVersion)
	}
	b := &Baseline{entries: map[string]*entry{}}
	for i := range f.Findings {
		e := &f.Findings[i]
		if b.entries[e.Fingerprint] != nil {
			return nil, fmt.Errorf("fingerprint %s stands twice in the baseline", e.Fingerprint)
		}
		b.entries[e.Fingerprint] = e
	}
	return b, nil
}

// NewBaseline accepts the findings as they are, except those that nobody may
// accept.
func NewBaseline(findings diag.List, fixed func(rule string) bool) *Baseline {
	b := &Baseline{entries: map[string]*entry{}}
	for _, d := range findings {
		if fixed(d.Rule) {
			continue
		}
		id := d.Fingerprint()
		e := b.entries[id]
		if e == nil {
			e = &entry{Fingerprint: id, Rule: d.Rule, Path: d.Range.Path, Object: d.Object, Field: d.Field}
			b.entries[id] = e
		}
		e.Count++
		e.Environments = slices.Compact(slices.Sorted(slices.Values(append(e.Environments, d.Environments...))))
	}
	return b
}

// Len is how many findings the baseline holds.
func (b *Baseline) Len() int {
	n := 0
	for _, e := range b.entries {
		n += e.Count
	}
	return n
}

// Marshal writes the baseline, sorted, one finding a line, so that two branches
// that shrink it merge.
func (b *Baseline) Marshal() []byte {
	all := make([]*entry, 0, len(b.entries))
	for _, e := range b.entries {
		if e.Count > 0 {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(x, y *entry) int {
		return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Object, y.Object),
			cmp.Compare(x.Field, y.Field), cmp.Compare(x.Fingerprint, y.Fingerprint))
	})
	var out bytes.Buffer
	fmt.Fprintf(&out, "{\n  \"version\": %d,\n  \"findings\": [", baselineVersion)
	for i, e := range all {
		if i > 0 {
			out.WriteByte(',')
		}
		line, err := json.Marshal(e)
		if err != nil { // strings and numbers: there is nothing to refuse
			continue
		}
		out.WriteString("\n    ")
		out.Write(line)
	}
	out.WriteString("\n  ]\n}\n")
	return out.Bytes()
}

// Apply separates the findings that the baseline holds from the others. What the
// baseline holds and nothing shows any more is a finding when all was checked:
// it could come back unseen. shrunk is the baseline without it, and never holds
// more than the receiver.
func (b *Baseline) Apply(findings diag.List, path string, complete bool) (rest diag.List, held []Held, shrunk *Baseline) {
	shrunk = &Baseline{entries: map[string]*entry{}}
	for i := range findings {
		d := findings[i]
		e := b.entries[d.Fingerprint()]
		if e == nil {
			rest = append(rest, d)
			continue
		}
		now := shrunk.entries[e.Fingerprint]
		if now == nil {
			fresh := *e
			fresh.Count, fresh.Environments = 0, nil
			now = &fresh
			shrunk.entries[e.Fingerprint] = now
		}
		if now.Count == e.Count {
			rest = append(rest, d)
			continue
		}
		in, out := d, (*diag.Diagnostic)(nil)
		if len(d.Environments) > 0 {
			in, out = split(d, cmpEnvironments(e.Environments))
		}
		if len(d.Environments) == 0 || len(in.Environments) > 0 {
			now.Count++
			now.Environments = slices.Compact(slices.Sorted(slices.Values(append(now.Environments, in.Environments...))))
			held = append(held, Held{Finding: in})
		}
		if out != nil {
			rest = append(rest, *out)
		}
	}
	if gone := b.Len() - shrunk.Len(); complete && gone > 0 {
		rest = append(rest, diag.Diagnostic{
			Rule: ruleStale, Severity: diag.Error, Range: diag.Range{Path: path},
			Summary: fmt.Sprintf("the baseline holds %s that %s gone", plural(gone), isAre(gone)),
			Detail:  "They could come back unseen. Run the same command with --write-baseline " + path + ": it only ever takes entries out.",
		})
	}
	return rest, held, shrunk
}

// cmpEnvironments makes an entry without environments match none, where split
// takes none for all.
func cmpEnvironments(e []string) []string {
	if len(e) == 0 {
		return []string{""}
	}
	return e
}

func plural(n int) string {
	if n == 1 {
		return "a finding"
	}
	return fmt.Sprintf("%d findings", n)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
