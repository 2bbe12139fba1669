package spec

// The kinds of document that humans and other programs write. They are read as
// nodes, never into these structs: the structs say which keys there are.

// platformDocument is the spec of a platform.
type platformDocument struct {
	// APIVersion of every document: strake/v1alpha1.
	APIVersion string `yaml:"apiVersion" strake:"required,enum=strake/v1alpha1"`
	// Kind of the document: Platform.
	Kind string `yaml:"kind" strake:"required,enum=Platform"`
	// Metadata names the platform.
	Metadata metadata `yaml:"metadata" strake:"required"`
	// Spec is what the platform is made of.
	Spec platformSpec `yaml:"spec" strake:"required"`
}

// tenantDocument is one team, in a file that the team may own.
type tenantDocument struct {
	// APIVersion of every document: strake/v1alpha1.
	APIVersion string `yaml:"apiVersion" strake:"required,enum=strake/v1alpha1"`
	// Kind of the document: Tenant.
	Kind string `yaml:"kind" strake:"required,enum=Tenant"`
	// Metadata names the tenant.
	Metadata metadata `yaml:"metadata" strake:"required"`
	// Spec is what the tenant has.
	Spec tenantSpec `yaml:"spec" strake:"required,partial"`
}

// releaseDocument says what runs in one stage. A program writes it.
type releaseDocument struct {
	// APIVersion of every document: strake/v1alpha1.
	APIVersion string `yaml:"apiVersion" strake:"required,enum=strake/v1alpha1"`
	// Kind of the document: Release.
	Kind string `yaml:"kind" strake:"required,enum=Release"`
	// Metadata names the stage.
	Metadata metadata `yaml:"metadata" strake:"required"`
	// Spec is images and versions.
	Spec releaseSpec `yaml:"spec" strake:"required"`
}

// factsDocument is what only Terraform knows about one environment. A program writes it.
type factsDocument struct {
	// APIVersion of every document: strake/v1alpha1.
	APIVersion string `yaml:"apiVersion" strake:"required,enum=strake/v1alpha1"`
	// Kind of the document: Facts.
	Kind string `yaml:"kind" strake:"required,enum=Facts"`
	// Metadata names the environment.
	Metadata metadata `yaml:"metadata" strake:"required"`
	// Spec is the recorded outputs.
	Spec factsSpec `yaml:"spec" strake:"required"`
}

// metadata names a document.
type metadata struct {
	// Name of the platform, the tenant, the stage (Release) or the environment (Facts).
	Name string `yaml:"name" strake:"required,name"`
}

// platformSpec is the spec of a Platform.
type platformSpec struct {
	// Strake pins the tool.
	Strake strakePin `yaml:"strake" strake:"required"`
	// Repository is where the manifests are kept.
	Repository Repository `yaml:"repository" strake:"required"`
	// Include brings other files: globs relative to this file's directory.
	Include []string `yaml:"include"`
	// Variables that values may use as ${NAME}. Their own values may use built-in variables.
	Variables map[string]string `yaml:"variables" strake:"keys=variable"`
	// TenantLimits bound what a tenant may ask for.
	TenantLimits *tenantLimits `yaml:"tenantLimits"`
	// ArgoCD fills every environment, before defaults.
	ArgoCD *ArgoCD `yaml:"argocd" strake:"partial"`
	// Defaults fill every environment.
	Defaults defaults `yaml:"defaults" strake:"partial"`
	// Environments are the clusters, in the order of promotion.
	Environments []environment `yaml:"environments" strake:"required,partial"`
	// Tenants that have no file of their own.
	Tenants []inlineTenant `yaml:"tenants" strake:"partial"`
	// Removals are objects that may disappear.
	Removals []Removal `yaml:"removals"`
}

// strakePin pins the tool.
type strakePin struct {
	// Version is the minor version that may render this spec: 0.1.x.
	Version string `yaml:"version" strake:"required,pin"`
}

// tenantLimits bound what a tenant may ask for without the platform's team.
type tenantLimits struct {
	// Quota is the most that each tenant's quota may say. A tenant must then have a quota for each of them.
	Quota map[string]string `yaml:"quota" strake:"quantities,keys=quota"`
	// Pools that tenants, pipelines and tasks may name.
	Pools []string `yaml:"pools" strake:"nodepool"`
	// Roles in the project that a tenant's ServiceAccount may have.
	Roles []string `yaml:"roles" strake:"role"`
}

// defaults fill every environment, tenant and pipeline.
type defaults struct {
	Settings `yaml:",inline"`
	// Tenant fills every tenant.
	Tenant tenantDefaults `yaml:"tenant"`
	// Pipeline fills every pipeline.
	Pipeline pipelineDefaults `yaml:"pipeline"`
}

// tenantDefaults fill every tenant.
type tenantDefaults struct {
	Tenant `yaml:",inline" strake:"omit=name"`
}

// pipelineDefaults fill every pipeline.
type pipelineDefaults struct {
	Pipeline `yaml:",inline" strake:"omit=name"`
}

// environment is one cluster. Its own values win over defaults.
type environment struct {
	// Name of the environment: its directory in environments/ and overlays/.
	Name string `yaml:"name" strake:"required,name"`
	// Stage of promotion: the Release of that name says what runs. Default: the environment's name.
	Stage string `yaml:"stage" strake:"name"`
	// Extends another environment: its values count like defaults here.
	Extends string `yaml:"extends" strake:"name"`
	// Abstract environments are extended, and not rendered.
	Abstract bool `yaml:"abstract"`
	// Variables that win over the platform's.
	Variables map[string]string `yaml:"variables" strake:"keys=variable"`
	// Tenants is none for an environment without tenants.
	Tenants  string `yaml:"tenants" strake:"enum=none"`
	Settings `yaml:",inline"`
}

// inlineTenant is a tenant in the Platform's own file.
type inlineTenant struct {
	Tenant `yaml:",inline"`
	// Variables that win over the environment's, for this tenant.
	Variables map[string]string `yaml:"variables" strake:"keys=variable"`
	// Environments limit where the tenant lives, and override it there. $all is every environment. Absent means everywhere.
	Environments map[string]tenantOverride `yaml:"environments" strake:"keys=placement"`
}

// tenantSpec is the spec of a Tenant.
type tenantSpec struct {
	Tenant `yaml:",inline" strake:"omit=name"`
	// Variables that win over the environment's, for this tenant.
	Variables map[string]string `yaml:"variables" strake:"keys=variable"`
	// Environments limit where the tenant lives, and override it there. $all is every environment. Absent means everywhere.
	Environments map[string]tenantOverride `yaml:"environments" strake:"keys=placement"`
}

// tenantOverride is what differs for a tenant in one environment.
type tenantOverride struct {
	Tenant `yaml:",inline" strake:"omit=name"`
	// Variables that win over the tenant's own, in this environment.
	Variables map[string]string `yaml:"variables" strake:"keys=variable"`
}

// releaseSpec is what runs in one stage.
type releaseSpec struct {
	// Images by TENANT/PIPELINE, TENANT/PIPELINE/TASK or TENANT/SERVICE: what ${release.image} stands for there.
	Images map[string]string `yaml:"images" strake:"keys=release"`
	// Components are versions of what the platform runs.
	Components components `yaml:"components"`
}

// components are versions of what the platform runs.
type components struct {
	// Workflows is the version of Argo Workflows. An environment's own workflows.version wins.
	Workflows string `yaml:"workflows" strake:"semver"`
}

// factsSpec is what Terraform recorded.
type factsSpec struct {
	// Persistent outputs of Terraform by name: what ${facts.NAME} stands for.
	Persistent map[string]string `yaml:"persistent" strake:"keys=fact"`
	// Recorded says which state the facts came from.
	Recorded map[string]any `yaml:"recorded" strake:"opaque"`
}

// effectiveDocument is the file of an Effective.
type effectiveDocument struct {
	// APIVersion of every document: strake/v1alpha1.
	APIVersion string `yaml:"apiVersion" strake:"required,enum=strake/v1alpha1"`
	// Kind of the document: Effective.
	Kind      string `yaml:"kind" strake:"required,enum=Effective"`
	Effective `yaml:",inline"`
}
