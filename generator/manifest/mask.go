package manifest

import (
	"encoding/json"
	"regexp"
	"strings"
)

// lastApplied is the annotation in which kubectl apply keeps a copy of the
// whole object, secrets and all.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// masked stands for a secret value. It does not depend on the value, so it
// tells nothing about it, neither by length nor by comparing two reports.
const masked = "********"

// secretWord is the end of a name that says that its value is a credential.
const secretWord = `(?:password|passwd|passphrase|secret|token|api[-_.]?key|access[-_.]?key|secret[-_.]?key|private[-_.]?key|signing[-_.]?key|encryption[-_.]?key|credentials?|connection[-_.]?string|(?:^|[^a-zA-Z])(?:pass|pwd|dsn))`

// secretKey matches the name of a field, an environment variable or a key of a
// ConfigMap that holds a credential. A name in the plural (max_tokens) does not.
var secretKey = regexp.MustCompile(`(?i)` + secretWord + `(?:[^a-z]|$)`)

// aboutSecret matches the end of names that only say something about a secret:
// where it is kept, how long it lasts.
var aboutSecret = regexp.MustCompile(`(?i)[-_.](file|path|name|dir|url|uri|endpoint|ttl|expiry|expiration|lifetime|mode|enabled|ref|type|kind|audience|issuer|length|size|count|limit|version|algorithm|seconds|namespace|store|provider|header)$`)

// secretValue matches text that is a credential whatever its field is called.
var secretValue = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{22,}\b|\bxox[abprs]-[A-Za-z0-9-]{10,}|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.|\bAIza[0-9A-Za-z_-]{35}\b|\bya29\.[0-9A-Za-z_-]{20,}|https://hooks\.slack\.com/services/\S+`)

// The forms that a credential takes inside of a text.
var (
	urlUser   = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/:@]*):([^\s/@]+)@`)
	inYAML    = regexp.MustCompile(`(?i)^(\s*(?:- +)?["']?[\w.-]*` + secretWord + `["']?\s*:\s+)(\S.*)$`)
	inJSON    = regexp.MustCompile(`(?i)("[\w.-]*` + secretWord + `"\s*:\s*)("(?:[^"\\]|\\.)*")`)
	inAssign  = regexp.MustCompile(`(?i)((?:^|[\s;&"'(,])[\w.-]*` + secretWord + `\s?=\s?)("[^"]*"|'[^']*'|[^\s;&,]+)`)
	inCommand = regexp.MustCompile(`(?i)((?:^|\s)--?[\w-]*` + secretWord + `\s+)([^\s-]\S*)`)
	flag      = regexp.MustCompile(`^--?[a-zA-Z][\w.-]*$`)
)

// isReference reports whether a field is one whose name sounds secret and whose
// value is not: it says where a secret is kept, or how it is used.
func isReference(key string) bool {
	switch key {
	case "secretName", "secretRef", "secretKeyRef", "secret", "tokenRef", "passwordSecret", "userNameSecret", "accessKeySecret",
		"secretKeySecret", "serviceAccountKeySecret", "secretStoreRef", "tokenExpirationSeconds", "automountServiceAccountToken",
		"serviceAccountToken", "imagePullSecrets", "secrets", "authSecretRef", "passwordSecretRef",
		"tokenSecretRef", "secretAccessKeySecretRef", "accessKeyIDSecretRef", "secretKey", "remoteRef", "tokenReview":
		return true
	}
	return false
}

// isSecretKey reports whether a name says that its value is a credential. Words
// in camelCase count apart: apiKey, dbPassword.
func isSecretKey(name string) bool {
	words := splitWords(name)
	return secretKey.MatchString(words) && !aboutSecret.MatchString(words)
}

// splitWords puts a dash between the words of a camelCase name.
func splitWords(name string) string {
	var b strings.Builder
	var before rune
	for _, r := range name {
		if r >= 'A' && r <= 'Z' && before >= 'a' && before <= 'z' {
			b.WriteByte('-')
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// IsSensitive reports whether the value at a path must not be shown.
func IsSensitive(o *Object, p Path) bool {
	m := masker{object: o}
	var value any = o.Fields
	secret := false
	for i, step := range p {
		parent := value
		value = child(value, step)
		secret = secret || m.secret(p[:i+1], parent, value)
	}
	if text, ok := value.(string); ok && !secret {
		return maskText(text) != text
	}
	return secret
}

func child(value any, step Step) any {
	if step.Key != "" {
		m, _ := value.(map[string]any)
		return m[step.Key]
	}
	items, _ := value.([]any)
	if step.Index < 0 || step.Index >= len(items) {
		return nil
	}
	return items[step.Index]
}

// Mask returns a copy of an object in which no value is secret any more: the
// data of Secrets, kubectl's copy of the object, and whatever a key or its own
// form gives away as a credential. The placeholder is the same for all values.
// YAML is written anew; the layers stay.
func Mask(o *Object) *Object {
	m := masker{object: o}
	out := *o
	fields, _ := m.value(nil, nil, o.Fields).(map[string]any)
	out.Fields = fields
	text, err := marshal(fields)
	if err != nil {
		text = nil
	}
	out.YAML = text
	return &out
}

type masker struct {
	object *Object
}

func (m masker) value(at Path, parent, value any) any {
	if len(at) > 0 && m.secret(at, parent, value) {
		return hide(value)
	}
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = m.value(extend(at, Step{Key: key}), v, item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = m.value(extend(at, Step{Index: i}), v, item)
		}
		return out
	case string:
		return maskText(v)
	default:
		return v
	}
}

// hide masks a value but keeps the keys of a map: they are names.
func hide(value any) any {
	switch v := value.(type) {
	case nil:
		return nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			out[key] = masked
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = masked
		}
		return out
	default:
		return masked
	}
}

// maskText masks the credentials inside of a text, line by line.
func maskText(text string) string {
	if secretValue.MatchString(text) {
		return masked
	}
	if !strings.ContainsAny(text, "=: ") {
		return text
	}
	lines := strings.Split(text, "\n")
	block := -1 // the indentation of a key whose block is secret
	for i, line := range lines {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if block >= 0 && strings.TrimSpace(line) != "" {
			if indent > block {
				lines[i] = line[:indent] + masked
				continue
			}
			block = -1
		}
		if m := inYAML.FindStringSubmatch(line); m != nil && (m[2][0] == '|' || m[2][0] == '>') {
			block = indent
			continue
		}
		lines[i] = maskLine(line)
	}
	return strings.Join(lines, "\n")
}

func maskLine(line string) string {
	if strings.Contains(line, "://") {
		line = urlUser.ReplaceAllString(line, "${1}:"+masked+"@")
	}
	for _, form := range []*regexp.Regexp{inYAML, inJSON, inAssign, inCommand} {
		line = form.ReplaceAllStringFunc(line, func(found string) string {
			parts := form.FindStringSubmatch(found)
			if harmless(parts[2]) {
				return found
			}
			return parts[1] + masked
		})
	}
	return line
}

// harmless reports whether what follows a telling name is no literal: a
// reference to a variable, a template, or nothing.
func harmless(value string) bool {
	value = strings.Trim(strings.TrimSpace(value), `"'`)
	switch {
	case value == "" || value == "{" || value == "[" || value == "|" || value == ">" || value == "null" || value == "true" || value == "false" || value == "{}" || value == "[]" || value == masked:
		return true
	case strings.HasPrefix(value, "$") || strings.HasPrefix(value, "{{"):
		return true
	}
	return false
}

// secret reports whether the value at the end of a path is secret by where it
// stands. parent is the map or list that holds it.
func (m masker) secret(at Path, parent, value any) bool {
	last := at[len(at)-1]
	top := at[0].Key
	if m.object.Kind == "Secret" && m.object.Group() == "" && (top == "data" || top == "stringData") {
		return len(at) >= 2 || !isMap(value)
	}
	if last.Key == lastApplied {
		return true
	}
	if value == nil || isBool(value) {
		return false
	}
	if m.object.Kind == "ConfigMap" && m.object.Group() == "" && top == "data" && len(at) == 2 {
		text, ok := value.(string)
		return ok && isSecretKey(last.Key) && !strings.Contains(text, "\n") && !harmless(text)
	}
	if items, ok := parent.([]any); ok && last.Key == "" {
		return followsFlag(items, last.Index)
	}
	if last.Key == "value" && isNamedSecret(parent) {
		text, ok := value.(string)
		return !ok || !harmless(text)
	}
	if last.Key == "" || isReference(last.Key) || !isSecretKey(last.Key) {
		return false
	}
	text, ok := value.(string)
	return ok && !harmless(text) && !isAnnotationOrLabel(at)
}

// isAnnotationOrLabel reports whether a path is a label or an annotation: their
// keys are names of other people's, and often hold such words.
func isAnnotationOrLabel(at Path) bool {
	return len(at) >= 2 && (at[len(at)-2].Key == "labels" || at[len(at)-2].Key == "matchLabels")
}

// isNamedSecret reports whether an item such as {name: DB_PASSWORD, value: x}
// holds a credential by its name.
func isNamedSecret(parent any) bool {
	item, _ := parent.(map[string]any)
	name, _ := item["name"].(string)
	return name != "" && isSecretKey(name)
}

// followsFlag reports whether an argument is the value of the flag before it:
// ["--password", "x"].
func followsFlag(items []any, index int) bool {
	if index < 1 || index >= len(items) {
		return false
	}
	before, _ := items[index-1].(string)
	value, ok := items[index].(string)
	return ok && flag.MatchString(before) && isSecretKey(strings.TrimLeft(before, "-")) && !harmless(value) && !strings.HasPrefix(value, "-")
}

func isMap(v any) bool  { _, ok := v.(map[string]any); return ok }
func isBool(v any) bool { _, ok := v.(bool); return ok }

// canonical is a value as text, to compare and to hash.
func canonical(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}
