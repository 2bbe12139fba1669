//go:build e2e

package e2e

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

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
	if err := c.ApplyCRDs(shared.ctx, "workflows"); err != nil {
		t.Fatal(err)
	}
	server, err := agreement.NewServer(c.Admin)
	if err != nil {
		t.Fatal(err)
	}
	agreementFixtures(t, server)
	logrus.SetOutput(io.Discard) // Argo's validation warns on stderr
	rows := agreementOn(t, server, "kube", agreement.OfServer)
	rows = append(rows, agreementOn(t, server, "argo", agreement.OfArgo)...)
	exclusions, err := agreement.Exclusions(filepath.Join("testdata", "agreement", "exclusions.yaml"))
	if err != nil {
		t.Fatal(err)
	}
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
func agreementOn(t *testing.T, server *agreement.Server, dir string, counts func(string) bool) []agreement.Row {
	t.Helper()
	creates, updates, err := agreement.Read(filepath.Join("testdata", "agreement", dir))
	if err != nil {
		t.Fatal(err)
	}
	product := agreement.Strake{Binary: shared.strake, Counts: counts}
	return append(created(t, server, product, creates, dir == "argo"), updated(t, server, product, updates)...)
}

// created judges objects that are created.
func created(t *testing.T, server *agreement.Server, product agreement.Strake, cases []agreement.Case, lint bool) []agreement.Row {
	t.Helper()
	opinions, err := product.Opinions(shared.ctx, t.TempDir(), cases)
	if err != nil {
		t.Fatal(err)
	}
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
			r.Linted, r.Lint = true, agreement.Lint(shared.ctx, c.After, c.Beside)
		}
		rows = append(rows, r)
	}
	return rows
}

// updated judges objects over such as stand in the cluster.
func updated(t *testing.T, server *agreement.Server, product agreement.Strake, cases []agreement.Case) []agreement.Row {
	t.Helper()
	if len(cases) == 0 {
		return nil
	}
	opinions, err := product.Opinions(shared.ctx, t.TempDir(), cases)
	if err != nil {
		t.Fatal(err)
	}
	var rows []agreement.Row
	for i, c := range cases {
		r := agreement.Row{Case: c, Strake: opinions[i]}
		if err := server.Put(shared.ctx, c.Before); err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		var wrong [3]error
		r.Write, wrong[0] = server.Replace(shared.ctx, c.After)
		r.Apply, wrong[1] = server.Apply(shared.ctx, c.After)
		wrong[2] = server.Remove(shared.ctx, c.Before)
		if err := errors.Join(wrong[:]...); err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		rows = append(rows, r)
	}
	return rows
}
