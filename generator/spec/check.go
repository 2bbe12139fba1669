package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"strake/generator/diag"
)

// mode says how much of a document is final.
type mode uint8

const (
	// rawMode is a document as written: strings with variables are left for
	// later, and what merging may still complete is not required.
	rawMode mode = iota
	// mergedMode is what merging and variables made: only what they changed is
	// judged again, so that nothing is said twice.
	mergedMode
	// finalMode is a file without variables and without merging.
	finalMode
)

// checker holds a tree of nodes against a shape.
type checker struct {
	mode  mode
	found diag.List
}

func (c *checker) report(rule string, n *node, path, summary, detail string) {
	c.found = append(c.found, diag.Diagnostic{
		Rule: rule, Severity: diag.Error, Summary: summary, Detail: detail, Range: n.at, Field: path,
	})
}

// value checks one node and returns the one to go on with: what has a finding
// is replaced by a broken node. at is the range to blame for what is missing.
func (c *checker) value(n *node, sh *shape, t tag, path string, partial bool) *node {
	switch {
	case n == nil || n.kind == brokenKind || n.kind == pendingKind:
		return n
	case n.kind == nullKind && c.mode == finalMode && t.required:
		c.report(ruleRequired, n, path, lastKey(path)+" has no value", "")
		return n.broken()
	case n.kind == nullKind:
		return n
	}
	switch sh.kind {
	case structure:
		return c.structure(n, sh, path, partial)
	case dictionary:
		return c.dictionary(n, sh, t, path, partial)
	case sequence:
		return c.sequence(n, sh, t, path, partial)
	case opaque:
		return n
	default:
		return c.scalar(n, sh, t, path)
	}
}

func (c *checker) structure(n *node, sh *shape, path string, partial bool) *node {
	if n.kind != mapKind {
		return c.wrongType(n, path, "a map with "+keyList(sh.names()))
	}
	out := n.copy()
	out.entries = out.entries[:0:0]
	var guessed []entry
	for _, e := range n.entries {
		f := sh.field(e.key)
		if f == nil {
			if guess := c.unknownKey(e, sh, path); guess != "" && n.get(guess) == nil {
				guessed = append(guessed, entry{key: guess, at: e.at, value: e.value.broken()})
			} else if guess == "" {
				out.tainted = true
			}
			continue
		}
		e.value = c.value(e.value, f.shape, f.tag, child(path, e.key), partial || f.tag.partial)
		out.entries = append(out.entries, e)
	}
	for _, e := range guessed {
		out.set(e)
	}
	c.exclusive(out, sh, path)
	c.required(out, sh, path, partial)
	return out
}

// unknownKey reports a key and returns the one that was probably meant.
func (c *checker) unknownKey(e entry, sh *shape, path string) string {
	guess := diag.DidYouMean(e.key, sh.names())
	detail := "Accepted here: " + keyList(sh.names()) + "."
	if guess != "" {
		detail = "Did you mean " + guess + "? " + detail
	}
	where := "at the top of the document"
	if path != "" {
		where = "in " + path
	}
	c.found = append(c.found, diag.Diagnostic{
		Rule: ruleUnknownKey, Severity: diag.Error, Range: e.at, Field: child(path, e.key),
		Summary: fmt.Sprintf("unknown key %q %s", e.key, where), Detail: detail,
		Sensitive: e.value.scalar() && looksSecret(e.key),
	})
	return guess
}

// exclusive reports keys of one group that stand in the same map. In merged
// maps an override has already removed the others.
func (c *checker) exclusive(n *node, sh *shape, path string) {
	if c.mode == mergedMode {
		c.companions(n, sh, path)
		return
	}
	first := map[string]entry{}
	for _, e := range n.entries {
		f := sh.field(e.key)
		if f.tag.group == "" || e.value.kind == nullKind {
			continue
		}
		earlier, seen := first[f.tag.group]
		if !seen {
			first[f.tag.group] = e
			continue
		}
		c.found = append(c.found, diag.Diagnostic{
			Rule: ruleExclusive, Severity: diag.Error, Range: e.at, Field: child(path, e.key),
			Summary: fmt.Sprintf("%s and %s exclude each other", earlier.key, e.key), Detail: "Keep one of them.",
			Related: []diag.Related{{Range: earlier.at, Message: earlier.key + " is set here"}},
		})
	}
}

// companions reports a key that goes with another which is not the one chosen.
func (c *checker) companions(n *node, sh *shape, path string) {
	for _, e := range n.entries {
		with := sh.field(e.key).tag.with
		if with == "" || e.value.kind == brokenKind || hasAny(n, []string{with}) || !hasAny(n, sh.group(sh.field(with).tag.group)) {
			continue
		}
		c.found = append(c.found, diag.Diagnostic{
			Rule: ruleExclusive, Severity: diag.Error, Range: e.at, Field: child(path, e.key),
			Summary: fmt.Sprintf("%s goes with %s, which is not set", e.key, with), Detail: "Remove it: nothing would read it.",
		})
	}
}

// required reports what a map lacks. A map whose keys were not all understood
// may hold it under another name, and is not blamed.
func (c *checker) required(n *node, sh *shape, path string, partial bool) {
	if n.tainted || path == "" && c.mode == mergedMode {
		return
	}
	groups := map[string]bool{}
	for _, f := range sh.fields {
		switch {
		case !f.tag.required, f.tag.group != "" && groups[f.tag.group]:
			continue
		case partial && f.name != "name":
			continue
		}
		wanted := []string{f.name}
		if f.tag.group != "" {
			groups[f.tag.group] = true
			wanted = sh.group(f.tag.group)
		}
		if hasAny(n, wanted) {
			continue
		}
		summary := diag.OneOf(wanted) + " is missing"
		if path != "" {
			summary = diag.OneOf(wanted) + " is missing in " + path
		}
		c.report(ruleRequired, n, child(path, wanted[0]), summary, "")
		if c.mode == rawMode {
			n.set(entry{key: wanted[0], at: n.at, value: n.broken()}) // it has its finding
		}
	}
}

// hasAny reports whether a map has a value for one of the keys.
func hasAny(n *node, keys []string) bool {
	for _, key := range keys {
		if v := n.get(key); v != nil && v.kind != nullKind {
			return true
		}
	}
	return false
}

func (c *checker) dictionary(n *node, sh *shape, t tag, path string, partial bool) *node {
	if n.kind != mapKind {
		return c.wrongType(n, path, "a map")
	}
	if sh.elem.kind == opaque {
		return n
	}
	inner := t
	inner.required, inner.keys, inner.items = false, t.items, ""
	if sh.elem.kind == structure {
		inner = tag{}
	}
	out := n.copy()
	for i, e := range out.entries {
		if judge := lookupFormat(t.keys); judge != nil && c.mode != mergedMode {
			if rule, want := judge(e.key); rule != "" {
				d := diag.Diagnostic{
					Rule: rule, Severity: diag.Error, Range: e.at, Field: path,
					Summary: fmt.Sprintf("%q is not a valid key in %s", e.key, lastKey(path)), Detail: "Write " + want + ".",
				}
				if guess := diag.DidYouMean(e.key, knownKeys(t.keys)); guess != "" {
					d.Detail = "Did you mean " + guess + "? " + d.Detail
				}
				c.found = append(c.found, d)
			}
		}
		out.entries[i].value = c.value(e.value, sh.elem, inner, child(path, e.key), partial)
	}
	return out
}

// knownKeys are the words that a dictionary's keys are usually taken from.
func knownKeys(format string) []string {
	switch format {
	case "quota":
		return quotaNames()
	case "resource":
		return []string{"cpu", "memory", "ephemeral-storage", "nvidia.com/gpu"}
	case "placement":
		return []string{allEnvironments}
	}
	return nil
}

func (c *checker) sequence(n *node, sh *shape, t tag, path string, partial bool) *node {
	if n.kind != listKind {
		if n.scalar() && sh.elem.kind == text {
			return c.wrongType(n, path, "a list: ["+n.text+"]")
		}
		if sh.named {
			return c.wrongType(n, path, "a list: each item begins with - name:")
		}
		return c.wrongType(n, path, "a list")
	}
	inner := t
	inner.required = false
	out := n.copy()
	first := map[string]*node{}
	for i, it := range n.items {
		at := item(path, sh, it, i)
		if sh.named && it.get("$remove") != nil && c.mode == rawMode {
			out.items[i] = c.removal(it, at, partial)
			continue
		}
		if it.kind == nullKind {
			c.report(ruleType, it, at, "item of "+lastKey(path)+" is empty", "")
			out.items[i] = it.broken()
			continue
		}
		out.items[i] = c.value(it, sh.elem, inner, at, partial)
		if name := nameOf(it); sh.named && name != "" && c.mode != mergedMode {
			if earlier := first[name]; earlier != nil {
				c.found = append(c.found, diag.Diagnostic{
					Rule: ruleDuplicate, Severity: diag.Error, Range: it.get("name").at, Field: at,
					Summary: fmt.Sprintf("%q stands twice in %s", name, lastKey(path)), Detail: "Names in a list are unique: lists merge by name.",
					Related: []diag.Related{{Range: earlier.get("name").at, Message: "first named here"}},
				})
				out.items[i] = it.broken()
				continue
			}
			first[name] = it
		}
	}
	return out
}

// removal checks {name: x, $remove: true}.
func (c *checker) removal(n *node, path string, partial bool) *node {
	remove := n.get("$remove")
	switch {
	case !partial:
		c.report(ruleMerge, n, path, "$remove stands where nothing is inherited", "Leave the item out.")
	case remove.kind != boolKind || remove.text != "true":
		c.report(ruleType, remove, path, "$remove is not true", "Write $remove: true, or leave the key out.")
	case nameOf(n) == "":
		c.report(ruleRequired, n, path, "name is missing beside $remove", "")
	case len(n.entries) > 2:
		c.report(ruleMerge, n, path, "an item to remove has other keys", "Write only name and $remove.")
	default:
		return n
	}
	return n.broken()
}

func (c *checker) wrongType(n *node, path, want string) *node {
	what := n.kind.String()
	if n.scalar() {
		what += " (" + shorten(n.text) + ")"
	}
	sensitive := looksSecret(path) && n.kind == textKind
	if sensitive {
		what = n.kind.String()
	}
	c.found = append(c.found, diag.Diagnostic{
		Rule: ruleType, Severity: diag.Error, Range: n.at, Field: path, Sensitive: sensitive,
		Summary: lastKey(path) + " is " + what, Detail: "Write " + want + ".",
	})
	return n.broken()
}

var (
	decimal   = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,8})$`)
	oldYAML   = regexp.MustCompile(`^(?i:y|yes|n|no|on|off)$`)
	variables = regexp.MustCompile(`\$\{`)
	userInfo  = regexp.MustCompile(`://[^/@\s]*:[^/@\s]*@`)
)

// scalar checks a leaf.
func (c *checker) scalar(n *node, sh *shape, t tag, path string) *node {
	switch {
	case !n.scalar():
		want := map[shapeKind]string{text: "a string", integer: "a whole number", boolean: "true or false"}[sh.kind]
		if len(t.enum) > 0 {
			want = diag.OneOf(t.enum)
		}
		return c.wrongType(n, path, want)
	case c.mode == mergedMode && !n.expanded:
		return n
	case c.mode == rawMode && n.kind == textKind && variables.MatchString(n.text):
		return n
	}
	switch sh.kind {
	case integer:
		return c.integer(n, t, path)
	case boolean:
		if n.text == "true" || n.text == "false" {
			if n.kind == boolKind || n.expanded {
				return n
			}
		}
		if oldYAML.MatchString(n.text) && !n.quoted {
			c.report(ruleType, n, path, fmt.Sprintf("%s is %s, which is a string in YAML 1.2", lastKey(path), n.text), "Write true or false.")
			return n.broken()
		}
		return c.wrongType(n, path, "true or false, without quotes")
	default:
		return c.string(n, t, path)
	}
}

func (c *checker) integer(n *node, t tag, path string) *node {
	number, err := strconv.Atoi(n.text)
	switch {
	case n.kind != integerKind && !n.expanded || err != nil || !decimal.MatchString(n.text):
		return c.wrongType(n, path, "a whole number, without quotes")
	case t.hasMin && number < t.min:
		c.report(ruleValue, n, path, fmt.Sprintf("%s is %d", lastKey(path), number), fmt.Sprintf("The least is %d.", t.min))
		return n.broken()
	}
	return n
}

func (c *checker) string(n *node, t tag, path string) *node {
	number := n.kind == integerKind || n.kind == floatKind
	switch {
	case number && t.format == "quantities":
	case n.kind != textKind && len(t.enum) > 0:
		return c.wrongType(n, path, diag.OneOf(t.enum))
	case n.kind != textKind:
		return c.wrongType(n, path, fmt.Sprintf("a string: %q", n.text))
	case !n.quoted && oldYAML.MatchString(n.text):
		c.report(ruleType, n, path, fmt.Sprintf("%s is %s without quotes, which older YAML readers take for a boolean", lastKey(path), n.text), fmt.Sprintf("Write %q or a boolean.", n.text))
		return n.broken()
	}
	if len(t.enum) > 0 {
		return c.enum(n, t, path)
	}
	judge := lookupFormat(t.format)
	if judge == nil {
		if t.required && n.text == "" {
			c.report(ruleRequired, n, path, lastKey(path)+" is empty", "")
			return n.broken()
		}
		return n
	}
	rule, want := judge(n.text)
	if rule == "" {
		return n
	}
	sensitive := t.format == "secretid" || userInfo.MatchString(n.text)
	summary := fmt.Sprintf("%s %q is not valid", lastKey(path), shorten(n.text))
	switch {
	case t.format == "secretid":
		summary = lastKey(path) + " is not the name of a secret"
	case sensitive:
		summary = lastKey(path) + " holds a login"
	}
	c.found = append(c.found, diag.Diagnostic{
		Rule: rule, Severity: diag.Error, Range: n.at, Field: path, Sensitive: sensitive,
		Summary: summary, Detail: "Write " + want + ".",
	})
	if rule == ruleName && t.format != "secretid" {
		// A badly written name still names the thing: who refers to it is right.
		return n
	}
	return n.broken()
}

func (c *checker) enum(n *node, t tag, path string) *node {
	if slices.Contains(t.enum, n.text) {
		return n
	}
	detail := "Accepted: " + diag.OneOf(t.enum) + "."
	if guess := diag.DidYouMean(n.text, t.enum); guess != "" {
		detail = "Did you mean " + guess + "? " + detail
	}
	rule, summary := ruleValue, fmt.Sprintf("%s is %q", lastKey(path), shorten(n.text))
	if n.text == "server" && strings.HasSuffix(strings.TrimRight(path, "]0123456789["), "authModes") {
		rule, summary = ruleAuth, "authModes holds server"
		detail = "It lets every caller act as the server itself. Write client, or sso with a login."
	}
	c.report(rule, n, path, summary, detail)
	return n.broken()
}

// lastKey is the key that a human would call a path by.
func lastKey(path string) string {
	if path == "" {
		return "document"
	}
	if end := strings.LastIndexByte(path, '['); end > 0 && strings.HasSuffix(path, "]") {
		return "item of " + lastKey(path[:end])
	}
	depth := 0
	for i := len(path) - 1; i >= 0; i-- {
		switch {
		case path[i] == ']':
			depth++
		case path[i] == '[':
			depth--
		case path[i] == '.' && depth == 0:
			return path[i+1:]
		}
	}
	return path
}

// shorten keeps a summary on one line.
func shorten(s string) string {
	const most = 60
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// keyList writes keys in the order of their declaration.
func keyList(keys []string) string { return strings.Join(keys, ", ") }
