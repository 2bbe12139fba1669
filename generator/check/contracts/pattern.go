package contracts

import (
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/terraform"
)

// hole stands for a piece of a text that is not known.
const hole = "\x00"

// pattern is a text of which pieces may be unknown. The empty pattern is a text
// that is not set.
type pattern string

// text is what is known of a string.
func text(v terraform.Value) pattern {
	if s, ok := v.Str(); ok {
		return pattern(s)
	}
	if !v.Unknown() {
		return ""
	}
	if parts := v.Parts(); len(parts) > 1 {
		return pattern(strings.Join(parts, hole))
	}
	return hole
}

// known reports that no piece is missing.
func (p pattern) known() bool { return !strings.Contains(string(p), hole) }

// is reports that the pattern is certainly this text.
func (p pattern) is(s string) bool { return string(p) == s }

// may reports that the pattern is, or could turn out to be, this text.
func (p pattern) may(s string) bool {
	pieces := strings.Split(string(p), hole)
	if len(pieces) == 1 {
		return string(p) == s
	}
	first, last := pieces[0], pieces[len(pieces)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, piece := range pieces[1 : len(pieces)-1] {
		_, rest, found := strings.Cut(s, piece)
		if !found {
			return false
		}
		s = rest
	}
	return true
}

// meets reports that two patterns could be the same text. Of two with holes in
// them it is not asked where: they could.
func (p pattern) meets(q pattern) bool {
	switch {
	case p.known():
		return q.may(string(p))
	case q.known():
		return p.may(string(q))
	default:
		return true
	}
}

// String shows the pattern in a sentence.
func (p pattern) String() string { return strings.ReplaceAll(string(p), hole, "…") }

// truth is a bool that is false where none is set.
func truth(v terraform.Value) (is, known bool) {
	if v.Unset() {
		return false, true
	}
	return v.Bool()
}

// yes reports that a bool is certainly true.
func yes(v terraform.Value) bool {
	is, known := truth(v)
	return is && known
}

// no reports that a bool is certainly false: that is written, not left out.
func no(v terraform.Value) bool {
	is, known := v.Bool()
	return known && !is
}

// names reports whether a value comes from a resource, or holds its name.
func names(v terraform.Value, res *terraform.Resource, name pattern) bool {
	if slices.Contains(v.Resources, res.Block) {
		return true
	}
	p := text(v)
	return p != "" && p.known() && name != "" && name.may(string(p))
}

// closest is the index of the name that another was probably meant to be: a
// slip of the finger first, else the one that shares most of its beginning and
// its end.
func closest(name string, known []string) int {
	if mean := diag.DidYouMean(name, known); mean != "" {
		return slices.Index(known, mean)
	}
	best, most := 0, -1
	for i, other := range known {
		n, limit, shared := 0, min(len(name), len(other)), 0
		for n < limit && name[n] == other[n] {
			n++
		}
		shared = n
		for n = 0; n < limit-shared && name[len(name)-1-n] == other[len(other)-1-n]; {
			n++
		}
		if shared += n; shared > most {
			best, most = i, shared
		}
	}
	return best
}
