package strake.rules.gpu_without_request_test

import data.strake.fixture
import data.strake.rules.gpu_without_request as rule

template(selector, resources) := sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  templates:
    - name: main
      nodeSelector: %s
      container: {image: i, resources: %s}
`,
	[selector, resources],
)

test_fires if {
	f := rule.findings with input as fixture.prod(template("{cloud.google.com/gke-accelerator: nvidia-l4}", "{}"))
	fixture.paths(f) == {"0:spec.templates.0.nodeSelector"}
}

test_silent_with_a_limit if {
	f := rule.findings with input as fixture.prod(template("{cloud.google.com/gke-accelerator: nvidia-l4}", "{limits: {nvidia.com/gpu: 1}}"))
	count(f) == 0
}

test_fires_for_a_declared_pool if {
	f := rule.findings with input as fixture.with_pools(template("{cloud.google.com/gke-nodepool: gpu}", "{}"))
	count(f) == 1
}

test_silent_for_other_pools if {
	f := rule.findings with input as fixture.with_pools(template("{cloud.google.com/gke-nodepool: spot}", "{}"))
	count(f) == 0
}
