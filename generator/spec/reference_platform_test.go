package spec_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"strake/generator/spec"
)

// TestReferencePlatform holds the reference platform of this repository to the
// promise that it loads without a finding, and survives its written form.
func TestReferencePlatform(t *testing.T) {
	t.Parallel()
	p, found := spec.Load(os.DirFS("../.."), "environments/platform.yaml", "0.1.0")
	for _, f := range found {
		t.Errorf("%s: %s [%s]", f.Range, f.Summary, f.Rule)
	}
	if p == nil {
		t.Fatal("no platform")
	}
	var names []string
	for _, e := range p.Environments {
		names = append(names, e.Environment)
		again, found := spec.ParseEffective("effective.yaml", append([]byte("# header\n"), e.Marshal()...))
		for _, f := range found {
			t.Errorf("%s: %s [%s]", f.Range, f.Summary, f.Rule)
		}
		if diff := cmp.Diff(e, again, cmpopts.IgnoreUnexported(spec.Effective{})); diff != "" {
			t.Errorf("%s: ParseEffective(Marshal) differs (-want +got):\n%s", e.Environment, diff)
		}
	}
	if diff := cmp.Diff([]string{"dev", "staging", "prod"}, names); diff != "" {
		t.Errorf("environments (-want +got):\n%s", diff)
	}
}

// TestLineEndings reads the same platform as an editor on Windows writes it.
func TestLineEndings(t *testing.T) {
	t.Parallel()
	const text = "apiVersion: strake/v1alpha1\nkind: Platform\nmetadata: {name: mlops}\nspec:\n  strake: {version: 0.1.x}\n" +
		"  repository: {url: https://github.com/example/mlops}\n  environments:\n    - name: dev\n      cluster: {mode: standrd}\n"
	load := func(text string) []string {
		_, found := spec.Load(fstest.MapFS{"platform.yaml": {Data: []byte(text)}}, "./platform.yaml", "0.1.0")
		var out []string
		for _, d := range found {
			out = append(out, fmt.Sprintf("%s-%d %s", d.Range, d.Range.End.Column, d.Summary))
		}
		return out
	}
	want := []string{`platform.yaml:9:23-30 mode is "standrd"`}
	if diff := cmp.Diff(want, load(text)); diff != "" {
		t.Errorf("LF (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, load(strings.ReplaceAll(text, "\n", "\r\n"))); diff != "" {
		t.Errorf("CRLF (-want +got):\n%s", diff)
	}
}
