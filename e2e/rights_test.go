//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"strake/e2e/harness"
)

// subject is somebody whose rights come from the rendered tree.
type subject struct {
	kind, namespace, name string
}

func (s subject) String() string {
	if s.kind == "Group" {
		return "group " + s.name
	}
	return "serviceaccount " + s.namespace + "/" + s.name
}

// cell is one question of kubectl auth can-i.
type cell struct {
	namespace string // "" asks for all namespaces, and for cluster-scoped kinds
	group     string
	resource  string // with its subresource: pods/log
	verb      string
}

// TestRights asks the API server what every rendered ServiceAccount, and every
// group that is bound, may do, and compares with the table in testdata/rights:
// nothing more is allowed than is listed there.
func TestRights(t *testing.T) {
	proves(t, "kube-apiserver (RBAC)", "each ServiceAccount and group may do what the table lists and nothing else")
	for _, env := range environments(t) {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			c := environmentCluster(t, env)
			logs(t, env+"-kube-apiserver")
			objects := delivered(t, c, env)
			var table strings.Builder
			asked := 0
			for _, s := range subjects(objects) {
				rules, err := rulesOf(shared.ctx, c, s, namespaces(objects))
				if err != nil {
					t.Fatalf("%s: %v", s, err)
				}
				fmt.Fprintf(&table, "%s\n%s\n", s, indent(rules.lines()))
				if env != "prod" {
					continue // its rules are compared; tens of thousands of questions are asked of one environment
				}
				cells, err := questions(c, s, objects)
				if err != nil {
					t.Fatal(err)
				}
				if err := rules.sweep(shared.ctx, c, s, cells); err != nil {
					t.Errorf("%s: %v", s, err)
				}
				asked += len(cells)
			}
			golden(t, filepath.Join("rights", env+".txt"), table.String())
			noticesMore(t, c, subject{"ServiceAccount", "forecasting", "workflow-runner"}, namespaces(objects))
			t.Logf("%d questions asked", asked)
		})
	}
}

// noticesMore proves the test: a right that is granted beside the tree is in
// the table at once.
func noticesMore(t *testing.T, c *harness.Cluster, s subject, namespaces []string) {
	t.Helper()
	before, err := rulesOf(shared.ctx, c, s, namespaces)
	if err != nil {
		t.Fatal(err)
	}
	binding := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
		"metadata": map[string]any{"name": "too-much", "namespace": s.namespace},
		"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": s.name, "namespace": s.namespace}},
	}}
	if _, err := c.Apply(shared.ctx, binding, false); err != nil {
		t.Fatal(err)
	}
	err = harness.Until(shared.ctx, 10*time.Second, func(ctx context.Context) error {
		after, err := rulesOf(ctx, c, s, namespaces)
		if err == nil && slices.Equal(before.lines(), after.lines()) {
			err = errors.New("a ClusterRole was bound and the table is the same")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := c.Delete(shared.ctx, binding); err != nil {
		t.Error(err)
	}
}

// delivered applies an environment whole and returns its objects.
func delivered(t *testing.T, c *harness.Cluster, env string) []*unstructured.Unstructured {
	t.Helper()
	if err := c.Expect(shared.ctx, everything(t, shared.root, env)); err != nil {
		t.Fatal(err)
	}
	var all []*unstructured.Unstructured
	for _, app := range apps(t, shared.root, env) {
		objects := overlay(t, shared.root, env, app)
		if err := c.ApplyAll(shared.ctx, objects); err != nil {
			t.Fatalf("%s: %v", app, err)
		}
		all = append(all, objects...)
	}
	return all
}

// subjects are the rendered ServiceAccounts, bound or not, and the groups that
// a rendered binding names.
func subjects(objects []*unstructured.Unstructured) []subject {
	found := map[subject]bool{}
	for _, o := range objects {
		if o.GetKind() == "ServiceAccount" {
			found[subject{"ServiceAccount", o.GetNamespace(), o.GetName()}] = true
		}
		list, _, _ := unstructured.NestedSlice(o.Object, "subjects")
		for _, entry := range list {
			s, _ := entry.(map[string]any)
			if s["kind"] == "Group" {
				found[subject{"Group", "", fmt.Sprint(s["name"])}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b subject) int { return cmp.Compare(a.String(), b.String()) })
}

// namespaces are those of the objects, and two that no platform should reach.
func namespaces(objects []*unstructured.Unstructured) []string {
	names := []string{"default", "kube-system"}
	for _, o := range objects {
		if ns := o.GetNamespace(); ns != "" {
			names = append(names, ns)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// as speaks as a subject: a ServiceAccount by its token, a group by a member
// that the administrator impersonates.
func as(ctx context.Context, c *harness.Cluster, s subject) (*rest.Config, error) {
	if s.kind == "ServiceAccount" {
		return c.As(ctx, s.namespace, s.name)
	}
	config := rest.CopyConfig(c.Admin)
	config.Impersonate = rest.ImpersonationConfig{UserName: "somebody@example.com", Groups: []string{s.name, "system:authenticated"}}
	return config, nil
}

// rules are what the API server's authorizer says of a subject, by namespace.
type rules map[string][]authorizationv1.ResourceRule

func rulesOf(ctx context.Context, c *harness.Cluster, s subject, namespaces []string) (rules, error) {
	config, err := as(ctx, c, s)
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	out := rules{}
	for _, ns := range namespaces {
		answer, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, &authorizationv1.SelfSubjectRulesReview{
			Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: ns},
		}, metav1.CreateOptions{})
		if err != nil {
			return nil, err
		}
		if answer.Status.EvaluationError != "" {
			return nil, fmt.Errorf("in %s: %s", ns, answer.Status.EvaluationError)
		}
		out[ns] = answer.Status.ResourceRules
	}
	return out, nil
}

// everybodys are the questions that Kubernetes lets every authenticated user
// ask about himself (ClusterRole system:basic-user).
func everybodys(r authorizationv1.ResourceRule) bool {
	return slices.Equal(r.Verbs, []string{"create"}) && slices.ContainsFunc(r.APIGroups, func(g string) bool {
		return g == "authorization.k8s.io" || g == "authentication.k8s.io"
	}) && !slices.ContainsFunc(r.Resources, func(res string) bool { return !strings.HasPrefix(res, "self") })
}

// lines is the table of a subject: what it may do everywhere stands under "*".
func (r rules) lines() []string {
	type key struct{ resource, names string }
	grouped := map[string]map[key]map[string]bool{} // namespace → what → verbs
	for ns, list := range r {
		grouped[ns] = map[key]map[string]bool{}
		for _, rule := range list {
			if everybodys(rule) {
				continue
			}
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					k := key{qualified(group, resource), strings.Join(slices.Sorted(slices.Values(rule.ResourceNames)), ",")}
					if grouped[ns][k] == nil {
						grouped[ns][k] = map[string]bool{}
					}
					for _, verb := range rule.Verbs {
						grouped[ns][k][verb] = true
					}
				}
			}
		}
	}
	text := func(ns string) []string {
		var out []string
		for k, verbs := range grouped[ns] {
			name := k.resource
			if k.names != "" {
				name += " (" + k.names + ")"
			}
			out = append(out, fmt.Sprintf("%-60s %s", name, strings.Join(slices.Sorted(maps.Keys(verbs)), " ")))
		}
		slices.Sort(out)
		return out
	}
	common := text("kube-system") // what is allowed there is allowed everywhere
	var out []string
	for _, line := range common {
		out = append(out, fmt.Sprintf("%-16s %s", "*", line))
	}
	for _, ns := range slices.Sorted(maps.Keys(grouped)) {
		for _, line := range text(ns) {
			if !slices.Contains(common, line) {
				out = append(out, fmt.Sprintf("%-16s %s", ns, line))
			}
		}
	}
	if len(out) == 0 {
		out = []string{"nothing"}
	}
	return out
}

func qualified(group, resource string) string {
	if group == "" {
		return resource
	}
	base, sub, found := strings.Cut(resource, "/")
	if found {
		return base + "." + group + "/" + sub
	}
	return base + "." + group
}

// allows evaluates the rules, names left out, as the table states them.
func (r rules) allows(q cell) bool {
	for _, rule := range r[q.namespace] {
		if len(rule.ResourceNames) > 0 || !has(rule.Verbs, q.verb) || !has(rule.APIGroups, q.group) {
			continue
		}
		_, sub, _ := strings.Cut(q.resource, "/")
		if has(rule.Resources, q.resource) || sub != "" && slices.Contains(rule.Resources, "*/"+sub) {
			return true
		}
	}
	return false
}

func has(list []string, want string) bool {
	return slices.Contains(list, want) || slices.Contains(list, "*")
}

// questions is what can be asked: the verb that reads and the verbs that write
// each resource that the API server serves, in the subject's own namespace, in that of the
// platform, in another's and in the system's; and the verbs that no resource
// lists but that matter.
func questions(c *harness.Cluster, s subject, objects []*unstructured.Unstructured) ([]cell, error) {
	_, lists, err := c.Clients.Discovery().ServerGroupsAndResources()
	if err != nil {
		return nil, err
	}
	asked := places(s, objects)
	known := map[string]bool{}
	var out []cell
	for _, list := range lists {
		group, _, found := strings.Cut(list.GroupVersion, "/")
		if !found {
			group = ""
		}
		for _, resource := range list.APIResources {
			what := group + "/" + resource.Name
			if known[what] {
				continue // the same resource in another version
			}
			known[what] = true
			verbs := extra(group, resource.Name)
			for _, verb := range []string{"get", "create", "update", "delete"} {
				if slices.Contains(resource.Verbs, verb) {
					verbs = append(verbs, verb)
				}
			}
			for _, ns := range asked {
				for _, verb := range verbs {
					out = append(out, cell{ns, group, resource.Name, verb})
				}
			}
		}
	}
	return out, nil
}

// places are the namespaces in which a subject is asked about.
func places(s subject, objects []*unstructured.Unstructured) []string {
	if s.kind == "Group" {
		return namespaces(objects)
	}
	asked := []string{s.namespace, "argo", "kube-system"}
	for _, ns := range namespaces(objects) {
		if !slices.Contains(asked, ns) && ns != "default" {
			asked = append(asked, ns)
			break
		}
	}
	slices.Sort(asked)
	return slices.Compact(asked)
}

// extra verbs are asked of kinds that roles escalate through.
func extra(group, resource string) []string {
	switch {
	case group == "rbac.authorization.k8s.io" && strings.HasSuffix(resource, "roles"):
		return []string{"bind", "escalate"}
	case group == "" && resource == "serviceaccounts":
		return []string{"impersonate"}
	default:
		return nil
	}
}

// sweep asks each question and compares the answer with the rules: what the
// table lists is all that there is.
func (r rules) sweep(ctx context.Context, c *harness.Cluster, s subject, cells []cell) error {
	user, groups := "somebody@example.com", []string{s.name, "system:authenticated"}
	if s.kind == "ServiceAccount" {
		user = "system:serviceaccount:" + s.namespace + ":" + s.name
		groups = []string{"system:serviceaccounts", "system:serviceaccounts:" + s.namespace, "system:authenticated"}
	}
	var mu sync.Mutex
	var wrong []string
	work := make(chan cell)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for q := range work {
				allowed, err := canI(ctx, c, user, groups, q)
				if err == nil && allowed == r.allows(q) {
					continue
				}
				mu.Lock()
				wrong = append(wrong, fmt.Sprintf("%s %s in %s: can-i says %t, the rules say %t (%v)", q.verb, qualified(q.group, q.resource), q.namespace, allowed, r.allows(q), err))
				mu.Unlock()
			}
		})
	}
	for _, q := range cells {
		work <- q
	}
	close(work)
	wg.Wait()
	if len(wrong) > 0 {
		slices.Sort(wrong)
		return fmt.Errorf("%d answers differ:\n%s", len(wrong), strings.Join(wrong[:min(20, len(wrong))], "\n"))
	}
	return nil
}

func canI(ctx context.Context, c *harness.Cluster, user string, groups []string, q cell) (bool, error) {
	resource, sub, _ := strings.Cut(q.resource, "/")
	answer, err := c.Clients.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: groups, ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: q.namespace, Verb: q.verb, Group: q.group, Resource: resource, Subresource: sub,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return answer.Status.Allowed, nil
}

func indent(lines []string) string {
	return "  " + strings.Join(lines, "\n  ") + "\n"
}

// golden compares with a file under testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join(shared.root, "e2e", "testdata", name)
	if shared.update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-table +server); UPDATE=1 make e2e writes it:\n%s", name, diff)
	}
}
