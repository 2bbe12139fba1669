package check_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"strake/generator/check"
)

func TestPipelines(t *testing.T) {
	t.Parallel()
	const workflow = `name: deploy
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - uses: google-github-actions/get-gke-credentials@v2
    - run: kubectl apply -k overlays/prod
    - name: release
      run: |
        set -eu
        # kubectl apply is what we did before
        kubectl apply --dry-run=server -k overlays/prod
        echo ok && helm  upgrade --install api charts/api
    - run: kubectl --context prod delete pod api-0
    - run: kubectl get pods; strake check
    - run: kubectl diff -k overlays/prod
  call: {uses: ./.github/workflows/other.yaml}
  test:
    runs-on: ubuntu-latest
    steps:
    - uses: helm/kind-action@v1
    - run: kubectl apply -k overlays/dev
  local:
    runs-on: ubuntu-latest
    steps:
    - run: kind create cluster
    - run: helm install api charts/api
`
	files := map[string]string{
		".github/workflows/deploy.yaml": workflow,
		".github/workflows/broken.yml":  "jobs: [",
		".github/workflows/odd.yml":     "jobs: {a: {steps: {b: c}}, d: [e]}",
		"docs/deploy.yaml":              workflow,
	}
	found := check.Pipelines(check.Repository{
		Files: func() []string {
			return []string{".github/workflows/broken.yml", ".github/workflows/deploy.yaml", ".github/workflows/odd.yml", "docs/deploy.yaml"}
		},
		Read: func(name string) ([]byte, bool) { return []byte(files[name]), true },
	})
	var got []string
	for _, d := range found {
		got = append(got, fmt.Sprintf("%s:%d %s", d.Range.Path, d.Range.Start.Line, d.Summary))
	}
	want := []string{
		".github/workflows/deploy.yaml:8 the workflow changes the cluster by itself: it uses google-github-actions/get-gke-credentials",
		".github/workflows/deploy.yaml:9 the workflow changes the cluster by itself: it runs kubectl apply",
		".github/workflows/deploy.yaml:15 the workflow changes the cluster by itself: it runs helm upgrade",
		".github/workflows/deploy.yaml:16 the workflow changes the cluster by itself: it runs kubectl --context prod delete",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
