package render_test

import (
	"slices"
	"testing"

	"github.com/argoproj/argo-workflows/v3/util/expr/argoexpr"
	argoenv "github.com/argoproj/argo-workflows/v3/util/expr/env"
	argoretry "github.com/argoproj/argo-workflows/v3/workflow/util/retry"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

var (
	tolerateSpot  = corev1.Toleration{Key: "cloud.google.com/gke-spot", Operator: "Equal", Value: "true", Effect: "NoSchedule"}
	tolerateGPU   = corev1.Toleration{Key: "nvidia.com/gpu", Operator: "Equal", Value: "present", Effect: "NoSchedule"}
	tolerateBatch = corev1.Toleration{Key: "batch", Operator: "Equal", Value: "yes", Effect: "NoSchedule"}
	tolerateOwn   = corev1.Toleration{Key: "dedicated", Operator: "Equal", Value: "forecasting", Effect: "NoSchedule"}
)

func TestPlacement(t *testing.T) {
	t.Parallel()
	task := edit{"command: [python, train.py]", "command: [python, train.py]\n          pool: gpu\n          gpu: 1"}
	pipeline := edit{"activeDeadline: 3h", "activeDeadline: 3h\n      pool: ondemand"}
	team := edit{"group: forecasting@example.com", "group: forecasting@example.com\n  pool: mine"}
	spot := map[string]string{"cloud.google.com/gke-spot": "true"}
	tests := map[string]struct {
		edits       []edit
		ingest      map[string]string
		train       map[string]string
		tolerations []corev1.Toleration // of train
	}{
		"spot.pool": {ingest: spot, train: spot, tolerations: []corev1.Toleration{tolerateSpot}},
		"the task's pool": {
			edits:       []edit{task},
			ingest:      spot,
			train:       map[string]string{"cloud.google.com/gke-spot": "true", "cloud.google.com/gke-accelerator": "nvidia-l4"},
			tolerations: []corev1.Toleration{tolerateGPU, tolerateSpot},
		},
		"the pipeline's pool": {
			edits:       []edit{pipeline},
			ingest:      map[string]string{"pool": "ondemand"},
			train:       map[string]string{"pool": "ondemand"},
			tolerations: []corev1.Toleration{tolerateBatch},
		},
		"the tenant's pool": {
			edits:       []edit{team},
			ingest:      map[string]string{"dedicated": "forecasting"},
			train:       map[string]string{"dedicated": "forecasting"},
			tolerations: []corev1.Toleration{tolerateOwn},
		},
		"the innermost pool wins": {
			edits:       []edit{task, pipeline, team},
			ingest:      map[string]string{"pool": "ondemand"},
			train:       map[string]string{"cloud.google.com/gke-spot": "true", "cloud.google.com/gke-accelerator": "nvidia-l4"},
			tolerations: []corev1.Toleration{tolerateGPU, tolerateSpot},
		},
		"a pool without labels is selected by its name": {
			edits:  []edit{{"spot: {pool: spot}", "spot: {pool: system}"}},
			ingest: map[string]string{"cloud.google.com/gke-nodepool": "system"},
			train:  map[string]string{"cloud.google.com/gke-nodepool": "system"},
		},
		"no fallback from a pool that was named": {
			edits:       []edit{task, {"spot: {pool: spot}", "spot: {pool: system, fallback: ondemand}"}},
			ingest:      map[string]string{"cloud.google.com/gke-nodepool": "system"},
			train:       map[string]string{"cloud.google.com/gke-spot": "true", "cloud.google.com/gke-accelerator": "nvidia-l4"},
			tolerations: []corev1.Toleration{tolerateGPU, tolerateSpot},
		},
		"no spot": {edits: []edit{{"spot: {pool: spot}", "spot: null"}}},
	}
	byKey := func(a, b corev1.Toleration) int {
		if a.Key < b.Key {
			return 1
		}
		return -1
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := workflowTemplate(t, environment(t, nil, test.edits...), "chart-movement")
			ingest, train := templateOf(t, w, "ingest-data"), templateOf(t, w, "train-model")
			if diff := cmp.Diff(test.ingest, ingest.NodeSelector); diff != "" {
				t.Errorf("ingest-data (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.train, train.NodeSelector); diff != "" {
				t.Errorf("train-model (-want +got):\n%s", diff)
			}
			got := slices.Clone(train.Tolerations)
			slices.SortFunc(got, byKey)
			if diff := cmp.Diff(test.tolerations, got); diff != "" {
				t.Errorf("tolerations (-want +got):\n%s", diff)
			}
			if train.Affinity != nil {
				t.Errorf("affinity %v", train.Affinity)
			}
			if main := templateOf(t, w, "main"); main.NodeSelector != nil || main.Tolerations != nil || main.RetryStrategy != nil {
				t.Errorf("the DAG is placed: %v", main)
			}
		})
	}
}

func TestPlacementWithFallback(t *testing.T) {
	t.Parallel()
	w := workflowTemplate(t, environment(t, nil, edit{"spot: {pool: spot}", "spot: {pool: spot, fallback: ondemand}"}), "chart-movement")
	got := templateOf(t, w, "train-model")
	spot := corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
		{Key: "cloud.google.com/gke-spot", Operator: "In", Values: []string{"true"}},
	}}
	ondemand := corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
		{Key: "pool", Operator: "In", Values: []string{"ondemand"}},
	}}
	want := &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution:  &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{spot, ondemand}},
		PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 100, Preference: spot}},
	}}
	if diff := cmp.Diff(want, got.Affinity); diff != "" {
		t.Error(diff)
	}
	if got.NodeSelector != nil {
		t.Errorf("a node selector would exclude the fallback: %v", got.NodeSelector)
	}
	if diff := cmp.Diff([]corev1.Toleration{tolerateSpot, tolerateBatch}, got.Tolerations); diff != "" {
		t.Error(diff)
	}

	// Argo excludes the nodes that failed, for the pool that loses nodes, and
	// leaves the fallback open.
	retried := argoretry.AddHostnamesToAffinity("kubernetes.io/hostname", []string{"spot-a"}, got.Affinity.DeepCopy())
	terms := retried.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	if len(terms) != 2 || len(terms[0].MatchExpressions) != 2 || terms[0].MatchExpressions[0].Key != "cloud.google.com/gke-spot" {
		t.Errorf("the failed node is not excluded from the Spot pool: %v", terms)
	}
	if diff := cmp.Diff(ondemand, terms[1]); diff != "" {
		t.Error(diff)
	}
}

func TestPlacementOnAutopilot(t *testing.T) {
	t.Parallel()
	e := environment(t, nil)
	e.Cluster.Mode, e.Cluster.NodePools, e.Spot.Pool = "autopilot", nil, ""
	w := workflowTemplate(t, e, "chart-movement")
	got := templateOf(t, w, "train-model")
	if diff := cmp.Diff(map[string]string{"cloud.google.com/gke-spot": "true"}, got.NodeSelector); diff != "" {
		t.Error(diff)
	}
	if got.Tolerations != nil || got.Affinity != nil {
		t.Errorf("more than a selector: %v %v", got.Tolerations, got.Affinity)
	}
	if w.Spec.PodMetadata.Annotations != nil {
		t.Errorf("safe-to-evict asks Autopilot for extended run time: %v", w.Spec.PodMetadata.Annotations)
	}
	e.Spot = nil
	if got := templateOf(t, workflowTemplate(t, e, "chart-movement"), "train-model"); got.NodeSelector != nil || got.RetryStrategy != nil {
		t.Errorf("no Spot was asked for: %v", got)
	}
}

// TestRetryExpression evaluates the expression as the controller does, on what
// the controller and the kubelet say.
func TestRetryExpression(t *testing.T) {
	t.Parallel()
	got := templateOf(t, workflowTemplate(t, environment(t, nil), "chart-movement"), "train-model").RetryStrategy
	if got == nil || got.RetryPolicyActual() != "Always" {
		t.Fatalf("got %v: both Failed and Error must be able to be tried again", got)
	}
	tests := map[string]struct {
		status, exitCode, message string
		want                      bool
	}{
		"reclaimed":                   {"Failed", "143", "Pod was terminated in response to imminent node shutdown.", true},
		"reclaimed before it began":   {"Failed", "-1", "Pod was rejected as the node is shutting down.", true},
		"gone with its node":          {"Error", "-1", "pod deleted", true},
		"refused by a returned node":  {"Failed", "-1", "Pod was rejected: Predicate NodeAffinity failed", true},
		"evicted for the node's sake": {"Failed", "137", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 20Mi. ", true},
		"made room":                   {"Failed", "-1", "Preempted in order to admit critical pod", true},
		"drained":                     {"Failed", "143", "main: Error (exit code 143)", true},
		"drained without a word":      {"Failed", "137", "main: Error (exit code 137)", true},
		"lost before it began":        {"Error", "-1", "Pod failed before main container starts due to PodInitializing: ", true},
		"lost while it was made":      {"Error", "-1", "Pod failed before init container starts due to ContainerCreating: ", true},
		"wait was drained":            {"Error", "143", "wait: Error (exit code 143)", true},
		"node vanished":               {"Failed", "-1", "pod failed: neither main nor wait container completed successfully", true},
		"node vanished after main":    {"Failed", "0", "pod failed: wait container did not complete successfully", true},
		"no container ever":           {"Failed", "-1", "can't find failed message for pod x namespace y", true},

		"exit 1":              {"Failed", "1", "main: Error (exit code 1)", false},
		"exit 1 with a text":  {"Failed", "1", "main: Error (exit code 1): traceback", false},
		"out of memory":       {"Failed", "137", "main: OOMKilled (exit code 137)", false},
		"killed, no message":  {"Failed", "137", "", false},
		"deadline":            {"Failed", "143", "Pod was active on the node longer than the specified deadline", false},
		"too much disk":       {"Failed", "-1", "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ", false},
		"too much scratch":    {"Failed", "-1", "Usage of EmptyDir volume \"tmp\" exceeds the limit \"10Gi\". ", false},
		"out of memory, told": {"Failed", "137", "main: OOMKilled (exit code 137): allocating", false},
		"no image":            {"Error", "-1", "Pod failed before main container starts due to CreateContainerConfigError: secret not found", false},
		"no output":           {"Error", "0", "wait: Error (exit code 64): failed to save outputs: stat /tmp/x: no such file", false},
		"no input":            {"Error", "-1", "init: Error (exit code 64): artifact dataset failed to load: key does not exist", false},
		"image does not pull": {"Error", "-1", "Pod failed before main container starts due to ImagePullBackOff: Back-off pulling image", false},
		"refused by policy":   {"Error", "-1", "pods \"x\" is forbidden: violates PodSecurity \"restricted:v1.33\"", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again, err := argoexpr.EvalBool(got.Expression, argoenv.GetFuncMap(map[string]any{
				"retries": "0", "lastRetry.exitCode": test.exitCode, "lastRetry.status": test.status,
				"lastRetry.duration": "60", "lastRetry.message": test.message,
			}))
			if err != nil {
				t.Fatal(err)
			}
			if again != test.want {
				t.Errorf("tried again: %v, want %v", again, test.want)
			}
		})
	}
}

func TestRetryStrategy(t *testing.T) {
	t.Parallel()
	type values struct {
		Limit, Duration, Factor, Cap string
		OtherNode                    bool
	}
	spot := func(text string) edit { return edit{"spot: {pool: spot}", "spot: {pool: spot, retry: " + text + "}"} }
	pipeline := func(text string) edit { return edit{"activeDeadline: 3h", "activeDeadline: 3h\n      retry: " + text} }
	task := func(text string) edit {
		return edit{"activeDeadline: 90m", "activeDeadline: 90m\n          retry: " + text}
	}
	tests := map[string]struct {
		edits []edit
		want  *values
	}{
		"defaults":              {want: &values{"3", "1m", "2", "10m", true}},
		"spot.retry":            {edits: []edit{spot("{limit: 5, backoff: {duration: 30s, factor: 3, cap: 1d}}")}, want: &values{"5", "30s", "3", "24h0m0s", true}},
		"the pipeline's":        {edits: []edit{spot("{limit: 5}"), pipeline("{limit: 4}")}, want: &values{"4", "1m", "2", "10m", true}},
		"the task's":            {edits: []edit{pipeline("{limit: 4}"), task("{limit: 1}")}, want: &values{"1", "1m", "2", "10m", true}},
		"none":                  {edits: []edit{task("{limit: 0}")}, want: nil},
		"more tries than nodes": {edits: []edit{spot("{limit: 9}")}, want: &values{"9", "1m", "2", "10m", false}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := templateOf(t, workflowTemplate(t, environment(t, nil, test.edits...), "chart-movement"), "train-model").RetryStrategy
			var got *values
			if r != nil {
				got = &values{r.Limit.String(), r.Backoff.Duration, r.Backoff.Factor.String(), r.Backoff.Cap, r.Affinity != nil && r.Affinity.NodeAntiAffinity != nil}
				if r.Backoff.MaxDuration != "" {
					t.Errorf("maxDuration %s would end the retries of a long step", r.Backoff.MaxDuration)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRetryCapNeedsArgo37 renders for a controller that would refuse the field.
func TestRetryCapNeedsArgo37(t *testing.T) {
	t.Parallel()
	e := environment(t, nil)
	for version, want := range map[string]string{"v3.6.19": "", "v3.7.18": "10m", "v4.0.8": "10m"} {
		e.Workflows.Version = version
		if got := templateOf(t, workflowTemplate(t, e, "chart-movement"), "train-model").RetryStrategy.Backoff.Cap; got != want {
			t.Errorf("%s: cap %q, want %q", version, got, want)
		}
	}
}
