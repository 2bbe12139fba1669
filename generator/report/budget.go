package report

// DefaultLimit is the most bytes of a Markdown report. GitHub refuses a body of
// a pull request or a comment over 65,536 characters as a whole; the rest is
// left for what people add.
const DefaultLimit = 60_000

// minLimit is the least budget that still holds a verdict and the counts.
const minLimit = 4_000

// limit is the budget of a Markdown report in bytes.
func (o Options) limit() int {
	if o.Limit == 0 {
		return DefaultLimit
	}
	return max(o.Limit, minLimit)
}

// form is how much of an item is shown.
type form int

const (
	counted form = iota // not shown, only counted
	listed              // one line
	whole
)

// item is one thing of a report in Markdown: whole, in blocks that end with an
// empty line, and as one line of a list. Both are closed in themselves, so that
// a report can be cut between any two items.
type item struct {
	whole, line string
}

// fit decides what of each item is shown so that all of it takes at most limit
// bytes. The first come first: when not everything fits, three quarters of the
// room go to whole items and the rest to lines.
func fit(limit int, items []item) []form {
	forms := make([]form, len(items))
	total := 0
	for _, it := range items {
		total += len(it.whole)
	}
	used, room := 0, limit-limit/4
	if total <= limit {
		room = limit
	}
	for i, it := range items {
		if used+len(it.whole) <= room {
			forms[i] = whole
			used += len(it.whole)
		}
	}
	for i, it := range items {
		if forms[i] == whole {
			continue
		}
		if used+len(it.line) > limit {
			break
		}
		forms[i] = listed
		used += len(it.line)
	}
	return forms
}
