package render_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/common"
	"github.com/argoproj/argo-workflows/v3/workflow/validate"
	"github.com/google/go-cmp/cmp"
	"github.com/sirupsen/logrus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	psaapi "k8s.io/pod-security-admission/api"
	psapolicy "k8s.io/pod-security-admission/policy"

	"strake/generator/spec"
)

func workflowTemplate(t testing.TB, e *spec.Effective, name string) *wfv1.WorkflowTemplate {
	t.Helper()
	w := objectAt[wfv1.WorkflowTemplate](t, e, teamDir+name+".workflowtemplate.yaml")
	return &w
}

func templateOf(t testing.TB, w *wfv1.WorkflowTemplate, name string) *wfv1.Template {
	t.Helper()
	for i := range w.Spec.Templates {
		if w.Spec.Templates[i].Name == name {
			return &w.Spec.Templates[i]
		}
	}
	t.Fatalf("no template %s", name)
	return nil
}

// library answers Argo's lint with the templates of one environment.
type library map[string]*wfv1.WorkflowTemplate

func (l library) Get(name string) (*wfv1.WorkflowTemplate, error) {
	if w, ok := l[name]; ok {
		return w, nil
	}
	return nil, fmt.Errorf("no workflow template %s", name)
}

type noClusterTemplates struct{}

func (noClusterTemplates) Get(name string) (*wfv1.ClusterWorkflowTemplate, error) {
	return nil, fmt.Errorf("no cluster workflow template %s", name)
}

// lint runs Argo's own lint. It counts in a global variable, so its callers do
// not run in parallel.
func lint(t *testing.T, e *spec.Effective) {
	t.Helper()
	logrus.SetOutput(io.Discard)
	templates := library{}
	var crons []*wfv1.CronWorkflow
	for _, file := range names(t, e, teamDir) {
		switch {
		case strings.HasSuffix(file, ".workflowtemplate.yaml"):
			w := objectAt[wfv1.WorkflowTemplate](t, e, teamDir+file)
			templates[w.Name] = &w
		case strings.HasSuffix(file, ".cronworkflow.yaml"):
			c := objectAt[wfv1.CronWorkflow](t, e, teamDir+file)
			crons = append(crons, &c)
		}
	}
	if len(templates) == 0 {
		t.Fatal("nothing to lint")
	}
	for name, w := range templates {
		if err := validate.ValidateWorkflowTemplate(templates, noClusterTemplates{}, w, nil, validate.ValidateOpts{Lint: true}); err != nil {
			t.Errorf("WorkflowTemplate %s: %v", name, err)
		}
	}
	for _, c := range crons {
		if err := validate.ValidateCronWorkflow(context.Background(), templates, noClusterTemplates{}, c, nil); err != nil {
			t.Errorf("CronWorkflow %s: %v", c.Name, err)
		}
	}
}

//nolint:paralleltest // Argo's lint has a global counter
func TestPipelinesPassArgosLint(t *testing.T) {
	tests := map[string][]edit{
		"as it is":           nil,
		"with a fallback":    {{"spot: {pool: spot}", "spot: {pool: spot, fallback: ondemand}"}},
		"a task named main":  {{"- name: ingest-data", "- name: main"}, {"depends: ingest-data", "depends: main"}, {"data: {from: ingest-data", "data: {from: main"}, {"extra: {from: ingest-data", "extra: {from: main"}},
		"depends on a phase": {{"depends: ingest-data", "depends: ingest-data.Succeeded"}},
	}
	for name, edits := range tests {
		t.Run(name, func(t *testing.T) { lint(t, environment(t, nil, edits...)) })
	}
}

func TestPipeline(t *testing.T) {
	t.Parallel()
	w := workflowTemplate(t, environment(t, nil), "chart-movement")
	if w.Namespace != "forecasting" || w.Spec.Entrypoint != "main" || w.Spec.ServiceAccountName != "workflow-runner" {
		t.Errorf("got %s %s %s", w.Namespace, w.Spec.Entrypoint, w.Spec.ServiceAccountName)
	}
	if *w.Spec.ActiveDeadlineSeconds != 10800 || w.Spec.PodGC.Strategy != "OnPodCompletion" || w.Spec.PodGC.DeleteDelayDuration != "60s" {
		t.Errorf("deadline %v, podGC %+v", *w.Spec.ActiveDeadlineSeconds, w.Spec.PodGC)
	}
	if *w.Spec.TTLStrategy.SecondsAfterSuccess != 86400 || *w.Spec.TTLStrategy.SecondsAfterFailure != 7*86400 || !*w.Spec.ArchiveLogs {
		t.Errorf("ttl %+v, archiveLogs %v", w.Spec.TTLStrategy, w.Spec.ArchiveLogs)
	}
	dag := templateOf(t, w, "main").DAG.Tasks
	want := []wfv1.DAGTask{
		{Name: "ingest-data", Template: "ingest-data"},
		{Name: "train-model", Template: "train-model", Depends: "ingest-data", Arguments: wfv1.Arguments{Artifacts: wfv1.Artifacts{
			{Name: "data", From: "{{tasks.ingest-data.outputs.artifacts.dataset}}"},
			{Name: "extra", From: "{{tasks.ingest-data.outputs.artifacts.report}}"},
		}}},
	}
	if diff := cmp.Diff(want, dag); diff != "" {
		t.Error(diff)
	}
	train := templateOf(t, w, "train-model")
	if train.ActiveDeadlineSeconds.String() != "5400" {
		t.Errorf("the task's deadline is %s", train.ActiveDeadlineSeconds)
	}
	c := train.Container
	wantEnv := []corev1.EnvVar{{Name: "HOME", Value: "/tmp"}, {Name: "LEVEL", Value: "debug"}, {Name: "REGION", Value: "tokyo"}}
	if diff := cmp.Diff(wantEnv, c.Env); diff != "" {
		t.Error(diff)
	}
	if len(c.EnvFrom) != 2 || c.EnvFrom[0].ConfigMapRef == nil || c.EnvFrom[1].SecretRef == nil || c.EnvFrom[1].SecretRef.Name != "app-secrets" {
		t.Errorf("envFrom %v", c.EnvFrom)
	}
	if c.Resources.Limits.Memory().String() != "4Gi" {
		t.Errorf("limits %v: the default of the namespace is less than the request", c.Resources.Limits)
	}
}

func TestPipelineResources(t *testing.T) {
	t.Parallel()
	w := workflowTemplate(t, environment(t, nil,
		edit{"command: [python, train.py]", "command: [python, train.py]\n          gpu: 2\n          pool: gpu\n          resources: {requests: {memory: 8Gi}, limits: {memory: 9Gi}}"},
		edit{"max: 2, gpu: {type: nvidia-l4, count: 1}", "max: 2, gpu: {type: nvidia-l4, count: 2}"},
	), "chart-movement")
	got := templateOf(t, w, "train-model").Container.Resources
	text := func(list corev1.ResourceList) map[string]string {
		out := map[string]string{}
		for name, quantity := range list {
			out[string(name)] = quantity.String()
		}
		return out
	}
	// A task's resources stand for the pipeline's as a whole.
	if diff := cmp.Diff(map[string]string{"memory": "8Gi", "nvidia.com/gpu": "2"}, text(got.Requests)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"memory": "9Gi", "nvidia.com/gpu": "2"}, text(got.Limits)); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

func TestCronWorkflow(t *testing.T) {
	t.Parallel()
	e := environment(t, nil, edit{"timezone: Asia/Tokyo", "timezone: Asia/Tokyo\n      suspend: true\n      concurrency: Replace\n      startingDeadline: 30m"})
	c := objectAt[wfv1.CronWorkflow](t, e, teamDir+"chart-movement.cronworkflow.yaml")
	if diff := cmp.Diff([]string{"0 3 * * *"}, c.Spec.Schedules); diff != "" || c.Spec.Schedule != "" {
		t.Errorf("schedules %v, schedule %q", c.Spec.Schedules, c.Spec.Schedule)
	}
	if c.Spec.Timezone != "Asia/Tokyo" || !c.Spec.Suspend || c.Spec.ConcurrencyPolicy != "Replace" || *c.Spec.StartingDeadlineSeconds != 1800 {
		t.Errorf("got %+v", c.Spec)
	}
	if c.Spec.WorkflowSpec.WorkflowTemplateRef == nil || c.Spec.WorkflowSpec.WorkflowTemplateRef.Name != "chart-movement" {
		t.Errorf("got %+v", c.Spec.WorkflowSpec)
	}
}

// podOf is the pod that Argo makes of a template, without its own containers.
func podOf(w *wfv1.WorkflowTemplate, x *wfv1.Template) *corev1.PodSpec {
	pod := &corev1.PodSpec{SecurityContext: w.Spec.SecurityContext, Volumes: append(x.Volumes, w.Spec.Volumes...)}
	if x.SecurityContext != nil {
		pod.SecurityContext = x.SecurityContext
	}
	add := func(c corev1.Container) { pod.Containers = append(pod.Containers, c) }
	if x.Container != nil {
		add(*x.Container)
	}
	if x.Script != nil {
		add(x.Script.Container)
	}
	if x.ContainerSet != nil {
		for _, c := range x.ContainerSet.Containers {
			add(c.Container)
		}
	}
	for _, c := range x.Sidecars {
		add(c.Container)
	}
	for _, c := range x.InitContainers {
		pod.InitContainers = append(pod.InitContainers, c.Container)
	}
	return pod
}

// restricted says what the restricted Pod Security Standard forbids in a pod.
func restricted(t testing.TB, pod *corev1.PodSpec) []string {
	t.Helper()
	evaluator, err := psapolicy.NewEvaluator(psapolicy.DefaultChecks())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	level := psaapi.LevelVersion{Level: psaapi.LevelRestricted, Version: psaapi.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(level, &metav1.ObjectMeta{}, pod) {
		if !result.Allowed {
			out = append(out, result.ForbiddenReason+": "+result.ForbiddenDetail)
		}
	}
	return out
}

func TestPipelinePodsAreRestricted(t *testing.T) {
	t.Parallel()
	w := workflowTemplate(t, environment(t, nil), "chart-movement")
	for _, name := range []string{"ingest-data", "train-model"} {
		x := templateOf(t, w, name)
		if found := restricted(t, podOf(w, x)); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
		if sc := x.Container.SecurityContext; sc.ReadOnlyRootFilesystem == nil || !*sc.ReadOnlyRootFilesystem {
			t.Errorf("%s: the root file system can be written", name)
		}
	}
}

// TestScratchIsBounded holds a task that fills the disk to fail by itself.
func TestScratchIsBounded(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		task *spec.Resources
		want string
	}{
		"nothing said": {nil, "10Gi"},
		"a request":    {&spec.Resources{Requests: map[string]string{"ephemeral-storage": "40Gi"}}, "40Gi"},
		"a limit": {&spec.Resources{
			Requests: map[string]string{"ephemeral-storage": "5Gi"}, Limits: map[string]string{"ephemeral-storage": "20Gi"},
		}, "20Gi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := environment(t, nil)
			e.Tenants[0].Pipelines[0].Tasks[0].Resources = test.task
			x := templateOf(t, workflowTemplate(t, e, "chart-movement"), "ingest-data")
			if len(x.Volumes) != 2 {
				t.Fatalf("volumes %v", x.Volumes)
			}
			for _, v := range x.Volumes {
				if v.EmptyDir.SizeLimit == nil || v.EmptyDir.SizeLimit.String() != test.want {
					t.Errorf("%s: %v, want %s", v.Name, v.EmptyDir.SizeLimit, test.want)
				}
			}
		})
	}
}

// TestArtifactsAreWritable holds every output to lie on a volume, as Argo sees
// it, and volumes and mounts to match.
func TestArtifactsAreWritable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		outputs string
		mounts  []string
	}{
		"in /tmp":                 {"{a: /tmp/a, b: /tmp/deep/b}", []string{"/tmp"}},
		"elsewhere":               {"{a: /out/a}", []string{"/out", "/tmp"}},
		"one inside another":      {"{a: /out/a, b: /out/deep/b}", []string{"/out", "/tmp"}},
		"beside one another":      {"{a: /data/a, b: /database/b}", []string{"/data", "/database", "/tmp"}},
		"a directory of the root": {"{a: /model}", []string{"/model", "/tmp"}},
		"not clean":               {"{a: /out//x/a}", []string{"/out/x", "/tmp"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := environment(t, nil)
			tasks := e.Tenants[0].Pipelines[0].Tasks
			tasks[0].Outputs = map[string]string{}
			for pair := range strings.SplitSeq(strings.Trim(test.outputs, "{}"), ", ") {
				key, value, _ := strings.Cut(pair, ": ")
				tasks[0].Outputs[key] = value
			}
			e.Tenants[0].Pipelines[0].Tasks = tasks[:1]
			x := templateOf(t, workflowTemplate(t, e, "chart-movement"), "ingest-data")
			volumes := map[string]bool{}
			for _, v := range x.Volumes {
				volumes[v.Name] = v.EmptyDir != nil
			}
			var mounts []string
			for _, mount := range x.Container.VolumeMounts {
				mounts = append(mounts, mount.MountPath)
				if !volumes[mount.Name] {
					t.Errorf("%s has no volume", mount.MountPath)
				}
			}
			if len(volumes) != len(mounts) {
				t.Errorf("%d volumes for %d mounts", len(volumes), len(mounts))
			}
			if diff := cmp.Diff(test.mounts, mounts); diff != "" {
				t.Error(diff)
			}
			for _, a := range x.Outputs.Artifacts {
				if err := a.CleanPath(); err != nil || common.FindOverlappingVolume(x, a.Path) == nil {
					t.Errorf("%s lies on no volume (%v)", a.Path, err)
				}
			}
		})
	}
}
