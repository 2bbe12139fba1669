package contracts

import (
	"regexp"
	"strings"
)

// memberKind says who a member of an IAM policy is.
type memberKind int

const (
	otherMember    memberKind = iota // a person, a group, all users
	unknownMember                    // nothing is known of it
	accountMember                    // a Google service account
	workloadMember                   // serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]
	directMember                     // principal://…/subject/ns/NAMESPACE/sa/NAME
	namespaceGroup                   // principalSet://…/namespace/NAMESPACE
	poolGroup                        // principalSet:// of a whole cluster or pool
	brokenMember                     // a principal that names no pool, or no subject, of GKE
)

// member is one member of an IAM policy.
// https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity
type member struct {
	kind            memberKind
	project         pattern // of the workload identity pool
	number          pattern // of that project, in principal://
	namespace, name pattern
	email           pattern
	problem         string // of a broken one
}

var (
	workloadForm  = regexp.MustCompile(`^(.+)\.svc\.id\.goog\[([^/\]]*)/([^/\]]*)\]$`)
	principalForm = regexp.MustCompile(`^(principal|principalSet)://iam\.googleapis\.com/projects/([^/]*)/locations/global/workloadIdentityPools/([^/]*)/(.*)$`)
)

func parseMember(p pattern) member {
	s := string(p)
	if rest, ok := strings.CutPrefix(s, "serviceAccount:"); ok {
		if m := workloadForm.FindStringSubmatch(rest); m != nil {
			return member{kind: workloadMember, project: pattern(m[1]), namespace: pattern(m[2]), name: pattern(m[3])}
		}
		if strings.Contains(rest, ".svc.id.goog") {
			return member{kind: brokenMember, problem: "it is not serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]"}
		}
		return member{kind: accountMember, email: pattern(rest)}
	}
	if strings.HasPrefix(s, "principal") {
		return parsePrincipal(s)
	}
	if strings.HasPrefix(s, hole) {
		return member{kind: unknownMember}
	}
	return member{}
}

func parsePrincipal(s string) member {
	if strings.Contains(s, "/workforcePools/") {
		return member{}
	}
	m := principalForm.FindStringSubmatch(s)
	if m == nil {
		if !pattern(s).known() {
			return member{kind: unknownMember}
		}
		return member{kind: brokenMember, problem: "it is not principal://iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/PROJECT.svc.id.goog/subject/ns/NAMESPACE/sa/NAME"}
	}
	project, gke := strings.CutSuffix(m[3], ".svc.id.goog")
	if !gke {
		if !pattern(m[3]).known() {
			project = hole
		} else {
			return member{} // a pool of another kind: GitHub's, for example
		}
	}
	out := member{number: pattern(m[2]), project: pattern(project)}
	subject, isSubject := strings.CutPrefix(m[4], "subject/ns/")
	namespace, name, hasName := strings.Cut(subject, "/sa/")
	group, isGroup := strings.CutPrefix(m[4], "namespace/")
	switch {
	case m[1] == "principal" && isSubject && hasName:
		out.kind, out.namespace, out.name = directMember, pattern(namespace), pattern(name)
	case m[1] == "principalSet" && isGroup:
		out.kind, out.namespace = namespaceGroup, pattern(group)
	case m[1] == "principalSet" && (m[4] == "*" || strings.HasPrefix(m[4], "kubernetes.cluster/")):
		out.kind = poolGroup
	case m[1] == "principal" && !pattern(m[4]).known():
		out.kind, out.namespace, out.name = directMember, hole, hole
	default:
		out.kind, out.problem = brokenMember, "a subject is subject/ns/NAMESPACE/sa/NAME of a principal://, and all of a namespace is namespace/NAMESPACE of a principalSet://"
	}
	if out.number.known() && !allDigits(string(out.number)) {
		out.kind, out.problem = brokenMember, "projects/"+string(out.number)+" is to be the number of the project, not its ID"
	}
	return out
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// workload is a Kubernetes ServiceAccount, with the Google service account that
// it is linked to.
type workload struct {
	namespace, name string
	email           string // of the linked account, "" without a link
}

func (w workload) String() string { return w.namespace + "/" + w.name }

// is reports whether a member stands for a workload, itself or through its
// linked account. What is not known may be it.
func (m member) is(w workload) bool {
	switch m.kind {
	case unknownMember, poolGroup:
		return true
	case directMember:
		return m.namespace.may(w.namespace) && m.name.may(w.name)
	case namespaceGroup:
		return m.namespace.may(w.namespace)
	case accountMember:
		return w.email != "" && m.email.may(w.email)
	default:
		return false
	}
}
