package spec

import "strake/generator/diag"

// The slugs of this package's rules. They are stable: exceptions and the pages
// in docs/rules name them.
const (
	ruleRead         = "spec-read"
	ruleSyntax       = "spec-syntax"
	ruleLimit        = "spec-limit"
	ruleUnknownKey   = "spec-unknown-key"
	ruleDuplicateKey = "spec-duplicate-key"
	ruleDuplicate    = "spec-duplicate-name"
	ruleType         = "spec-type"
	ruleRequired     = "spec-required"
	ruleValue        = "spec-value"
	ruleName         = "spec-name"
	ruleReference    = "spec-reference"
	ruleVariable     = "spec-variable"
	ruleFact         = "spec-fact-pending"
	ruleRelease      = "spec-release"
	ruleInclude      = "spec-include"
	ruleMerge        = "spec-merge"
	ruleExclusive    = "spec-exclusive"
	ruleToolVersion  = "spec-tool-version"
	ruleVersion      = "spec-workflows-version"
	ruleImage        = "spec-image"
	rulePool         = "spec-pool"
	ruleGPU          = "spec-gpu"
	ruleTask         = "spec-task"
	ruleArtifacts    = "spec-artifacts"
	ruleSecretStore  = "spec-secret-store"
	ruleAuth         = "spec-server-auth"
	ruleAccess       = "spec-argocd-access"
	ruleConfigKey    = "spec-argocd-config"
	ruleNamespace    = "spec-namespace"
	ruleLimits       = "spec-tenant-limit"
	ruleCollision    = "spec-collision"
	ruleTemplate     = "spec-template"
	ruleRemoval      = "spec-removal"
	ruleRole         = "spec-role"
	ruleAutopilot    = "spec-autopilot"
	ruleQuota        = "spec-quota"
)

// RuleInfo describes one rule of this package.
type RuleInfo struct {
	Slug     string
	Severity diag.Severity
	Title    string
}

// Rules lists every rule that Load and ParseEffective can report, by slug.
func Rules() []RuleInfo {
	return []RuleInfo{
		{ruleAccess, diag.Error, "nobody could administrate Argo CD"},
		{ruleConfigKey, diag.Warning, "a key under argocd.config is one that Argo CD never reads"},
		{ruleArtifacts, diag.Error, "artifacts pass between tasks or logs are kept, and the artifact repository cannot do it"},
		{ruleAutopilot, diag.Error, "a service asks for what Autopilot does not accept as it is"},
		{ruleCollision, diag.Error, "two environments claim the same cluster or the same rows of a database"},
		{ruleDuplicateKey, diag.Error, "a key is written twice in one map"},
		{ruleDuplicate, diag.Error, "two things of one list or kind have the same name"},
		{ruleExclusive, diag.Error, "two fields that exclude each other are both set"},
		{ruleFact, diag.Warning, "a value needs a fact that Terraform has not recorded yet"},
		{ruleGPU, diag.Error, "a task takes GPUs and its pool has none"},
		{ruleImage, diag.Error, "an image is a placeholder, has no tag, or moves"},
		{ruleInclude, diag.Error, "an include matches nothing, or leaves the repository"},
		{ruleLimit, diag.Error, "a file is larger, deeper or longer than the reader accepts"},
		{ruleMerge, diag.Error, "an environment or an override cannot be merged"},
		{ruleName, diag.Error, "a name is not one that Kubernetes or Google Cloud accepts"},
		{ruleNamespace, diag.Error, "a namespace is reserved, shared, or out of the controller's reach"},
		{rulePool, diag.Error, "a node pool does not exist or does not suit what runs on it"},
		{ruleQuota, diag.Error, "the services of a tenant need more than its quota"},
		{ruleRead, diag.Error, "a file of the spec cannot be read"},
		{ruleReference, diag.Error, "a name refers to something that does not exist"},
		{ruleRelease, diag.Error, "a release and the pipelines do not fit together"},
		{ruleRemoval, diag.Error, "a removal cannot apply"},
		{ruleRequired, diag.Error, "a required field is missing"},
		{ruleRole, diag.Error, "a tenant's ServiceAccount gets a role that reaches the whole project"},
		{ruleSecretStore, diag.Error, "a secret is used and no secret store is set up"},
		{ruleAuth, diag.Error, "the server's login is unsafe or incomplete"},
		{ruleSyntax, diag.Error, "a file is not YAML that the reader accepts"},
		{ruleTask, diag.Error, "the tasks of a pipeline do not form a working DAG"},
		{ruleTemplate, diag.Error, "a pipeline's own template cannot be used"},
		{ruleLimits, diag.Error, "a tenant asks for more than tenantLimits allow"},
		{ruleToolVersion, diag.Warning, "this binary is not the version that the spec pins"},
		{ruleType, diag.Error, "a value has the wrong type"},
		{ruleUnknownKey, diag.Error, "a key is not known"},
		{ruleValue, diag.Error, "a value is not one that the field accepts"},
		{ruleVariable, diag.Error, "a variable is not known or cannot be used here"},
		{ruleVersion, diag.Error, "a version of Argo Workflows is vulnerable, unmaintained, or cannot be rendered"},
	}
}
