package tree

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/diag"
)

const source = "environments/platform.yaml"

// ours is the content of a rendered file.
func ours(body string) string { return Header(source) + "\n" + body }

// render is a small renderer: one app with a base of its own per version.
func render(env, version string, extra map[string]string) *Tree {
	overlay, base := "overlays/"+env+"/app/", "base/app/"+version+"-"+strings.Repeat(version[len(version)-1:], 8)
	t := New(
		File{Path: "environments/" + env + "/effective.yaml", Data: []byte(ours("version: " + version + "\n"))},
		File{Path: overlay + "kustomization.yaml", Data: []byte(ours("resources:\n- ../../../" + base + "\n")), Origins: []Origin{{Line: 2, From: diag.Range{Path: source, Start: diag.Pos{Line: 5, Column: 3}}}}},
		File{Path: overlay + "patches/kustomization.yaml", Data: []byte(ours("kind: Component\n"))},
		File{Path: overlay + "custom/kustomization.yaml", Data: []byte("kind: Component\n"), Seed: true},
		File{Path: "base/app/custom/kustomization.yaml", Data: []byte("kind: Component\n"), Seed: true},
		File{Path: base + "/deployment.yaml", Data: []byte(ours("image: " + version + "\n"))},
	)
	for name, data := range extra {
		t.Put(File{Path: name, Data: []byte(data)})
	}
	return t
}

// world is two environments that are as the spec renders them.
func world() Comparison {
	c := Comparison{
		Committed: New(),
		Want:      map[string]*Tree{"dev": render("dev", "v1", nil), "prod": render("prod", "v1", nil)},
		Fresh:     map[string]*Tree{"dev": render("dev", "v1", nil), "prod": render("prod", "v1", nil)},
		Behind:    map[string]string{},
	}
	c.Committed.Merge(c.Want["dev"], c.Want["prod"])
	c.Committed.Put(File{Path: source, Data: []byte("kind: Platform\n")})
	c.Committed.Put(File{Path: "overlays/dev/app/custom/mine.yaml", Data: []byte("mine\n")})
	c.Committed.Put(File{Path: "overlays/dev/handmade/kustomization.yaml", Data: []byte("resources: []\n")})
	c.Committed.Put(File{Path: "overlays/README.md", Data: []byte("mine\n")})
	return c
}

func (t *Tree) drop(paths ...string) *Tree {
	out := New()
	for f := range t.All() {
		if !slices.Contains(paths, f.Path) {
			out.Put(f)
		}
	}
	maps.Copy(out.odd, t.odd)
	return out
}

func (t *Tree) set(path, data string) { t.Put(File{Path: path, Data: []byte(data)}) }

// brief is a status in a line.
func brief(statuses []Status) []string {
	var out []string
	for _, s := range statuses {
		out = append(out, s.State.String()+": "+s.Diagnostic().Range.String()+" "+strings.Join(s.Environments, ","))
	}
	return out
}

const (
	devKustomization = "overlays/dev/app/kustomization.yaml"
	devEffective     = "environments/dev/effective.yaml"
	devPatches       = "overlays/dev/app/patches/kustomization.yaml"
	devSeed          = "overlays/dev/app/custom/kustomization.yaml"
	baseFile         = "base/app/v1-11111111/deployment.yaml"
)

func TestCompare(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(c *Comparison)
		want   []string
	}{
		"as rendered": {func(*Comparison) {}, nil},
		"edited by hand": {
			func(c *Comparison) { c.Committed.set(devPatches, ours("kind: Component\npatches: []\n")) },
			[]string{"edited by hand: " + devPatches + ":3:1 dev"},
		},
		"effective.yaml edited": {
			func(c *Comparison) { c.Committed.set(devEffective, ours("version:  v1\n")) },
			[]string{"edited by hand: " + devEffective + ":2:1 dev"},
		},
		"base edited": {
			func(c *Comparison) { c.Committed.set(baseFile, ours("image: v9\n")) },
			[]string{"edited by hand: " + baseFile + ":2:1 dev,prod"},
		},
		"header edited": {
			func(c *Comparison) { c.Committed.set(devPatches, Header("other.yaml")+"\nkind: Component\n") },
			[]string{"edited by hand: " + devPatches + ":1:1 dev"},
		},
		"deleted": {
			func(c *Comparison) { c.Committed = c.Committed.drop(devPatches, baseFile) },
			[]string{"missing: " + baseFile + " dev,prod", "missing: " + devPatches + " dev"},
		},
		"seed deleted": {
			func(c *Comparison) { c.Committed = c.Committed.drop(devSeed, "base/app/custom/kustomization.yaml") },
			[]string{"missing: base/app/custom/kustomization.yaml dev,prod", "missing: " + devSeed + " dev"},
		},
		"seed is the user's": {func(c *Comparison) {
			c.Committed.set(devSeed, "kind: Component\npatches:\n- path: mine.yaml\n")
			c.Committed.Mark("base/app/custom/kustomization.yaml", Odd{What: SymbolicLink, Target: "../x"})
		}, nil},
		"foreign": {
			func(c *Comparison) { c.Committed.set(devPatches, "kind: Component\n") },
			[]string{"foreign: " + devPatches + " dev"},
		},
		"foreign: a link": {
			func(c *Comparison) {
				c.Committed.Mark(devPatches, Odd{What: SymbolicLink, Target: "../../../prod/app/patches/kustomization.yaml"})
			},
			[]string{"foreign: " + devPatches + " dev"},
		},
		"foreign: a linked directory": {func(c *Comparison) {
			c.Committed = c.Committed.drop(devPatches)
			c.Committed.Mark("overlays/dev/app/patches", Odd{What: SymbolicLink, Target: "../../prod/app/patches"})
		}, []string{"foreign: " + devPatches + " dev"}},
		"foreign: a directory": {func(c *Comparison) {
			c.Committed = c.Committed.drop(devPatches)
			c.Committed.set(devPatches+"/x", "x")
		}, []string{"foreign: " + devPatches + " dev"}},
		"foreign: a file for a directory": {func(c *Comparison) {
			c.Committed = c.Committed.drop(devPatches)
			c.Committed.set("overlays/dev/app/patches", "x")
		}, []string{"foreign: " + devPatches + " dev"}},
		"left over": {func(c *Comparison) {
			c.Committed.set("overlays/dev/app/old.yaml", ours("x"))
			c.Committed.set("overlays/gone/app/kustomization.yaml", ours("x"))
			c.Committed.set("environments/gone/effective.yaml", ours("x"))
			c.Committed.set("base/app/v1-11111111/stray.yaml", ours("x"))
			c.Committed.set("overlays/dev/app/custom/copied.yaml", ours("x")) // with our header or without: custom/ is the user's
			c.Committed.set("overlays/gone/app/custom/copied.yaml", ours("x"))
			c.Committed.set("base/app/custom/copied.yaml", ours("x"))
			c.Committed.set("elsewhere/copied.yaml", ours("x"))
		}, []string{
			"left over: base/app/v1-11111111/stray.yaml ", "left over: environments/gone/effective.yaml gone",
			"left over: overlays/dev/app/old.yaml dev", "left over: overlays/gone/app/kustomization.yaml gone",
		}},
		"left over: a base": {func(c *Comparison) {
			c.Committed.set("base/app/v0-00000000/deployment.yaml", ours("x"))
			c.Committed.set("base/app/v0-00000000/service.yaml", ours("x"))
			c.Committed.set("base/app/v0-00000000/mine.yaml", "x")
			c.Committed.set("overlays/dev/handmade/kustomization.yaml", "resources: []\n# - ../../../base/app/v0-00000000\n")
			c.Committed.set("overlays/gone/app/kustomization.yaml", ours("resources: [../../../base/app/v0-00000000]\n"))
		}, []string{"left over: base/app/v0-00000000 ", "left over: overlays/gone/app/kustomization.yaml gone"}},
		"a base that a hand-written overlay names": {func(c *Comparison) {
			c.Committed.set("base/app/v0-00000000/deployment.yaml", ours("x"))
			c.Committed.set("overlays/dev/handmade/kustomization.yaml", "resources: ['../../../base/app/v0-00000000/']\n")
		}, nil},
		"a base that another environment still lies on": {func(c *Comparison) {
			c.Want["dev"], c.Fresh["dev"] = render("dev", "v2", nil), render("dev", "v2", nil)
			c.Committed.Merge(c.Want["dev"])
		}, nil},
		"conflict markers": {func(c *Comparison) {
			c.Committed.set(devPatches, ours("<<<<<<< HEAD\nkind: A\n=======\nkind: B\n>>>>>>> x\n"))
			c.Committed.set(devEffective, ours("<<<<<<< HEAD\nversion: v1\n=======\nversion: v2\n>>>>>>> x\n"))
			c.Want["dev"] = nil // it does not parse
		}, []string{"out of date: " + devEffective + ":2:1 dev", "out of date: " + devPatches + ":2:1 dev"}},
		"line ends": {
			func(c *Comparison) {
				c.Committed.set(devPatches, strings.ReplaceAll(ours("kind: Component\n"), "\n", "\r\n"))
			},
			[]string{"out of date: " + devPatches + ":1:1 dev"},
		},
		"the spec moved on": {
			func(c *Comparison) {
				c.Fresh["dev"] = render("dev", "v2", map[string]string{"overlays/dev/app/patches/more.yaml": ours("x")})
			},
			[]string{
				"pending: base/app/v2-22222222/deployment.yaml dev", "pending: " + devEffective + ":2:1 dev",
				"pending: " + devKustomization + ":3:1 dev", "pending: overlays/dev/app/patches/more.yaml dev",
			},
		},
		"the spec renders less": {
			func(c *Comparison) { c.Fresh["dev"] = render("dev", "v1", nil).drop(devPatches, devSeed) },
			[]string{"pending: " + devPatches + " dev"},
		},
		"edited while the spec moved on": {func(c *Comparison) {
			c.Fresh["dev"] = render("dev", "v2", nil)
			c.Committed.set(devKustomization, ours("resources: []\n"))
		}, []string{"pending: base/app/v2-22222222/deployment.yaml dev", "pending: " + devEffective + ":2:1 dev", "edited by hand: " + devKustomization + ":2:1 dev"}},
		"effective.yaml edited in its values": {func(c *Comparison) {
			c.Want["dev"] = render("dev", "v2", nil) // what the edited one renders
			c.Committed.set(devEffective, ours("version: v2\n"))
		}, []string{"missing: base/app/v2-22222222/deployment.yaml dev", "pending: " + devEffective + ":2:1 dev", "out of date: " + devKustomization + ":3:1 dev"}},
		"a new environment": {
			func(c *Comparison) { c.Fresh["new"] = render("new", "v1", nil) },
			[]string{
				"pending: environments/new/effective.yaml new", "pending: overlays/new/app/custom/kustomization.yaml new",
				"pending: overlays/new/app/kustomization.yaml new", "pending: overlays/new/app/patches/kustomization.yaml new",
			},
		},
		"a new environment on a foreign file": {func(c *Comparison) {
			c.Fresh["new"] = render("new", "v1", nil).drop("environments/new/effective.yaml", "overlays/new/app/patches/kustomization.yaml", "overlays/new/app/custom/kustomization.yaml")
			c.Committed.set("overlays/new/app/kustomization.yaml", "resources: []\n")
		}, []string{"foreign: overlays/new/app/kustomization.yaml new"}},
		"effective.yaml deleted": {func(c *Comparison) {
			c.Want["dev"] = nil
			c.Committed = c.Committed.drop(devEffective)
			c.Committed.set(devPatches, ours("old"))
		}, []string{"missing: " + devEffective + " dev", "out of date: " + devPatches + ":2:1 dev"}},
		"effective.yaml unreadable": {func(c *Comparison) {
			c.Want["dev"] = nil
			c.Committed.set(devEffective, ours("{"))
		}, []string{"edited by hand: " + devEffective + ":2:1 dev"}},
		"the spec is unreadable": {func(c *Comparison) {
			c.Fresh = map[string]*Tree{"dev": nil, "prod": nil}
			c.Committed.set(devPatches, ours("x"))
		}, []string{"edited by hand: " + devPatches + ":2:1 dev"}},
		"neither is readable": {func(c *Comparison) {
			c.Fresh = map[string]*Tree{"dev": nil, "prod": c.Fresh["prod"]}
			c.Want["dev"] = nil
		}, nil},
		"no environment of the spec is known": {func(c *Comparison) { c.Fresh = nil }, nil},
		"an environment left the spec": {
			func(c *Comparison) { delete(c.Fresh, "dev") },
			[]string{"pending: " + devEffective + " dev", "pending: " + devKustomization + " dev", "pending: " + devPatches + " dev"},
		},
		"rendered by another version": {func(c *Comparison) {
			c.Behind["dev"] = "0.0.9"
			c.Want["dev"], c.Fresh["dev"] = render("dev", "v2", nil), render("dev", "v3", nil)
			c.Committed.set("overlays/dev/app/patches/conflict.yaml", "x")
		}, []string{
			"pending: base/app/v2-22222222/deployment.yaml dev", "pending: base/app/v3-33333333/deployment.yaml dev",
			"pending: " + devEffective + ":2:1 dev", "pending: " + devKustomization + ":3:1 dev",
		}},
		"another version, and conflict markers": {func(c *Comparison) {
			c.Behind["dev"] = "0.0.9"
			c.Committed.set(devPatches, ours("<<<<<<< HEAD\nkind: A\n=======\nkind: B\n>>>>>>> x\n"))
		}, []string{"out of date: " + devPatches + ":2:1 dev"}},
		"the block is missing": {func(c *Comparison) { c.Attributes = Patterns() }, []string{"missing: .gitattributes "}},
		"the block is old": {func(c *Comparison) {
			c.Attributes = Patterns()
			c.Committed.set(".gitattributes", "*.png binary\n"+string(AttributesBlock(nil, []string{"/x/**"})))
		}, []string{"out of date: .gitattributes:3:1 "}},
		"the block is there": {func(c *Comparison) {
			c.Attributes = Patterns()
			c.Committed.set(".gitattributes", "*.png binary\n"+string(AttributesBlock(nil, Patterns())))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := world()
			tt.change(&c)
			got := brief(Compare(c))
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestStatusSaysWhatToDo(t *testing.T) {
	t.Parallel()
	c := world()
	c.Committed.set(devKustomization, ours("resources: []\n"))
	c.Committed.set("base/app/v0-00000000/x.yaml", ours("x"))
	c.Committed.set("base/app/v0-00000000/y.yaml", ours("y"))
	statuses := Compare(c)
	if len(statuses) != 2 {
		t.Fatalf("statuses = %v", brief(statuses))
	}
	if d := cmp.Diff([]string{"base/app/v0-00000000/x.yaml", "base/app/v0-00000000/y.yaml"}, statuses[0].Files); d != "" {
		t.Error(d)
	}
	want := diag.Diagnostic{
		Rule: "drift-edited", Severity: diag.Error,
		Summary:      "rendered file was edited by hand: it is not what environments/dev/effective.yaml renders",
		Detail:       "Move the change to the spec or to overlays/dev/app/custom/, then run `strake render --env dev --force` to restore this file.",
		Range:        diag.Range{Path: devKustomization, Start: diag.Pos{Line: 2, Column: 1}},
		Environments: []string{"dev"},
		Related:      []diag.Related{{Range: diag.Range{Path: source, Start: diag.Pos{Line: 5, Column: 3}}, Message: "rendered from here"}},
	}
	if d := cmp.Diff(want, statuses[1].Diagnostic()); d != "" {
		t.Error(d)
	}
	for _, s := range statuses {
		for _, text := range []string{s.Summary, s.Detail} {
			if text == "" || strings.Contains(text, "%!") {
				t.Errorf("%s: text %q", s.Path, text)
			}
		}
	}
}

func TestCompareBelowARoot(t *testing.T) {
	t.Parallel()
	c := Comparison{Root: "platform", Committed: New(), Want: map[string]*Tree{"dev": New()}, Fresh: map[string]*Tree{"dev": New()}, Attributes: Patterns()}
	for f := range render("dev", "v1", nil).All() {
		f.Path = "platform/" + f.Path
		c.Want["dev"].Put(f)
		c.Fresh["dev"].Put(f)
		c.Committed.Put(f)
	}
	c.Committed.set("platform/overlays/dev/app/old.yaml", ours("x"))
	c.Committed.set("overlays/dev/app/another-projects.yaml", ours("x"))
	c.Committed.set("platform/base/app/v0-00000000/x.yaml", ours("x"))
	c.Committed.set("platform/overlays/dev/app/kustomization.yaml", ours("edited"))
	statuses := Compare(c)
	want := []string{
		"missing: .gitattributes ", "left over: platform/base/app/v0-00000000 ",
		"edited by hand: platform/overlays/dev/app/kustomization.yaml:2:1 dev", "left over: platform/overlays/dev/app/old.yaml dev",
	}
	if d := cmp.Diff(want, brief(statuses)); d != "" {
		t.Fatal(d)
	}
	if !strings.Contains(statuses[2].Detail, "platform/overlays/dev/app/custom/") {
		t.Errorf("detail = %s", statuses[2].Detail)
	}
	plan := NewPlan(c, PlanOptions{Force: true})
	for _, ch := range plan.Changes {
		if ch.Path == ".gitattributes" && !strings.Contains(string(ch.After), "\n/platform/overlays/** eol=lf linguist-generated\n/platform/environments/*/effective.yaml") {
			t.Errorf("attributes = %s", ch.After)
		}
	}
}

// Whatever is committed, a plan with force leads to a tree in which nothing is
// wrong, and a second plan has nothing to do.
func TestAPlanSettlesEverything(t *testing.T) {
	t.Parallel()
	c := world()
	c.Attributes = Patterns()
	c.Fresh["dev"] = render("dev", "v2", map[string]string{"overlays/dev/app/patches/more.yaml": ours("x")})
	c.Fresh["new"] = render("new", "v2", nil)
	delete(c.Fresh, "prod")
	c.Committed = c.Committed.drop(devPatches, devSeed)
	c.Committed.set(devKustomization, ours("edited"))
	c.Committed.set("overlays/dev/app/patches/more.yaml", "foreign")
	c.Committed.set("overlays/gone/app/kustomization.yaml", ours("resources: [../../../base/app/v0-00000000]\n"))
	c.Committed.set("base/app/v0-00000000/x.yaml", ours("x"))
	c.Committed.set("base/app/v0-00000000/mine.yaml", "mine")
	c.Committed.set(".gitattributes", "mine")
	c.Committed.set("overlays/prod/app/custom/copied.yaml", ours("mine"))
	c.Committed.set("base/app/custom/copied.yaml", ours("mine"))

	if p := NewPlan(c, PlanOptions{}); len(p.Refused) != 2 {
		t.Errorf("without force, refused = %v", p.Refused)
	}
	plan := NewPlan(c, PlanOptions{Force: true})
	if len(plan.Refused) != 0 {
		t.Fatalf("refused = %v", plan.Refused)
	}
	after := applied(c.Committed, plan)
	settled := Comparison{Committed: after, Want: c.Fresh, Fresh: c.Fresh, Attributes: c.Attributes}
	if got := brief(Compare(settled)); len(got) != 0 {
		t.Errorf("afterwards: %v", got)
	}
	if again := NewPlan(settled, PlanOptions{}); !again.Empty() {
		t.Errorf("a second plan: %v, %v", again.Changes, again.Refused)
	}
	for name, want := range map[string]string{
		"overlays/dev/app/custom/mine.yaml": "mine\n", "overlays/dev/handmade/kustomization.yaml": "resources: []\n", "overlays/README.md": "mine\n",
		"base/app/v0-00000000/mine.yaml": "mine", source: "kind: Platform\n",
		"overlays/prod/app/custom/copied.yaml": ours("mine"), "base/app/custom/copied.yaml": ours("mine"),
	} {
		if f, ok := after.Get(name); !ok || string(f.Data) != want {
			t.Errorf("%s is %q now", name, f.Data)
		}
	}
	for _, gone := range []string{baseFile, "base/app/v0-00000000/x.yaml", "environments/prod/effective.yaml", "overlays/prod/app/kustomization.yaml", "overlays/gone/app/kustomization.yaml"} {
		if _, ok := after.Get(gone); ok {
			t.Errorf("%s is still there", gone)
		}
	}
	if _, ok := after.Get("overlays/prod/app/custom/kustomization.yaml"); !ok {
		t.Error("the user's custom/ of an environment that left was deleted")
	}
}

func applied(t *Tree, p *Plan) *Tree {
	var gone []string
	for _, ch := range p.Changes {
		if ch.Delete {
			gone = append(gone, ch.Path)
		}
	}
	out := t.drop(gone...)
	for _, ch := range p.Changes {
		if !ch.Delete {
			out.Put(File{Path: ch.Path, Data: ch.After})
		}
	}
	return out
}

// A pull request of one environment touches nothing of another.
func TestPlanOfOneEnvironment(t *testing.T) {
	t.Parallel()
	c := world()
	c.Fresh["dev"], c.Fresh["prod"] = render("dev", "v2", nil), render("prod", "v2", nil)
	c.Committed.set("overlays/prod/app/kustomization.yaml", ours("edited")) // not dev's business
	c.Committed.set("overlays/gone/app/kustomization.yaml", ours("x"))
	plan := NewPlan(c, PlanOptions{Environments: []string{"dev"}})
	if len(plan.Refused) != 0 {
		t.Errorf("refused = %v", plan.Refused)
	}
	var got []string
	for _, ch := range plan.Changes {
		got = append(got, ch.Path)
	}
	want := []string{"base/app/v2-22222222/deployment.yaml", devEffective, devKustomization}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}

	// The last one to leave a base takes it along.
	c = world()
	c.Want["dev"], c.Fresh["dev"] = render("dev", "v2", nil), render("dev", "v2", nil)
	c.Committed.Merge(c.Want["dev"])
	c.Fresh["prod"] = render("prod", "v2", nil)
	plan = NewPlan(c, PlanOptions{Environments: []string{"prod"}})
	got = nil
	for _, ch := range plan.Changes {
		if ch.Delete {
			got = append(got, ch.Path)
		}
	}
	if d := cmp.Diff([]string{baseFile}, got); d != "" {
		t.Error(d)
	}
}

func TestPlanKeepsWhatItCannotJudge(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(c *Comparison){
		"spec with errors": func(c *Comparison) { c.Fresh = map[string]*Tree{"dev": nil, "prod": nil} },
		"no spec":          func(c *Comparison) { c.Fresh = nil },
		"another's old base": func(c *Comparison) {
			c.Want["prod"] = nil
			c.Fresh = map[string]*Tree{"dev": c.Fresh["dev"], "prod": nil}
		},
		"deleted overlay of another": func(c *Comparison) {
			c.Committed = c.Committed.drop("overlays/prod/app/kustomization.yaml")
			c.Want["prod"] = render("prod", "v0", nil)
			c.Committed.Merge(render("prod", "v0", nil).drop("overlays/prod/app/kustomization.yaml"))
			delete(c.Fresh, "prod")
			c.Fresh["prod"] = nil
		},
	} {
		c := world()
		change(&c)
		for _, ch := range NewPlan(c, PlanOptions{Force: true}).Changes {
			if ch.Delete {
				t.Errorf("%s: deletes %s", name, ch.Path)
			}
		}
	}
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(c *Comparison)
		forced int // refusals that force does not lift
	}{
		"edited":  {func(c *Comparison) { c.Committed.set(devPatches, ours("edited")) }, 0},
		"foreign": {func(c *Comparison) { c.Committed.set(devPatches, "foreign") }, 0},
		"link":    {func(c *Comparison) { c.Committed.Mark(devPatches, Odd{What: SymbolicLink, Target: "x"}) }, 0},
		"linked directory": {func(c *Comparison) {
			c.Committed = c.Committed.drop(devPatches, devSeed, devKustomization)
			c.Committed.Mark("overlays/dev/app", Odd{What: SymbolicLink, Target: "x"})
		}, 3},
		"directory": {func(c *Comparison) {
			c.Committed = c.Committed.drop(devPatches)
			c.Committed.set(devPatches+"/x", "x")
		}, 1},
		"device": {func(c *Comparison) { c.Committed.Mark(devPatches, Odd{What: "device, pipe or socket"}) }, 1},
		"edited, to be deleted": {func(c *Comparison) {
			c.Fresh["dev"] = render("dev", "v1", nil).drop(devPatches)
			c.Committed.set(devPatches, ours("edited"))
		}, 0},
		"linked .gitattributes": {func(c *Comparison) {
			c.Attributes = Patterns()
			c.Committed.Mark(".gitattributes", Odd{What: SymbolicLink, Target: "x"})
		}, 1},
	} {
		c := world()
		tt.change(&c)
		if p := NewPlan(c, PlanOptions{}); len(p.Refused) == 0 {
			t.Errorf("%s: not refused: %v", name, p.Changes)
		}
		if p := NewPlan(c, PlanOptions{Force: true}); len(p.Refused) != tt.forced || tt.forced == 0 && len(p.Changes) != 1 {
			t.Errorf("%s: with force refused = %v, changes %d", name, p.Refused, len(p.Changes))
		}
	}
	for name, change := range map[string]func(c *Comparison){
		"conflict": func(c *Comparison) { c.Committed.set(devPatches, ours("<<<<<<< a\n=======\n>>>>>>> b\n")) },
		"line ends": func(c *Comparison) {
			c.Committed.set(devPatches, strings.ReplaceAll(ours("kind: Component\n"), "\n", "\r\n"))
		},
		"missing": func(c *Comparison) { c.Committed = c.Committed.drop(devPatches) },
	} {
		c := world()
		change(&c)
		if p := NewPlan(c, PlanOptions{}); len(p.Refused) != 0 || len(p.Changes) != 1 {
			t.Errorf("%s: refused = %v, changes = %d", name, p.Refused, len(p.Changes))
		}
	}
}
