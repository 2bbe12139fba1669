//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"

	"strake/e2e/agreement"
	"strake/e2e/harness"
)

// TestAgreement holds Strake's verdicts on broken objects against those of a
// real API server, and for the kinds of Argo Workflows against the whole CRDs
// and argo lint's own code.
func TestAgreement(t *testing.T) {
	proves(t, "kube-apiserver, argo lint", "strake check refuses what they refuse, and nothing else")
	c, err := shared.rig.StartCluster(shared.ctx, "agreement", harness.Parts{})
	if err != nil {
		t.Fatal(err)
	}
	logs(t, "agreement-kube-apiserver")
	server, err := agreement.NewServer(c.Admin)
	if err != nil {
		t.Fatal(err)
	}
	defined := make(chan error, 1)
	go func() { defined <- defineWorkflows(server) }() // it takes half a minute; meanwhile the others are judged
	agreementFixtures(t, server)
	logrus.SetOutput(io.Discard) // Argo's validation warns on stderr
	exclusions, err := agreement.Exclusions(filepath.Join("testdata", "agreement", "exclusions.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rows := agreementOn(t, server, exclusions, "kube", agreement.OfServer)
	if err := <-defined; err != nil {
		t.Fatal(err)
	}
	if server, err = agreement.NewServer(c.Admin); err != nil {
		t.Fatal(err)
	}
	rows = append(rows, agreementOn(t, server, exclusions, "argo", agreement.OfArgo)...)
	for _, err := range agreement.Judge(rows, exclusions) {
		t.Error(err)
	}
	table, count := agreement.Table(rows, exclusions)
	t.Logf("%+v", count)
	golden := filepath.Join("testdata", "agreement", "table.txt")
	if shared.update {
		if err := os.WriteFile(golden, []byte(table), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), table); diff != "" {
		t.Errorf("%s (-want +got); with UPDATE=1 it is written again:\n%s", golden, diff)
	}
}

// defineWorkflows loads the whole CRDs of the kinds that have cases.
func defineWorkflows(server *agreement.Server) error {
	crds, err := shared.rig.CRDs("workflows")
	if err != nil {
		return err
	}
	var texts [][]byte
	for _, crd := range crds {
		kind, _, _ := strings.Cut(crd.GetName(), ".")
		if _, err := os.Stat(filepath.Join("testdata", "agreement", "argo", strings.TrimSuffix(kind, "s")+".yaml")); err != nil {
			continue
		}
		text, err := json.Marshal(crd)
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	return server.Define(shared.ctx, texts...)
}

// agreementFixtures makes what every object needs to be judged: its namespace,
// with the service account that a controller would make.
func agreementFixtures(t *testing.T, server *agreement.Server) {
	t.Helper()
	for _, text := range []string{
		"{apiVersion: v1, kind: Namespace, metadata: {name: agreement}}",
		"{apiVersion: v1, kind: Namespace, metadata: {name: agreement-quota}}",
		"{apiVersion: v1, kind: Namespace, metadata: {name: agreement-limits}}",
		"{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: agreement}}",
	} {
		if err := server.Put(shared.ctx, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

// agreementOn judges the cases of one directory.
func agreementOn(t *testing.T, server *agreement.Server, exclusions []agreement.Exclusion, dir string, counts func(string) bool) []agreement.Row {
	t.Helper()
	creates, updates, err := agreement.Read(filepath.Join("testdata", "agreement", dir))
	if err != nil {
		t.Fatal(err)
	}
	product := agreement.Strake{Binary: shared.strake, Counts: counts}
	repository := t.TempDir()
	rows := created(t, server, product, repository, creates, dir == "argo")
	for _, r := range rows {
		for _, e := range exclusions {
			if e.Case == r.ID && e.Class == agreement.ByBuild {
				sameWhenBuilt(t, server, product, repository, r)
			}
		}
	}
	return append(rows, updated(t, server, product, updates)...)
}

// created judges objects that are created.
func created(t *testing.T, server *agreement.Server, product agreement.Strake, repository string, cases []agreement.Case, lint bool) []agreement.Row {
	t.Helper()
	began := time.Now()
	opinions, err := product.Opinions(shared.ctx, repository, cases)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d objects: strake check took %.1f s", len(cases), time.Since(began).Seconds())
	began = time.Now()
	defer func() { t.Logf("the others took %.1f s", time.Since(began).Seconds()) }()
	var rows []agreement.Row
	for i, c := range cases {
		r := agreement.Row{Case: c, Strake: opinions[i]}
		var wrong [2]error
		r.Write, wrong[0] = server.Create(shared.ctx, c.After)
		r.Apply, wrong[1] = server.Apply(shared.ctx, c.After)
		if err := errors.Join(wrong[:]...); err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		if lint {
			r.Lint = agreement.Lint(shared.ctx, c.After, c.Beside)
			if r.Linted = !errors.Is(r.Lint, agreement.ErrNothing); !r.Linted {
				r.Lint = nil
			}
		}
		rows = append(rows, r)
	}
	return rows
}

// sameWhenBuilt proves an exclusion: of what the kustomization builds, which is
// what gets to a cluster, Strake and the server think alike.
func sameWhenBuilt(t *testing.T, server *agreement.Server, product agreement.Strake, repository string, r agreement.Row) {
	t.Helper()
	object, err := product.Build(shared.ctx, repository, r.Case)
	if err != nil || len(object) == 0 {
		if !r.Strake.Refused() {
			t.Errorf("%s: it does not build, and Strake says ok: %v", r.ID, err)
		}
		return
	}
	answer, err := server.Create(shared.ctx, object)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Refused() != r.Strake.Refused() {
		t.Errorf("%s: as it is built, Strake says %s, and the server %s:\n%s", r.ID, r.Strake, answer, object)
	}
}

// updated judges objects over such as stand in the cluster.
func updated(t *testing.T, server *agreement.Server, product agreement.Strake, cases []agreement.Case) []agreement.Row {
	t.Helper()
	if len(cases) == 0 {
		return nil
	}
	began := time.Now()
	opinions, err := product.Opinions(shared.ctx, t.TempDir(), cases)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d changes: strake check took %.1f s", len(cases), time.Since(began).Seconds())
	began = time.Now()
	defer func() { t.Logf("the others took %.1f s", time.Since(began).Seconds()) }()
	var rows []agreement.Row
	for i, c := range cases {
		r := agreement.Row{Case: c, Strake: opinions[i]}
		if err := server.Put(shared.ctx, c.Before); err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		var wrong [3]error
		r.Write, wrong[0] = server.Patch(shared.ctx, c.Before, c.After)
		r.Apply, wrong[1] = server.Apply(shared.ctx, c.After)
		wrong[2] = server.Remove(shared.ctx, c.Before)
		if err := errors.Join(wrong[:]...); err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		rows = append(rows, r)
	}
	return rows
}
