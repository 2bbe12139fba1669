package strake.rules.readonly_root_artifact_path_test

import data.strake.fixture
import data.strake.rules.readonly_root_artifact_path as rule

template(container, inputs) := fixture.prod(sprintf(
	`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  entrypoint: main
  templates:
    - name: main
      inputs: %s
      container: %s
      outputs:
        artifacts: [{name: dataset, path: /tmp/dataset.pkl}]
`,
	[inputs, container],
))

test_cases[name] if {
	some name, c in {
		"no volume": ["{image: i, securityContext: {readOnlyRootFilesystem: true}}", "{}", 1],
		"volume": ["{image: i, securityContext: {readOnlyRootFilesystem: true}, volumeMounts: [{name: tmp, mountPath: /tmp}]}", "{}", 0],
		"another volume": ["{image: i, securityContext: {readOnlyRootFilesystem: true}, volumeMounts: [{name: tmp, mountPath: /tm}]}", "{}", 1],
		"read-only volume": ["{image: i, securityContext: {readOnlyRootFilesystem: true}, volumeMounts: [{name: tmp, mountPath: /tmp, readOnly: true}]}", "{}", 1],
		"writable root": ["{image: i}", "{}", 0],
		"an input at the same path": ["{image: i, securityContext: {readOnlyRootFilesystem: true}}", "{artifacts: [{name: d, path: /tmp/dataset.pkl}]}", 0],
	}
	f := rule.findings with input as template(c[0], c[1])
	count(f) == c[2]
}

test_path if {
	f := rule.findings with input as template("{image: i, securityContext: {readOnlyRootFilesystem: true}}", "{}")
	fixture.paths(f) == {"0:spec.templates.0.outputs.artifacts.0.path"}
}

test_output_parameters if {
	f := rule.findings with input as fixture.prod(`
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: w, namespace: ml}
spec:
  templates:
    - name: main
      script: {image: i, source: x, securityContext: {readOnlyRootFilesystem: true}}
      outputs: {parameters: [{name: p, valueFrom: {path: /tmp/p}}]}
`)
	fixture.paths(f) == {"0:spec.templates.0.outputs.parameters.0.valueFrom.path"}
}
