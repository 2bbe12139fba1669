package contracts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"strake/generator/diag"
	"strake/generator/manifest"
	"strake/generator/terraform"
)

// imageForm is an image in Artifact Registry.
// https://cloud.google.com/artifact-registry/docs/docker/names
var imageForm = regexp.MustCompile(`^([a-z0-9-]+)-docker\.pkg\.dev/([^/]+)/([^/@:]+)/`)

// image is a place that pods take images from, where it is named first.
type image struct {
	location, project, repository string
	o                             *manifest.Object
	path                          manifest.Path
}

func (r *run) imagesUsed() []image {
	var out []image
	for _, p := range r.pods() {
		for _, c := range p.Containers() {
			m := imageForm.FindStringSubmatch(stringAt(c.Fields, "image"))
			if m == nil || strings.Contains(m[0], "{{") {
				continue
			}
			same := func(i image) bool { return i.location == m[1] && i.project == m[2] && i.repository == m[3] }
			if !slices.ContainsFunc(out, same) {
				out = append(out, image{m[1], m[2], m[3], p.Object, p.At(below(c.Spec, manifest.Step{Key: "image"})...)})
			}
		}
	}
	return out
}

// images: repositories that the roots make are the ones that images come from,
// and the nodes may read them.
func (r *run) images() {
	for _, i := range r.imagesUsed() {
		made, near := r.registry(i)
		switch {
		case made != nil:
			r.mayPull(i, made)
		case near != nil && !r.complete():
			r.undecided("the repository " + i.repository)
		case near != nil:
			r.finding("image-repository-missing", diag.Error, i.o, i.path,
				fmt.Sprintf("no Terraform makes the repository %s of images in %s, %s", i.repository, i.project, i.location),
				fmt.Sprintf("%s is %s in %s: both have to say the same.", near.Address, text(near.Get("repository_id")), text(near.Get("location"))),
				related(line(near, near.Get("repository_id")), "a repository of the environment"))
		}
	}
}

// registry finds the repository of an image. near is one of the same project
// where there is none: only those that the environment makes are known.
func (r *run) registry(i image) (made, near *terraform.Resource) {
	for _, t := range r.roots {
		for _, res := range t.Of("google_artifact_registry_repository") {
			project := t.project(res)
			if !project.may(i.project) || !project.known() {
				continue
			}
			if text(res.Get("repository_id")).may(i.repository) && text(res.Get("location")).may(i.location) {
				return res, nil
			}
			near = res
		}
	}
	if r.referred("google_artifact_registry_repository", "repository_id", i.repository) || r.existing(i.repository) {
		return nil, nil
	}
	return nil, near
}

// mayPull: nodes pull images as their own account.
// https://cloud.google.com/kubernetes-engine/docs/how-to/service-accounts
func (r *run) mayPull(i image, made *terraform.Resource) {
	id := text(made.Get("repository_id"))
	var readers []*grant
	for _, g := range r.given("repository", "roles/artifactregistry.reader", "roles/artifactregistry.writer", "roles/artifactregistry.repoAdmin", "roles/artifactregistry.admin") {
		if names(g.target, made, id) {
			readers = append(readers, g)
		}
	}
	readers = append(readers, r.given("project", "roles/artifactregistry.reader", "roles/artifactregistry.writer", "roles/artifactregistry.admin", "roles/viewer", "roles/editor", "roles/owner")...)
	for _, p := range r.pools {
		for _, a := range r.accounts {
			if !names(p.get("service_account"), a.Resource, a.email) {
				continue
			}
			if slices.ContainsFunc(readers, func(g *grant) bool {
				return g.member.kind == unknownMember || g.member.kind == accountMember && g.member.email.meets(a.email)
			}) {
				continue
			}
			if !r.complete() {
				r.undecided("the rights on " + string(id))
				return
			}
			other := related(made.Range, "the repository")
			for _, g := range r.grants {
				if g.on == "repository" && names(g.target, made, id) {
					other = related(line(g.Resource, g.Get("role")), "who may do what")
				}
			}
			r.finding("image-pull-access", diag.Error, i.o, i.path,
				fmt.Sprintf("the nodes run as %s, which may not pull images from %s", a.email, made.Address),
				"Give the account roles/artifactregistry.reader on the repository with a google_artifact_registry_repository_iam_member.", other)
			return
		}
	}
}
