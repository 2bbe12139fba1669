package spec

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var durationPart = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(ms|d|h|m|s)`)

// maxDuration is the longest duration: a hundred years. It keeps the
// arithmetic far from overflow.
const maxDuration = 36500 * 24 * time.Hour

// ParseDuration reads a duration of the spec: 10m, 3h, 1h30m or 180d. A day is
// 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	rest, total := s, time.Duration(0)
	for rest != "" {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return 0, fmt.Errorf("parse duration %q: want a number and a unit, such as 10m, 3h or 180d", s)
		}
		rest = rest[len(m[0]):]
		number, err := strconv.ParseFloat(m[1], 64)
		unit := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[m[2]]
		if err != nil || number*float64(unit) > float64(maxDuration) {
			return 0, fmt.Errorf("parse duration %q: longer than a hundred years", s)
		}
		total += time.Duration(number * float64(unit))
	}
	if s == "" || total > maxDuration {
		return 0, fmt.Errorf("parse duration %q: want a number and a unit, such as 10m, 3h or 180d", s)
	}
	return total, nil
}

var quantityForm = regexp.MustCompile(`^([0-9]{1,20}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?:([eE][+-]?[0-9]{1,2})|([KMGTPE]i|[numkMGTPE]))?$`)

// quantity accepts a Kubernetes quantity that is not negative.
func quantity(s string) (string, string) {
	if _, ok := parseQuantity(s); !ok {
		return ruleValue, "a quantity such as 500m, 2, 6Gi or 100Mi"
	}
	return "", ""
}

// parseQuantity returns the exact number that a quantity stands for.
// See k8s.io/apimachinery/pkg/api/resource.
func parseQuantity(s string) (*big.Rat, bool) {
	m := quantityForm.FindStringSubmatch(s)
	if m == nil {
		return nil, false
	}
	number, ok := new(big.Rat).SetString(strings.TrimSuffix(m[1], ".") + m[2])
	if !ok {
		return nil, false
	}
	power := func(base, exponent int64) *big.Rat {
		return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(base), big.NewInt(exponent), nil))
	}
	switch suffix := m[3]; {
	case suffix == "":
	case strings.HasSuffix(suffix, "i"):
		number.Mul(number, power(1024, int64(strings.IndexByte("KMGTPE", suffix[0])+1)))
	case strings.Contains("num", suffix):
		number.Quo(number, power(1000, int64(strings.IndexByte("mun", suffix[0])+1)))
	default:
		number.Mul(number, power(1000, int64(strings.IndexByte("kMGTPE", suffix[0])+1)))
	}
	return number, true
}

// cron accepts what Argo's parser accepts (robfig/cron/v3's standard parser:
// five fields or a descriptor), except a time zone inside the expression.
func cron(s string) (string, string) {
	const want = `five fields: minute hour day month weekday, such as "0 3 * * *"`
	switch {
	case strings.Contains(s, "TZ="):
		return ruleValue, "the expression without a time zone: that is the field timezone"
	case strings.HasPrefix(s, "@"):
		switch s {
		case "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly":
			return "", ""
		}
		if every, found := strings.CutPrefix(s, "@every "); found {
			if d, err := time.ParseDuration(every); err == nil && d >= time.Second {
				return "", ""
			}
		}
		return ruleValue, "@hourly, @daily, @weekly, @monthly, @yearly or @every 1h"
	}
	fields := strings.Fields(s)
	if len(fields) != 5 {
		return ruleValue, fmt.Sprintf("%s; this has %d", want, len(fields))
	}
	bounds := []struct {
		name      string
		low, high int
		words     []string
	}{
		{"minute", 0, 59, nil},
		{"hour", 0, 23, nil},
		{"day of the month", 1, 31, nil},
		{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{"weekday", 0, 6, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
	for i, b := range bounds {
		for part := range strings.SplitSeq(fields[i], ",") {
			if !cronPart(part, b.low, b.high, b.words) {
				return ruleValue, fmt.Sprintf("%s; %s must be %d to %d, a range, a step or a list of them, not %q", want, b.name, b.low, b.high, part)
			}
		}
	}
	return "", ""
}

// cronPart accepts *, ?, N, N-M and each of them with /STEP.
func cronPart(part string, low, high int, words []string) bool {
	span, step, stepped := strings.Cut(part, "/")
	if stepped {
		if n, err := strconv.Atoi(step); err != nil || n < 1 || step[0] == '+' {
			return false
		}
	}
	if span == "*" || span == "?" {
		return true
	}
	number := func(s string) (int, bool) {
		for i, w := range words {
			if strings.EqualFold(w, s) {
				return i + low, true
			}
		}
		n, err := strconv.Atoi(s)
		return n, err == nil && n >= low && n <= high && s[0] != '+' && s[0] != '-'
	}
	from, to, ranged := strings.Cut(span, "-")
	first, ok := number(from)
	if !ok || !ranged {
		return ok
	}
	last, ok := number(to)
	return ok && first <= last
}
