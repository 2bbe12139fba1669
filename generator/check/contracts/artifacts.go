package contracts

import (
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"strake/generator/check"
	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/terraform"
)

const (
	ruleBucketMissing = "artifact-bucket-missing"
	ruleBucketAccess  = "artifact-bucket-access"
)

// repository is an artifact repository in Cloud Storage.
type repository struct {
	o      *manifest.Object
	path   manifest.Path // the value of the ConfigMap that it stands in
	bucket string
	line   int // of the bucket in that value, from 1
	inside []string
	// controller says that it is the controller's: it serves every namespace
	// without one of its own.
	controller bool
}

// repositories reads the artifact repositories out of the ConfigMaps of Argo
// Workflows. What cannot be read is a finding of check/argo.
// https://argo-workflows.readthedocs.io/en/latest/artifact-repository-ref/
func (r *run) repositories() []repository {
	var out []repository
	for _, o := range r.objects {
		if o.Kind != "ConfigMap" || o.Group() != "" {
			continue
		}
		data := mapAt(o.Fields, "data")
		for _, key := range sortedKeys(data) {
			source, _ := data[key].(string)
			repo := repository{o: o, path: o.At("data", key)}
			switch {
			case o.Name == "artifact-repositories" || mapAt(o.Fields, "metadata", "annotations")["workflows.argoproj.io/default-artifact-repository"] != nil:
				repo.inside = []string{"gcs", "bucket"}
			case strings.HasSuffix(o.Name, "workflow-controller-configmap") && key == "artifactRepository":
				repo.inside, repo.controller = []string{"gcs", "bucket"}, true
			case strings.HasSuffix(o.Name, "workflow-controller-configmap") && key == "config":
				repo.inside, repo.controller = []string{"artifactRepository", "gcs", "bucket"}, true
			default:
				continue
			}
			if repo.read(source) {
				out = append(out, repo)
			}
		}
	}
	return out
}

func (repo *repository) read(source string) bool {
	var doc yaml.Node
	if yaml.Unmarshal([]byte(source), &doc) != nil || len(doc.Content) == 0 {
		return false
	}
	place, rest := manifest.Descend(doc.Content[0], nil, keys(repo.inside...))
	if len(rest) > 0 || place.Node == nil || place.Node.Kind != yaml.ScalarNode {
		return false
	}
	repo.bucket, repo.line = place.Node.Value, place.Node.Line
	return repo.bucket != ""
}

// report adds a finding at the line of the bucket.
func (r *run) atBucket(repo repository, rule string, severity diag.Severity, summary, detail string, other ...diag.Related) {
	r.finding(rule, severity, repo.o, repo.path, summary, detail, other...)
	d := &r.findings[len(r.findings)-1]
	d.Range = check.InText(repo.o, repo.path, d.Range, repo.line)
	d.Field += ":" + strings.Join(repo.inside, ".")
}

// artifacts: the bucket exists, and those who write to it may.
func (r *run) artifacts() {
	repositories := r.repositories()
	users := r.workflowUsers()
	for _, repo := range repositories {
		bucket := r.bucketNamed(repo.bucket)
		if bucket == nil && !r.bucketKnown(repo) {
			continue
		}
		for _, w := range users {
			if r.serves(repo, w.namespace, repositories) {
				r.mayUse(repo, bucket, w, writing())
			}
		}
		for _, w := range r.servers(repo) {
			r.mayUse(repo, bucket, w, reading())
		}
	}
}

func (r *run) bucketNamed(name string) *terraform.Resource {
	for _, t := range r.roots {
		for _, res := range t.Of("google_storage_bucket") {
			if text(res.Get("name")).is(name) {
				return res
			}
		}
	}
	for _, t := range r.roots {
		for _, res := range t.Of("google_storage_bucket") {
			if v := res.Get("name"); text(v).may(name) {
				r.unknown(res, "name", v)
				return res
			}
		}
	}
	return nil
}

// bucketKnown reports whether a bucket that no root makes is known to exist:
// somebody else made it.
func (r *run) bucketKnown(repo repository) bool {
	if r.referred("google_storage_bucket", "name", repo.bucket) || r.existing(repo.bucket) {
		return true
	}
	var buckets []*terraform.Resource
	var known []string
	for _, t := range r.roots {
		for _, b := range t.Of("google_storage_bucket") {
			buckets, known = append(buckets, b), append(known, string(text(b.Get("name"))))
		}
	}
	mean := diag.DidYouMean(repo.bucket, known)
	granted := slices.ContainsFunc(r.grants, func(g *grant) bool {
		return g.on == "bucket" && len(g.target.Resources) == 0 && text(g.target).is(repo.bucket)
	})
	switch {
	case granted && mean == "" && !r.rendered():
		return true
	case len(buckets) == 0:
		return false // buckets are made elsewhere
	case !r.complete():
		r.undecided("the bucket " + repo.bucket)
		return false
	}
	detail, nearest := "Make it with a google_storage_bucket, or refer to it with a data source.", buckets[closest(repo.bucket, known)]
	if mean != "" {
		detail = fmt.Sprintf("Did you mean %s? ", mean) + detail
	}
	r.atBucket(repo, ruleBucketMissing, diag.Error,
		fmt.Sprintf("no Terraform makes the bucket %s, where artifacts and logs go", repo.bucket), detail,
		related(line(nearest, nearest.Get("name")), "a bucket of the environment"))
	return false
}

// rendered reports whether the spec writes the Terraform, and so knows what is
// made and what was there before.
func (r *run) rendered() bool {
	return yesAt(r.in.Spec, "terraform", "render") || yesAt(r.in.Spec, "terraform", "persistent", "render")
}

// existing reports whether the spec says of a name in the cloud that it is there
// already.
func (r *run) existing(name string) bool { return existingIn(r.in.Spec, name) }

func existingIn(value any, name string) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, child := range v {
			if v["existing"] == true && child == name || existingIn(child, name) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(child any) bool { return existingIn(child, name) })
	}
	return false
}

func yesAt(m map[string]any, names ...string) bool {
	v, _ := check.Value(m, keys(names...))
	return v == true
}

// serves reports whether workflows of a namespace write to a repository.
func (r *run) serves(repo repository, namespace string, all []repository) bool {
	if !repo.controller {
		return repo.o.Namespace == namespace
	}
	return !slices.ContainsFunc(all, func(other repository) bool { return !other.controller && other.o.Namespace == namespace })
}

// workflowUsers are the ServiceAccounts that workflows run as.
func (r *run) workflowUsers() []workload {
	var out []workload
	seen := map[workload]bool{}
	for _, o := range r.objects {
		if o.Group() != "argoproj.io" {
			continue
		}
		for _, t := range check.PodTemplates(o, r.defaults) {
			name := stringAt(t.Spec, "serviceAccountName")
			if name == "" || strings.Contains(name, "{{") || o.Namespace == "" {
				continue
			}
			w, s := r.workload(o.Namespace, name)
			if s != nil && !seen[w] { // another rule says what is not there
				seen[w] = true
				out = append(out, w)
			}
		}
	}
	return out
}

// use is what somebody does with a bucket.
// https://cloud.google.com/storage/docs/access-control/iam-roles
type use struct {
	severity        diag.Severity
	summary, advice string
	bucket, project []string // roles
}

// writers may write, read and delete.
func writers(more ...string) []string {
	return append(more, "roles/storage.objectUser", "roles/storage.objectAdmin", "roles/storage.admin")
}

// writing: the wait container writes artifacts and logs as the workflow's own
// ServiceAccount.
func writing() use {
	return use{
		diag.Error, "workflows that run as %s may not write to the bucket %s", "roles/storage.objectUser",
		writers("roles/storage.objectCreator", "roles/storage.legacyBucketWriter", "roles/storage.legacyBucketOwner"),
		writers("roles/storage.objectCreator", "roles/editor", "roles/owner"),
	}
}

// reading: the server shows artifacts and archived logs as itself.
func reading() use {
	return use{
		diag.Warning, "%s shows artifacts and logs, and may not read the bucket %s", "roles/storage.objectViewer",
		writers("roles/storage.objectViewer", "roles/storage.legacyObjectReader", "roles/storage.legacyBucketWriter", "roles/storage.legacyBucketOwner"),
		writers("roles/storage.objectViewer", "roles/viewer", "roles/editor", "roles/owner"),
	}
}

// servers are the ServiceAccounts of the Argo servers beside a controller.
func (r *run) servers(repo repository) []workload {
	var out []workload
	for _, o := range r.objects {
		if !repo.controller || o.Kind != "Deployment" || o.Namespace != repo.o.Namespace || !strings.HasSuffix(o.Name, "argo-server") {
			continue
		}
		for _, t := range check.PodTemplates(o, r.defaults) {
			if w, s := r.workload(o.Namespace, stringAt(t.Spec, "serviceAccountName")); s != nil {
				out = append(out, w)
			}
		}
	}
	return out
}

func (r *run) mayUse(repo repository, bucket *terraform.Resource, w workload, u use) {
	onBucket := func(g *grant) bool {
		if bucket == nil {
			return text(g.target).may(repo.bucket)
		}
		return names(g.target, bucket, pattern(repo.bucket))
	}
	given := r.given("project", u.project...)
	for _, g := range r.given("bucket", u.bucket...) {
		if onBucket(g) {
			given = append(given, g)
		}
	}
	if r.holds(given, w) {
		return
	}
	if !r.complete() {
		r.undecided("the rights on " + repo.bucket)
		return
	}
	other := related(repo.place(), "the bucket")
	if bucket != nil {
		other = related(bucket.Range, "the bucket")
	}
	for _, g := range r.grants {
		switch {
		case g.on != "bucket" || !g.member.is(w):
		case onBucket(g):
			other = related(line(g.Resource, g.Get("role")), "what it may do")
		case diag.DidYouMean(string(text(g.target)), []string{repo.bucket}) != "" || len(g.target.Resources) == 0 && r.bucketNamed(string(text(g.target))) == nil:
			other = related(line(g.Resource, g.target), "what it may use")
		}
	}
	r.atBucket(repo, ruleBucketAccess, u.severity, fmt.Sprintf(u.summary, w, repo.bucket),
		"Give the ServiceAccount, or the Google account that it is linked to, "+u.advice+" on the bucket with a google_storage_bucket_iam_member.", other)
}

func (repo repository) place() diag.Range {
	at, _ := repo.o.Locate(repo.path)
	return at
}

// holds reports whether a workload has one of the grants, or would have it but
// for a member that is reported by itself.
func (r *run) holds(grants []*grant, w workload) bool {
	return slices.ContainsFunc(grants, func(g *grant) bool {
		return g.member.is(w) || r.dangling(g) || r.meantFor(g, w)
	})
}

// meantFor: the grant is to a Google account whose link to the workload is
// broken on one side, which is reported there.
func (r *run) meantFor(g *grant, w workload) bool {
	if g.member.kind != accountMember || !g.member.email.known() {
		return false
	}
	if w.email != "" {
		return r.account(w.email) == nil || !r.bound(w)
	}
	for _, other := range r.given("account", roleWorkloadIdentity) {
		if other.member.kind == workloadMember && r.admits(other.member, w) && text(other.target).meets("projects/"+hole+"/serviceAccounts/"+g.member.email) {
			return true
		}
	}
	return false
}

// bound reports whether the account that a workload is linked to lets it in.
func (r *run) bound(w workload) bool {
	a := r.account(w.email)
	if a == nil {
		return false
	}
	return slices.ContainsFunc(r.given("account", roleWorkloadIdentity), func(g *grant) bool {
		return names(g.target, a.Resource, "projects/"+hole+"/serviceAccounts/"+a.email) && r.admits(g.member, w)
	})
}
