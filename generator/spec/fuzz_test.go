package spec

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"strake/generator/diag"
)

// FuzzLoad reads hostile platforms: no panic, every finding has a rule, and
// what could be resolved survives its written form.
func FuzzLoad(f *testing.F) {
	names, err := filepath.Glob("testdata/findings/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if file.Name == platformPath {
				f.Add(file.Data)
			}
		}
	}
	reference, err := os.ReadFile("../../" + platformPath)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(reference)
	f.Add([]byte(mergePlatform))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, found := Load(fstest.MapFS{platformPath: {Data: data}, "environments/tenants.yaml": {Data: []byte(mergeTenants)}}, platformPath, "0.1.0")
		for _, d := range found {
			if d.Rule == "" || d.Summary == "" || d.Range.Path == "" || d.Severity < diag.Info {
				t.Errorf("finding is not whole: %+v", d)
			}
		}
		if p == nil {
			if len(found) == 0 {
				t.Error("neither a platform nor a finding")
			}
			return
		}
		for _, e := range p.Environments {
			roundTrip(t, e, len(found) == 0)
		}
	})
}

// FuzzParseEffective reads hostile effective.yaml files.
func FuzzParseEffective(f *testing.F) {
	p, _ := Load(os.DirFS("../.."), platformPath, "0.1.0")
	for _, e := range p.Environments {
		f.Add(e.Marshal())
	}
	f.Add([]byte("apiVersion: strake/v1alpha1\nkind: Effective\nenvironment: a\nworkflows: {config: {a: [1, 2.5, null, {b: \"\\u2028 \"}], c: \"x\\n y\\n\\n\"}}\ntemplates: [{path: x, content: \"- a\\n\\tb\\n\"}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, found := ParseEffective("effective.yaml", data)
		if e == nil {
			if len(found) == 0 {
				t.Error("neither an Effective nor a finding")
			}
			return
		}
		roundTrip(t, e, len(found) == 0)
	})
}

// roundTrip checks that ParseEffective(Marshal) is the identity. clean says
// that the Effective has no finding, and its written form must have none.
func roundTrip(t *testing.T, e *Effective, clean bool) {
	t.Helper()
	written := e.Marshal()
	again, found := ParseEffective("effective.yaml", written)
	if again == nil {
		t.Fatalf("cannot read what Marshal wrote: %v\n%s", found, written)
	}
	if clean && len(found) > 0 {
		t.Errorf("findings in what Marshal wrote: %v\n%s", found, written)
	}
	if !clean && len(found) > 0 {
		return // a value that has a finding is not read back
	}
	if diff := cmp.Diff(e, again, cmpopts.IgnoreUnexported(Effective{})); diff != "" {
		t.Errorf("ParseEffective(Marshal) differs (-want +got):\n%s\n%s", diff, written)
	}
	if diff := cmp.Diff(string(written), string(again.Marshal())); diff != "" {
		t.Errorf("Marshal is not stable:\n%s", diff)
	}
}

// FuzzExpressions feeds the small parsers.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{"a && (b || !c.Failed)", "0 3 * * 1-5/2", "180d", "1h30m", "5e3", "1.5Gi", "${a}$${b}${", "@every 1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if tasks, problem := dependencies(s); problem != "" && len(tasks) > 0 {
			t.Errorf("dependencies(%q) has both tasks and a problem", s)
		}
		if d, err := ParseDuration(s); err == nil && (d < 0 || d > maxDuration) {
			t.Errorf("ParseDuration(%q) = %v", s, d)
		}
		if number, ok := parseQuantity(s); ok && number.Sign() < 0 {
			t.Errorf("parseQuantity(%q) is negative", s)
		}
		cron(s)
		for _, name := range []string{"bucket", "cidr", "timezone", "email", "url", "giturl", "branch", "path", "labelkey", "endpoint", "quota", "date"} {
			lookupFormat(name)(s)
		}
		Explain(s)
	})
}

// BenchmarkLoad resolves the reference platform with a hundred environments.
func BenchmarkLoad(b *testing.B) {
	fsys := hundred(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, found := Load(fsys, platformPath, "0.1.0"); len(found) > 0 {
			b.Fatal(found[0])
		}
	}
}

// TestManyItems reads a list so long that work on the square of its length
// would run into the timeout of the tests.
func TestManyItems(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("apiVersion: strake/v1alpha1\nkind: Platform\nmetadata: {name: mlops}\nspec:\n  strake: {version: 0.1.x}\n" +
		"  repository: {url: https://github.com/example/mlops}\n  environments:\n    - name: dev\n      cluster:\n        nodePools:\n")
	for i := range 40_000 {
		fmt.Fprintf(&b, "          - {name: p%d}\n", i)
	}
	p, found := Load(fstest.MapFS{platformPath: {Data: []byte(b.String())}}, platformPath, "0.1.0")
	if len(found) > 0 || len(p.Environments) != 1 || len(p.Environments[0].Cluster.NodePools) != 40_000 {
		t.Fatalf("want one environment with 40000 pools and no finding, got %v", found)
	}
}

func hundred(b *testing.B) fs.FS {
	b.Helper()
	archive := fstest.MapFS{}
	text := mergePlatform
	for i := range 100 {
		text += "    - {name: e" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ", extends: prod, stage: prod}\n"
	}
	archive[platformPath] = &fstest.MapFile{Data: []byte(text)}
	archive["environments/tenants.yaml"] = &fstest.MapFile{Data: []byte(mergeTenants)}
	archive["environments/releases.yaml"] = &fstest.MapFile{Data: []byte(mergeReleases)}
	return archive
}
