package diag_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"strake/generator/diag"
)

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	known := []string{"cpu", "memory", "nodePools", "pods", "replicas", "retry", "x"}
	tests := []struct{ name, got, want string }{
		{"letter too many", "replicass", "replicas"},
		{"letter missing", "nodePool", "nodePools"},
		{"two neighbours swapped", "rerty", "retry"},
		{"case", "nodepools", "nodePools"},
		{"short word", "cp", "cpu"},
		{"another word", "bucket", ""},
		{"nothing in common", "y", ""},
		{"empty", "", ""},
		{"known itself", "retry", ""},
		{"too far for its length", "pdso1", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := diag.DidYouMean(test.got, known); got != test.want {
				t.Errorf("DidYouMean(%q) = %q, want %q", test.got, got, test.want)
			}
		})
	}
	if got := diag.DidYouMean("nam", []string{"nam3", "name"}); got != "nam3" {
		t.Errorf("a tie went to %q", got)
	}
}

func TestDidYouMeanOfAHugeKey(t *testing.T) {
	t.Parallel()
	start := time.Now()
	if got := diag.DidYouMean(strings.Repeat("k", 8<<20), []string{"kind", "key"}); got != "" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestOneOf(t *testing.T) {
	t.Parallel()
	for want, in := range map[string][]string{
		"": nil, "a": {"a", "a"}, "a or b": {"b", "a"}, "a, b or c": {"c", "a", "b"},
	} {
		if got := diag.OneOf(in); got != want {
			t.Errorf("OneOf(%v) = %q, want %q", in, got, want)
		}
	}
}

func FuzzDidYouMean(f *testing.F) {
	f.Add("nodepool", "nodePools", "pods")
	f.Add("", "a", "ab")
	f.Add("\xff", "\xfe", "é")
	f.Fuzz(func(t *testing.T, got, a, b string) {
		known := []string{a, b}
		suggestion := diag.DidYouMean(got, known)
		if suggestion != "" && (suggestion == got || !slices.Contains(known, suggestion)) {
			t.Errorf("DidYouMean(%q, %q) = %q", got, known, suggestion)
		}
		if again := diag.DidYouMean(got, []string{b, a}); again != suggestion {
			t.Errorf("order matters: %q and %q", suggestion, again)
		}
	})
}
