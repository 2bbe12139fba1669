package cost_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"strake/generator/cost"
	"strake/generator/diag"
	"strake/generator/spec"
)

var today = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// zonal is one zonal cluster with one Spot pool.
const zonal = `
    - name: main
      cluster:
        location: asia-northeast1-a
        nodePools: [{name: system, machineType: e2-standard-2}, {name: work, machineType: e2-standard-2, spot: true, max: 5}]`

// environments loads a spec with these environments.
func environments(t testing.TB, text string) []*spec.Effective {
	t.Helper()
	doc := `apiVersion: strake/v1alpha1
kind: Platform
metadata: {name: btcusd}
spec:
  strake: {version: 0.1.x}
  repository: {url: https://github.com/example/btcusd-gitops}
  defaults: {cloud: {project: btcusd-analysis, region: asia-northeast1}}
  environments:` + text + "\n"
	p, found := spec.Load(fstest.MapFS{"environments/platform.yaml": {Data: []byte(doc)}}, "environments/platform.yaml", "0.1.0")
	if found.AtLeast(diag.Error) {
		t.Fatal(found)
	}
	return p.Environments
}

// march are the prices of 6 March 2025.
func march(t testing.TB) *cost.Prices {
	t.Helper()
	data, err := os.ReadFile("../../docs/examples/prices-2025-03-06.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p, err := cost.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func text(a cost.Amounts) string {
	one := func(x *float64) string {
		if x == nil {
			return "?"
		}
		return fmt.Sprintf("%.2f", *x)
	}
	return one(a.AlwaysOn) + " " + one(a.OnDemand) + " " + one(a.Declared)
}

func pools(all ...string) cost.Use {
	u := cost.Use{Pools: map[string]cost.PoolUse{}}
	for _, s := range all {
		name, use, err := cost.ParsePool(s)
		if err != nil {
			panic(err)
		}
		u.Pools[name] = use
	}
	return u
}

// TestOneSmallPlatform reproduces a published estimate from its inputs: 148.75 a
// month for one machine that is always on, 1.52 to 3.61 for one to five Spot
// nodes of ten hours.
func TestOneSmallPlatform(t *testing.T) {
	t.Parallel()
	for nodes, want := range map[string]struct{ sum, total string }{
		"1": {"148.75 2.04 1.52", "75.75 1.04 0.52"},
		"5": {"451.77 6.19 3.61", "378.77 5.19 2.61"},
	} {
		use := pools("work=" + nodes)
		use.Hours = 10
		got := cost.Of(environments(t, zonal), march(t), cost.Options{Use: use, FreeTier: true, Today: today})
		env := got.Environments[0]
		if text(env.Sum) != want.sum || text(env.Total) != want.total || !got.Complete {
			t.Errorf("%s nodes: sum %s, want %s; to pay %s, want %s; missing %v", nodes, text(env.Sum), want.sum, text(env.Total), want.total, env.Missing)
		}
	}
}

// TestUse holds what is said on the command line against what the spec says, and
// both against what a pool has by itself.
func TestUse(t *testing.T) {
	t.Parallel()
	const said = zonal + `
      cost: {hoursPerMonth: 100, pools: {work: {nodes: 2, hours: 50}}, spotRestarts: 10, storageGb: 100}`
	over := pools("work=4x20")
	over.Hours = 40
	for name, test := range map[string]struct {
		env  string
		use  cost.Use
		want map[string]string // kind/pool
	}{
		"nothing said": {zonal, cost.Use{}, map[string]string{"nodes/work": "0.00 0.00 0.00", "fee/": "73.00 73.00 73.00"}},
		"spec":         {said, cost.Use{}, map[string]string{"nodes/work": "125.51 8.60 3.78", "disks/work": "26.00 1.78 1.96", "fee/": "73.00 10.00 10.00", "storage/": "2.30 2.30 2.30"}},
		"command line": {said, over, map[string]string{"nodes/work": "251.02 6.88 3.03", "fee/": "73.00 4.00 4.00"}},
		"no node outlives its cluster": {said, func() cost.Use {
			u := pools("work=1x500")
			u.Hours = 10
			return u
		}(), map[string]string{"nodes/work": "62.75 0.86 0.38"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := cost.Of(environments(t, test.env), march(t), cost.Options{Use: test.use, Today: today}).Environments[0]
			got := map[string]string{}
			for _, r := range env.Rows {
				if key := r.Kind + "/" + r.Pool; test.want[key] != "" {
					got[key] = text(r.Amounts)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMissingPrices are named and never made up, and leave the sum marked.
func TestMissingPrices(t *testing.T) {
	t.Parallel()
	const env = `
    - name: main
      cluster:
        location: asia-southeast1
        nodePools:
          - {name: known, machineType: e2-standard-2, min: 1}
          - {name: other, machineType: z9-standard-2, spot: true, diskType: pd-ssd}
          - {name: gpu, machineType: e2-standard-2, gpu: {type: nvidia-tesla-t4, count: 2}}`
	one := cost.Of(environments(t, env), march(t), cost.Options{Use: pools("known=0"), Today: today})
	if !one.Complete || len(one.Environments[0].Missing) > 0 {
		t.Errorf("what no node needs is missed: %v", one.Environments[0].Missing)
	}
	got := cost.Of(environments(t, env), march(t), cost.Options{Use: pools("other=1", "gpu=1"), Today: today})
	e := got.Environments[0]
	want := []cost.Missing{
		{Region: "asia-southeast1", Item: "pd-balanced", For: "known"},
		{Region: "asia-southeast1", Item: "z9-standard-2", For: "other"},
		{Region: "asia-southeast1", Item: "pd-ssd", For: "other"},
		{Region: "asia-southeast1", Item: "nvidia-tesla-t4", For: "gpu"},
		{Region: "asia-southeast1", Item: "e2-standard-2 with 2 × nvidia-tesla-t4 on demand", For: "gpu"},
		{Region: "asia-southeast1", Item: "pd-balanced", For: "gpu"},
	}
	if diff := cmp.Diff(want, e.Missing); diff != "" || got.Complete {
		t.Errorf("complete: %v, missing:\n%s", got.Complete, diff)
	}
	if text(e.Sum) != "133.35 133.35 133.35" { // e2-standard-2 and the fee
		t.Errorf("sum %s", text(e.Sum))
	}
	for _, r := range e.Rows {
		if r.Pool == "other" && text(r.Amounts) != "? ? ?" {
			t.Errorf("%s: %s", r.What, text(r.Amounts))
		}
	}
}

// TestFreeTier gives the credit once, and only to a cluster that it is for.
func TestFreeTier(t *testing.T) {
	t.Parallel()
	const pool = "nodePools: [{name: system, machineType: e2-standard-2, min: 1}]"
	const three = `
    - {name: regional, cluster: {` + pool + `}}
    - {name: short, cluster: {location: asia-northeast1-a, ` + pool + `}, cost: {hoursPerMonth: 10}}
    - {name: long, cluster: {mode: autopilot}, cost: {hoursPerMonth: 500}}`
	for _, test := range []struct {
		free bool
		want string
	}{{true, "0.00 0.00 -50.00"}, {false, "0.00 0.00 0.00"}} {
		got := cost.Of(environments(t, three), march(t), cost.Options{FreeTier: test.free, Today: today})
		var credits []string
		for _, env := range got.Environments {
			credits = append(credits, fmt.Sprintf("%.2f", *env.Credit.Declared))
		}
		if strings.Join(credits, " ") != test.want {
			t.Errorf("free tier %v: %v, want %s", test.free, credits, test.want)
		}
	}
}

// TestAutopilot bills what pods ask for, where it is known.
func TestAutopilot(t *testing.T) {
	t.Parallel()
	const env = `
    - {name: main, cluster: {mode: autopilot}, databases: [{name: app}]}
  tenants:
    - name: web
      serviceAccount: {googleServiceAccount: web-account}
      services:
        - name: api
          image: x@sha256:b34502ca3a5f04fe7abc2eba778a6fb927ad3537df4d43bc8642775bf47fd5fc
          replicas: 2
          port: 8080
          probe: {path: /}
          resources: {requests: {cpu: "1", memory: 2Gi}}
          cloudSQL: {database: app, resources: {requests: {cpu: 500m, memory: 1Gi}}}`
	unknown := cost.Of(environments(t, env), march(t), cost.Options{Today: today}).Environments[0]
	if row := unknown.Rows[0]; row.What != "web/api: 1.5 vCPU, 3 GiB" || text(row.Amounts) != "? ? ?" || len(unknown.Missing) != 1 {
		t.Errorf("got %+v, missing %v", row, unknown.Missing)
	}
	prices, err := cost.Parse([]byte("generated: \"2026-11-01\"\nregions: {asia-northeast1: {autopilot: {cpu: 0.05, memory: 0.01}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	known := cost.Of(environments(t, env), prices, cost.Options{Use: cost.Use{Hours: 100}, Today: today}).Environments[0]
	if row := known.Rows[0]; text(row.Amounts) != "153.30 21.00 21.00" { // 2 × (1.5 × 0.05 + 3 × 0.01) an hour
		t.Errorf("got %s", text(row.Amounts))
	}
	if !strings.HasPrefix(strings.Join(known.Uncounted, "; "), "Cloud SQL: app; pods of workflows") {
		t.Errorf("uncounted: %v", known.Uncounted)
	}
}

func TestAgeOfPrices(t *testing.T) {
	t.Parallel()
	made := time.Date(2025, 3, 6, 0, 0, 0, 0, time.UTC)
	for days, stale := range map[int]bool{0: false, 90: false, 91: true, 625: true} {
		got := cost.Of(nil, march(t), cost.Options{Today: made.AddDate(0, 0, days)})
		if got.AgeDays != days || got.Stale != stale {
			t.Errorf("after %d days: age %d, stale %v", days, got.AgeDays, got.Stale)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"unknown key": {"generated: \"2026-01-01\"\nregions: {a: {machine: {}}}", "machine"},
		"no day":      {"regions: {a: {}}", "generated is not a day"},
		"nothing":     {"generated: \"2026-01-01\"", "regions is empty"},
		"negative":    {"generated: \"2026-01-01\"\nregions: {a: {machines: {b: {spot: -1}}}}", "a.b is -1"},
		"no YAML":     {"\t", "parse prices"},
	} {
		if _, err := cost.Parse([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParsePool(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]cost.PoolUse{"a=5": {Nodes: 5}, "a=5x10": {Nodes: 5, Hours: 10}, "a=0.5x1.5": {Nodes: 0.5, Hours: 1.5}} {
		if name, got, err := cost.ParsePool(text); name != "a" || got != want || err != nil {
			t.Errorf("%s: %s %v %v", text, name, got, err)
		}
	}
	for _, text := range []string{"", "a", "=5", "a=", "a=-1", "a=x", "a=5x", "a=5x0", "a=5x731", "a=NaN", "a=1e9", "a=Inf"} {
		if _, _, err := cost.ParsePool(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// TestEmbedded holds the table that comes along to be readable, and to know the
// prices that the estimate above was made with: on demand they have not changed.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	p, err := cost.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Regions["asia-northeast1"].Machines["e2-standard-2"].OnDemand; got == nil || *got != 0.08596572 {
		t.Errorf("e2-standard-2 in asia-northeast1: %v", got)
	}
	for name, region := range p.Regions {
		for machine, rate := range region.Machines {
			if rate.OnDemand == nil || *rate.OnDemand <= 0 || rate.Spot != nil && *rate.Spot >= *rate.OnDemand {
				t.Errorf("%s %s: %v", name, machine, rate)
			}
		}
	}
}
